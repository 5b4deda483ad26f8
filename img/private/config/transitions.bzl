"""Transitions between platforms.

They replace the target platforms and nothing else, and what they say holds for all that is below: for layers and bases, and for specs, too. So a
layer has the same configuration, and is built once, whether it is asked for directly, through an image with `platform`, or through an index.

There is no setting that remembers the platforms which were in force before, on purpose: see docs/design/images.md, "Many images".
"""

visibility([
    "//img/private/rules",
    "//tests/...",
])

_PLATFORMS = "//command_line_option:platforms"
_HOST_PLATFORM = "//command_line_option:host_platform"

def _split_platforms_impl(settings, attr):
    if not attr.platforms:
        # A branch says all that it could change.
        return {"0": {_PLATFORMS: settings[_PLATFORMS]}}
    return {
        str(index): {_PLATFORMS: [str(platform)]}
        for index, platform in enumerate(attr.platforms)
    }

# For the attribute `manifests` of a rule with `platforms`: one branch per platform, named by its position.
split_platforms_transition = transition(
    implementation = _split_platforms_impl,
    inputs = [_PLATFORMS],
    outputs = [_PLATFORMS],
)

def _single_platform_impl(_settings, attr):
    return {_PLATFORMS: [str(attr.platform)]} if attr.platform else {}

# For a rule with `platform`: builds the target for it.
single_platform_transition = transition(
    implementation = _single_platform_impl,
    inputs = [],
    outputs = [_PLATFORMS],
)

def _deploy_platform_impl(settings, attr):
    if attr.tool_cfg == "target":
        return {}
    return {_PLATFORMS: [settings[_HOST_PLATFORM]]}

# For the program of a rule with `tool_cfg`: the platform of the machine that runs Bazel, or the target platform.
deploy_platform_transition = transition(
    implementation = _deploy_platform_impl,
    inputs = [_HOST_PLATFORM],
    outputs = [_PLATFORMS],
)
