"""Public API for container images.

```starlark
load("@rules_img//img:image.bzl", "image_index", "image_manifest")

image_manifest(
    name = "app",
    base = "@ubuntu",
    layers = [":app_layer"],
)

image_index(
    name = "app_all_platforms",
    manifests = [":app"],
    platforms = ["//platforms:linux_amd64", "//platforms:linux_arm64"],
)
```
"""

load("//img/private:inherit.bzl", _INHERIT_FROM_BASE = "INHERIT_FROM_BASE")
load("//img/private/rules:image_from_binary.bzl", _image_from_binary = "image_from_binary")
load("//img/private/rules:image_index.bzl", _image_index = "image_index")
load("//img/private/rules:image_manifest.bzl", _image_manifest = "image_manifest")
load("//img/private/rules:image_optimize.bzl", _image_optimize = "image_optimize")

# The value of an attribute of image_manifest that keeps what the base image has.
INHERIT_FROM_BASE = _INHERIT_FROM_BASE

image_from_binary = _image_from_binary
image_index = _image_index
image_manifest = _image_manifest
image_optimize = _image_optimize
