"""Provides `PackageMetadataInfo`."""

PackageMetadataInfo = provider(
    doc = "Who a package is and where it comes from.",
    fields = {
        "metadata": "File: the metadata as JSON.",
        "files": "depset of File: `metadata` and the files of all attributes.",
    },
)
