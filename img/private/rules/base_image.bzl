"""Finds the image to build on, and says what an image takes over from it by itself."""

load("//img/private/config:platforms.bzl", "platform_string", "select_manifest", "variant_candidates")
load("//img/private/providers:image.bzl", "ImageIndexInfo", "ImageManifestInfo")
load("//img/private/providers:pull.bzl", "PullInfo")

visibility(["//img/private/rules"])

# Annotations and names leave out nothing that a reader would have to guess.
_DEFAULT_REGISTRY = "docker.io"

def _describe(manifest):
    return platform_string(manifest.os, manifest.architecture, manifest.variant)

def _is_runnable(manifest):
    return manifest.os != "unknown"

def _select_from_index(ctx, base, platform):
    manifest = select_manifest(base[ImageIndexInfo].manifests, platform.os, platform.cpu, platform.variant)
    if manifest:
        return manifest
    present = [_describe(manifest) for manifest in base[ImageIndexInfo].manifests if _is_runnable(manifest)]
    fail("{}: attribute `base`: {} has no image for {} (variant {}). It has {}. Build for one of these, or use another base.".format(
        ctx.label,
        base.label,
        platform_string(platform.os, platform.cpu, ""),
        platform.variant or "not given",
        ", ".join(sorted(present)) or "no images at all",
    ))

def _check_single(ctx, base, platform):
    manifest = base[ImageManifestInfo]
    fits = (manifest.os, manifest.architecture) == (platform.os, platform.cpu)

    # An image of one platform is what the user named; only a contradiction counts.
    if fits and manifest.variant and platform.variant:
        fits = manifest.variant in variant_candidates(platform.cpu, platform.variant)
    if not fits:
        fail("{}: attribute `base`: {} is an image for {}, but the target platform is {}. Build for that platform, or use another base.".format(
            ctx.label,
            base.label,
            _describe(manifest),
            platform_string(platform.os, platform.cpu, platform.variant),
        ))
    return manifest

def select_base(ctx, platform):
    """The image to build on.

    Args:
        ctx: the rule context; its rule has an attribute `base`.
        platform: TargetPlatformInfo: the platform to build for.

    Returns:
        ImageManifestInfo or None: None to start from scratch.
    """
    base = ctx.attr.base
    if not base:
        return None
    if ImageIndexInfo in base:
        return _select_from_index(ctx, base, platform)
    return _check_single(ctx, base, platform)

def base_name(base):
    """What the base is called in annotations.

    Args:
        base: Target or None: the target named by the attribute `base`.

    Returns:
        string: `registry/repository[:tag]`; empty if the base was not pulled.
    """
    if not base or PullInfo not in base:
        return ""
    pull = base[PullInfo]
    name = "{}/{}".format((pull.registries + [_DEFAULT_REGISTRY])[0], pull.repository)
    return name + ":" + pull.tag if pull.tag else name
