"""Public API for images that other rules make as OCI layouts.

```starlark
load("@rules_img//img:convert.bzl", "image_manifest_from_oci_layout")
load("@rules_img//img:media_types.bzl", "GZIP_LAYER")

image_manifest_from_oci_layout(
    name = "app",
    src = ":layout_of_another_ruleset",
    architecture = "amd64",
    layers = [GZIP_LAYER],
    os = "linux",
)
```
"""

load(
    "//img/private/rules:image_from_oci_layout.bzl",
    _image_index_from_oci_layout = "image_index_from_oci_layout",
    _image_manifest_from_oci_layout = "image_manifest_from_oci_layout",
)

image_index_from_oci_layout = _image_index_from_oci_layout
image_manifest_from_oci_layout = _image_manifest_from_oci_layout
