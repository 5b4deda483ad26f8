"""Provides `PackageAttributeInfo`."""

PackageAttributeInfo = provider(
    doc = "One further fact about a package, such as its license.",
    fields = {
        "kind": "string: the attribute's identifier, in reverse DNS form.",
        "data": "File: the attribute's data, in a format its kind defines.",
        "files": "depset of File: `data` and what it refers to.",
    },
)
