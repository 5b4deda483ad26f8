"""Providers about what `bazel run` does with images."""

visibility([
    "//img",
    "//img/private/...",
    "//tests/...",
])

DeployInfo = provider(
    doc = "Something that a `bazel run` can do with an image.",
    fields = {
        "deploy_manifest": "File: JSON plan of the operations.",
        "image": "ImageManifestInfo or ImageIndexInfo: the image.",
        "include_layers": "bool: whether the operations need the layer blobs on the machine that runs Bazel.",
    },
)
