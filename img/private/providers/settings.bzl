"""Providers about the configuration: build settings and the target platform."""

visibility([
    "//img/private/...",
    "//tests/...",
])

SettingsInfo = provider(
    doc = "The values of the build settings in `//img/settings`, each a string as it was typed.",
    fields = {
        "compress": "string: `gzip` or `zstd`.",
        "compression_jobs": "string: `auto`, `nproc` or a number.",
        "compression_level": "string: `auto`, `fastest`, `best`, or a number from -1 to 9.",
        "create_parent_directories": "string: `enabled` or `disabled`.",
        "credential_helper": "string: a program or path; empty if not set.",
        "credential_helper_oci_registry": "string: a program or path; empty if not set.",
        "cross_mount": "string: `same_registry`, `cross_registry` or `disabled`.",
        "destination_registry": "string: a registry; empty if not set.",
        "docker_config_path": "string: a path; empty if not set.",
        "insecure": "string: `enabled` or `disabled`.",
        "layer_tree_artifact_handling": "string: `full` or `deduplicate_symlink`.",
        "push_strategy": "string: `eager`, `lazy`, `cas_registry` or `bes`.",
    },
)

TargetPlatformInfo = provider(
    doc = "The target platform in OCI terms.",
    fields = {
        "cpu": "string: the processor, e.g. `amd64`.",
        "os": "string: the operating system, e.g. `linux`.",
        "variant": "string: the processor's variant, e.g. `v8`; empty if there is none.",
    },
)
