"""The rule `target_platform`: the target platform in the words of the image specification."""

load("//img/private/providers:settings.bzl", "TargetPlatformInfo")

visibility([
    "//img/private/...",
    "//tests/...",
])

# What a rule adds to its attributes to know the platform that it builds an image for.
TARGET_PLATFORM_ATTRS = {
    "_target_platform": attr.label(
        doc = "The target platform.",
        default = Label("//img/private/config:target_platform"),
        providers = [TargetPlatformInfo],
    ),
}

def target_platform_of(ctx):
    """The target platform, in a rule that has TARGET_PLATFORM_ATTRS.

    Args:
        ctx: the rule context.

    Returns:
        TargetPlatformInfo: the platform.
    """
    return ctx.attr._target_platform[TargetPlatformInfo]

def _target_platform_impl(ctx):
    variant = ctx.attr.variant

    # 64-bit Arm starts with version 8, and images say so.
    if ctx.attr.cpu == "arm64" and not variant:
        variant = "v8"
    return [TargetPlatformInfo(cpu = ctx.attr.cpu, os = ctx.attr.os, variant = variant)]

target_platform = rule(
    implementation = _target_platform_impl,
    doc = "Translates the constraints of the target platform, by select() in the BUILD file, into the words of images.",
    attrs = {
        "cpu": attr.string(doc = "The processor, e.g. `amd64`.", mandatory = True),
        "os": attr.string(doc = "The operating system, e.g. `linux`.", mandatory = True),
        "variant": attr.string(doc = "The processor's variant, e.g. `v3`; empty if none is asked for."),
    },
    provides = [TargetPlatformInfo],
)
