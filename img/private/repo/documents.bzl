"""Reads the documents of a pulled image: what is an index, what is an image, what is for which platform.

Functions here take decoded JSON and return plain values; files and registries are the business of pull.bzl.
"""

visibility([
    "//img/private/repo",
    "//tests/repo",
])

INDEX_MEDIA_TYPES = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
]

MANIFEST_MEDIA_TYPES = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
]

_CONFIG_MEDIA_TYPES = [
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
]

# Marks an entry of an index that says something about another entry, e.g. an attestation.
_REFERENCE_ANNOTATION = "vnd.docker.reference.type"

# The platform of what is no image to run.
_UNKNOWN = "unknown"

def media_type_of(document, declared):
    """The media type of a manifest or index.

    Args:
        document: dict: the document.
        declared: string: what the registry or a descriptor called it; may be empty.

    Returns:
        string: the media type; empty if it is neither declared nor recognizable.
    """
    media_type = document.get("mediaType") or declared
    if media_type:
        return media_type
    if "manifests" in document:
        return INDEX_MEDIA_TYPES[0]
    if "config" in document:
        return MANIFEST_MEDIA_TYPES[0]
    return ""

def is_image_manifest(manifest):
    """Whether a manifest is of an image, and not of an artifact such as a chart.

    Args:
        manifest: dict: the manifest.

    Returns:
        bool: whether its config is that of an image.
    """
    return manifest.get("config", {}).get("mediaType", "") in _CONFIG_MEDIA_TYPES

def platform_of(entry, config):
    """The platform of an image.

    Args:
        entry: dict: the descriptor of its manifest, which may have a platform.
        config: dict or None: its config, if it is known.

    Returns:
        dict: `os`, `architecture`, `variant`; `unknown` for what is no image to run.
    """
    platform = entry.get("platform") or config or {}
    architecture = platform.get("architecture", "") or _UNKNOWN
    os = platform.get("os", "") or _UNKNOWN
    if _REFERENCE_ANNOTATION in (entry.get("annotations") or {}) or _UNKNOWN in [os, architecture]:
        return {"architecture": _UNKNOWN, "os": _UNKNOWN, "variant": ""}
    variant = platform.get("variant", "") or ""
    if architecture == "arm64" and not variant:
        variant = "v8"
    return {"architecture": architecture, "os": os, "variant": variant}

def constraint_names(platforms):
    """The config settings of //img/constraints for platforms.

    Args:
        platforms: list of dict: what platform_of() returned.

    Returns:
        list of string: e.g. `linux_amd64`, sorted, each once, without unknown ones.
    """
    names = {
        "{}_{}".format(platform["os"], platform["architecture"]): None
        for platform in platforms
        if platform["os"] != _UNKNOWN
    }
    return sorted([name for name in names if name in _CONSTRAINTS])

_CONSTRAINTS = [
    "{}_{}".format(os, architecture)
    for os in ["android", "darwin", "freebsd", "ios", "linux", "netbsd", "openbsd", "windows"]
    for architecture in ["386", "amd64", "arm", "arm64", "mips64", "ppc64le", "riscv64", "s390x", "wasm"]
]
