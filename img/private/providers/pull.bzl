"""Providers about pulled images."""

visibility([
    "//img",
    "//img/private/...",
    "//tests/...",
])

PullInfo = provider(
    doc = "Where the base of an image was pulled from.",
    fields = {
        "digest": "string: the digest of the pulled manifest or index, `sha256:...`.",
        "registries": "list of string: the registries that have it: the one that the image is named after first, then the mirrors.",
        "repository": "string: the repository, e.g. `library/ubuntu`.",
        "tag": "string: the tag; empty if the image was asked for by digest only.",
    },
)
