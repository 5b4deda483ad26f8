"""Public API for loading container images into container runtimes.

```starlark
load("@rules_img//img:load.bzl", "image_load")

image_load(
    name = "load",
    image = ":app",
    tag = "my-project/app:latest",
)
```

`bazel run //:load` loads the image.
"""

load("//img/private/rules:image_load.bzl", _image_load = "image_load")
load("//img/private/rules:image_load_spec.bzl", _image_load_spec = "image_load_spec")

image_load = _image_load
image_load_spec = _image_load_spec
