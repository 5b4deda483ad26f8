"""Transitions between platforms.

Whenever one of them replaces the target platforms it remembers those that were in force, so that a rule further down can go back to
them. Layers and bases forget what is remembered: built directly or through an index, they have one configuration and are built once.

Where nothing changes they return `{}`. Bazel evaluates a rule's transition once for every target, and even settings that say what they said before make
it compute the digest of a whole new configuration: a seventh of the time that analysis takes.
"""

visibility([
    "//img/private/rules",
    "//tests/...",
])

_PLATFORMS = "//command_line_option:platforms"
_HOST_PLATFORM = "//command_line_option:host_platform"
_ORIGINAL = str(Label("//img/private/config:original_platforms"))
_SETTINGS = [_PLATFORMS, _ORIGINAL]

def _join(platforms):
    return ",".join([str(platform) for platform in platforms])

def _unchanged(settings):
    """The settings in full, for a branch of a split transition."""
    return {_ORIGINAL: settings[_ORIGINAL], _PLATFORMS: settings[_PLATFORMS]}

def _for_platform(settings, platform):
    """The settings for building on another platform."""
    current = _join(settings[_PLATFORMS])
    if str(platform) == current:
        return _unchanged(settings)
    return {_ORIGINAL: settings[_ORIGINAL] or current, _PLATFORMS: [str(platform)]}

def _split_platforms_impl(settings, attr):
    if not attr.platforms:
        return {"0": _unchanged(settings)}
    return {
        str(index): _for_platform(settings, platform)
        for index, platform in enumerate(attr.platforms)
    }

# For the attribute `manifests` of a rule with `platforms`: one branch per platform, named by its position.
split_platforms_transition = transition(
    implementation = _split_platforms_impl,
    inputs = _SETTINGS,
    outputs = _SETTINGS,
)

def _single_platform_impl(settings, attr):
    if not attr.platform or str(attr.platform) == _join(settings[_PLATFORMS]):
        return {}
    return _for_platform(settings, attr.platform)

# For a rule with `platform`: builds the target for it.
single_platform_transition = transition(
    implementation = _single_platform_impl,
    inputs = _SETTINGS,
    outputs = _SETTINGS,
)

# For what goes into an image: forgets the remembered platforms.
forget_original_transition = transition(
    implementation = lambda settings, _attr: {_ORIGINAL: ""} if settings[_ORIGINAL] else {},
    inputs = [_ORIGINAL],
    outputs = [_ORIGINAL],
)

def _original_platforms_impl(settings, _attr):
    if not settings[_ORIGINAL]:
        return {}
    return {_ORIGINAL: "", _PLATFORMS: settings[_ORIGINAL].split(",")}

# For a rule that is about all platforms: goes back to those that Bazel was asked for.
original_platforms_transition = transition(
    implementation = _original_platforms_impl,
    inputs = _SETTINGS,
    outputs = _SETTINGS,
)

def _deploy_platform_impl(settings, attr):
    host = settings[_HOST_PLATFORM]
    if attr.tool_cfg == "target" or str(host) == _join(settings[_PLATFORMS]):
        return {}
    return {_ORIGINAL: "", _PLATFORMS: [host]}

# For the program of a rule with `tool_cfg`, which is about all platforms itself: the platform of the machine that runs Bazel, or the target platform.
deploy_platform_transition = transition(
    implementation = _deploy_platform_impl,
    inputs = [_HOST_PLATFORM, _PLATFORMS],
    outputs = _SETTINGS,
)
