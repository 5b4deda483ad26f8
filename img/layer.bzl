"""Public API for container image layers.

```starlark
load("@rules_img//img:layer.bzl", "file_metadata", "image_layer")

image_layer(
    name = "app_layer",
    srcs = {"/app/bin/server": "//cmd/server"},
    default_metadata = file_metadata(mode = "0555", uid = 1000),
)
```
"""

load("//img/private:file_metadata.bzl", _file_metadata = "file_metadata")
load("//img/private/rules:image_layer.bzl", _image_layer = "image_layer")
load("//img/private/rules:layer_from_binary.bzl", _layer_from_binary = "layer_from_binary")
load("//img/private/rules:layer_from_file.bzl", _layer_from_file = "layer_from_file")
load("//img/private/rules:layer_from_tar.bzl", _layer_from_tar = "layer_from_tar")

file_metadata = _file_metadata
image_layer = _image_layer
layer_from_binary = _layer_from_binary
layer_from_file = _layer_from_file
layer_from_tar = _layer_from_tar
