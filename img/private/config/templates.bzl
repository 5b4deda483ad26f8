"""Templates in attributes: the variables that they may use, and when these come from Bazel's workspace status.

The builder expands templates; here is only decided what it gets to see.
"""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("//img/private/config:settings.bzl", "resolve_auto")

visibility([
    "//img/private/...",
    "//tests/...",
])

# What a rule with templates adds to its attributes.
TEMPLATE_ATTRS = {
    "build_settings": attr.string_keyed_label_dict(
        doc = "Variables of templates: name -> build setting (a target with `BuildSettingInfo`, such as a `string_flag`). " +
              "They win over all other variables.",
        providers = [BuildSettingInfo],
    ),
    "stamp": attr.string(
        doc = "Whether templates may use the variables of Bazel's workspace status. `force`: yes. `disabled`: no. " +
              "`auto`: as `//img/settings:stamp` says, and where that says `auto`, too, as `--stamp` says.",
        default = "auto",
        values = ["auto", "force", "disabled"],
    ),
}

def is_template(text):
    """Whether a text asks for anything to be filled in.

    Args:
        text: string: an attribute.

    Returns:
        bool: False if every variable could change without changing the text.
    """
    start = text.find("{{")
    return start != -1 and text.find("}}", start) != -1

def build_settings_of(ctx):
    """The values of the build settings that templates may use.

    Args:
        ctx: the rule context; its rule has TEMPLATE_ATTRS.

    Returns:
        dict: name -> string, int, bool or list of string.
    """
    return {name: target[BuildSettingInfo].value for name, target in ctx.attr.build_settings.items()}

def stamp_settings_of(settings):
    """Those settings that decide about stamping.

    Args:
        settings: SettingsInfo: the build settings.

    Returns:
        struct(
            bazel_setting = bool: whether Bazel was called with `--stamp`,
            user_preference = string: `auto`, `force` or `disabled`, as `//img/settings:stamp` says,
        ).
    """
    return struct(bazel_setting = settings.bazel_stamp, user_preference = settings.stamp)

def status_files(ctx, stamp, stamp_settings, *, templates, files = []):
    """The workspace status files that an action with templates has to read.

    Args:
        ctx: the rule context.
        stamp: string: an attribute `stamp`.
        stamp_settings: struct: what stamp_settings_of() returned.
        templates: list of string: the templates.
        files: list of File: files whose content can be templates.

    Returns:
        list of File: in the order in which their variables are defined; empty if nothing is stamped.
    """
    stamp = resolve_auto(stamp, stamp_settings.user_preference)
    if stamp == "disabled" or (stamp == "auto" and not stamp_settings.bazel_setting):
        return []
    if not files and not [text for text in templates if is_template(text)]:
        return []
    return [ctx.version_file, ctx.info_file]

def stamp_files(ctx, settings, *, templates, files = []):
    """The same for a rule that has TEMPLATE_ATTRS itself.

    Args:
        ctx: the rule context.
        settings: SettingsInfo: the build settings.
        templates: list of string: the templates.
        files: list of File: files whose content can be templates.

    Returns:
        list of File: see status_files().
    """
    return status_files(ctx, ctx.attr.stamp, stamp_settings_of(settings), files = files, templates = templates)
