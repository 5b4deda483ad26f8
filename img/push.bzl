"""Public API for pushing container images.

```starlark
load("@rules_img//img:push.bzl", "image_push")

image_push(
    name = "push",
    image = ":app",
    registry = "ghcr.io",
    repository = "my-project/app",
    tag = "latest",
)
```

`bazel run //:push` pushes the image.
"""

load("//img/private/rules:image_push.bzl", _image_push = "image_push")
load("//img/private/rules:image_push_spec.bzl", _image_push_spec = "image_push_spec")

image_push = _image_push
image_push_spec = _image_push_spec
