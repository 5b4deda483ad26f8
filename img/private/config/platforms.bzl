"""Which images of an index a target platform can run, the best first."""

visibility([
    "//img/private/rules",
    "//tests/...",
])

def platform_string(os, architecture, variant):
    """A platform as one word.

    Args:
        os: string: operating system.
        architecture: string: processor.
        variant: string: variant of the processor, or empty.

    Returns:
        string: e.g. `linux/arm64/v8`.
    """
    return "/".join([part for part in [os, architecture, variant] if part])

def _numbered_down(variant, lowest):
    """`v3` -> [v3, v2, v1], down to the number given."""
    number = variant.removeprefix("v")
    if not number.isdigit():
        return [variant]
    return ["v{}".format(n) for n in range(int(number), lowest - 1, -1)]

def _arm64_variants(variant):
    major, _, minor = variant.partition(".")
    variants = [variant]
    if minor.isdigit():
        variants += ["{}.{}".format(major, n) for n in range(int(minor) - 1, 0, -1)] + [major]
    if major == "v9":
        variants.append("v8")
    return variants

def variant_candidates(architecture, variant):
    """The variants that run on a processor, the best first.

    Args:
        architecture: string: processor.
        variant: string: variant of it, or empty.

    Returns:
        list of string: variants; the empty string stands for an image that names none.
    """
    if architecture == "arm64":
        return _arm64_variants(variant or "v8")
    if architecture == "amd64" and variant:
        return _numbered_down(variant, 1) + [""]
    if architecture == "arm":
        # A platform without a variant is an ARMv7 here: @platforms//cpu:armv7 is the only 32-bit Arm that maps to images.
        return _numbered_down(variant, 5) if variant else ["", "v7", "v6", "v5"]
    return [variant, ""] if variant else [""]

def _variant_of(manifest):
    """64-bit Arm without a variant is v8."""
    return "v8" if manifest.architecture == "arm64" and not manifest.variant else manifest.variant

def select_manifest(manifests, os, architecture, variant):
    """Picks the image of an index that fits a platform best.

    Args:
        manifests: list of ImageManifestInfo: the images.
        os: string: operating system.
        architecture: string: processor.
        variant: string: variant of the processor, or empty.

    Returns:
        ImageManifestInfo or None: None if no image fits.
    """
    for candidate in variant_candidates(architecture, variant):
        for manifest in manifests:
            if (manifest.os, manifest.architecture, _variant_of(manifest)) == (os, architecture, candidate):
                return manifest
    return None
