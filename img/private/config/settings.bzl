"""Build settings as rules see them: one target, one provider, one function for "auto".

    _ATTRS = {"compress": attr.string(default = "auto", values = ["auto", "gzip", "zstd"])} | SETTINGS_ATTRS

    def _impl(ctx):
        settings = settings_of(ctx)
        compress = resolve_auto(ctx.attr.compress, settings.compress)
"""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("//img/private/providers:settings.bzl", "SettingsInfo")

visibility([
    "//img/private/...",
    "//tests/...",
])

# The names of the settings; each is a target in //img/settings and a field of SettingsInfo.
_SETTINGS = [
    "allow_any_compression_ratio",
    "blob_cache",
    "compress",
    "compression_jobs",
    "compression_level",
    "create_parent_directories",
    "credential_helper",
    "credential_helper_oci_registry",
    "credential_helper_remote_cache",
    "cross_mount",
    "deduplicated_push",
    "deduplicated_push_blob_repository",
    "deduplicated_push_content",
    "destination_registry",
    "docker_config_path",
    "estargz",
    "forbid_layer_push",
    "insecure",
    "layer_tree_artifact_handling",
    "load_daemon",
    "load_strategy",
    "mtree_image_layout",
    "mtree_layer_layout",
    "mtree_options",
    "mtree_path_prefix",
    "oci_ref_name",
    "push_at_build_time",
    "push_at_build_time_blob_repository",
    "push_at_build_time_content",
    "push_at_build_time_manifest_repository",
    "push_strategy",
    "registry_gateway",
    "registry_pull_gateway",
    "registry_push_gateway",
    "remote_cache",
    "remote_instance_name",
    "runfiles_shared_path",
    "runfiles_sharing_mode",
    "shallow_oci_layout",
    "stamp",
    "stamp_created",
]

# What a rule adds to its attributes to read settings.
SETTINGS_ATTRS = {
    "_settings": attr.label(
        doc = "All build settings.",
        default = Label("//img/private/config:settings"),
        providers = [SettingsInfo],
    ),
}

def settings_of(ctx):
    """The build settings, in a rule that has SETTINGS_ATTRS.

    Args:
        ctx: the rule context.

    Returns:
        SettingsInfo: the values.
    """
    return ctx.attr._settings[SettingsInfo]

def resolve_auto(value, setting):
    """What an attribute means that may be left to a build setting.

    Args:
        value: string: the attribute; `auto` leaves it to the setting.
        setting: string: the value of the build setting.

    Returns:
        string: the value in force.
    """
    return setting if value == "auto" else value

def _settings_impl(ctx):
    values = {
        name: getattr(ctx.attr, "_" + name)[BuildSettingInfo].value
        for name in _SETTINGS
    }
    return [SettingsInfo(
        bazel_stamp = ctx.attr.bazel_stamp,
        # Asked for once: in every layer, it took a thirtieth of the time of our code.
        compilation_mode = ctx.var["COMPILATION_MODE"],
        **values
    )]

settings = rule(
    implementation = _settings_impl,
    doc = "Gathers the build settings of this ruleset into one provider.",
    attrs = {
        "bazel_stamp": attr.bool(
            doc = "Whether Bazel was called with `--stamp`.",
        ),
    } | {
        "_" + name: attr.label(
            doc = "The build setting of that name.",
            default = Label("//img/settings:" + name),
            providers = [BuildSettingInfo],
        )
        for name in _SETTINGS
    },
    provides = [SettingsInfo],
)
