"""The rule `image_load_spec`: how to load images into a container runtime, written down once for many of them."""

load("//img/private/providers:deploy.bzl", "LoadConfigInfo")
load("//img/private/rules:load_config.bzl", "LOAD_ATTRS", "load_config")

visibility([
    "//img",
    "//tests/...",
])

def _image_load_spec_impl(ctx):
    return [load_config(ctx)]

image_load_spec = rule(
    implementation = _image_load_spec_impl,
    doc = """Says how images are loaded into a container runtime, for the attribute `load_specs` of `image_manifest` and `image_index`.

```starlark
image_load_spec(
    name = "into_docker",
    daemon = "docker",
    tag = "my-project/{{.image_target_name}}:latest",
)

image_manifest(
    name = "app",
    layers = [":app_layer"],
    load_specs = [":into_docker"],
)
```

The image then offers `DeployInfo`; `multi_deploy` does the loads. Templates are expanded for each image by itself:
`{{.image_target_package}}` and `{{.image_target_name}}` are those of the image.
""",
    attrs = LOAD_ATTRS,
    provides = [LoadConfigInfo],
)
