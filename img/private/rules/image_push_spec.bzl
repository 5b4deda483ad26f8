"""The rule `image_push_spec`: where to push images to, written down once for many of them."""

load("//img/private/providers:deploy.bzl", "PushConfigInfo")
load("//img/private/rules:push_attrs.bzl", "PUSH_ATTRS")
load("//img/private/rules:push_config.bzl", "push_config")

visibility([
    "//img",
    "//tests/...",
])

def _image_push_spec_impl(ctx):
    return [push_config(ctx)]

image_push_spec = rule(
    implementation = _image_push_spec_impl,
    doc = """Says where images are pushed to, for the attribute `push_specs` of `image_manifest` and `image_index`.

```starlark
image_push_spec(
    name = "to_production",
    registry = "ghcr.io",
    repository = "my-project/{{.image_target_name}}",
    tag = "latest",
)

image_manifest(
    name = "app",
    layers = [":app_layer"],
    push_specs = [":to_production"],
)
```

Templates are expanded for each image by itself: `{{.image_target_package}}` and `{{.image_target_name}}` are those of the image.
""",
    attrs = PUSH_ATTRS,
    provides = [PushConfigInfo],
)
