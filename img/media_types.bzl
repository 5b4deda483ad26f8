"""Media types of layers.

```starlark
load("@rules_img//img:media_types.bzl", "ZSTD_LAYER")
```
"""

# A tar archive.
UNCOMPRESSED_LAYER = "application/vnd.oci.image.layer.v1.tar"

# A tar archive, compressed with gzip.
GZIP_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

# A tar archive, compressed with zstd.
ZSTD_LAYER = "application/vnd.oci.image.layer.v1.tar+zstd"
