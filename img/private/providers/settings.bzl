"""Providers about the configuration: build settings and the target platform."""

visibility([
    "//img/private/...",
    "//tests/...",
])

SettingsInfo = provider(
    doc = "The values of the build settings in `//img/settings`, each a string as it was typed, and what else is the same for all targets.",
    fields = {
        "allow_any_compression_ratio": "string: `enabled` or `disabled`.",
        "bazel_stamp": "bool: whether Bazel was called with `--stamp`.",
        "blob_cache": "string: the address of the gRPC port of a registry; empty if not set.",
        "compilation_mode": "string: `fastbuild`, `dbg` or `opt`.",
        "compress": "string: `gzip` or `zstd`.",
        "compression_jobs": "string: `auto`, `nproc` or a number.",
        "compression_level": "string: `auto`, `fastest`, `best`, or a number from -1 to 9.",
        "create_parent_directories": "string: `enabled` or `disabled`.",
        "credential_helper": "string: a program or path; empty if not set.",
        "credential_helper_oci_registry": "string: a program or path; empty if not set.",
        "credential_helper_remote_cache": "string: a program or path; empty if not set.",
        "cross_mount": "string: `same_registry`, `cross_registry` or `disabled`.",
        "deduplicated_push": "string: `disabled`, `best_effort` or `enabled`.",
        "deduplicated_push_blob_repository": "string: a repository; empty if not set.",
        "deduplicated_push_content": "string: `blobs` or `blobs_and_artificial_manifests`.",
        "destination_registry": "string: a registry; empty if not set.",
        "docker_config_path": "string: a path; empty if not set.",
        "estargz": "string: `enabled` or `disabled`.",
        "forbid_layer_push": "string: `disabled` or `enabled`.",
        "insecure": "string: `enabled` or `disabled`.",
        "layer_tree_artifact_handling": "string: `full` or `deduplicate_symlink`.",
        "load_daemon": "string: `docker`, `containerd`, `podman`, `containerization`, `tar` or `generic`.",
        "load_strategy": "string: `eager` or `lazy`.",
        "mtree_image_layout": "string: `tar` or `oci_layer_filesystem_applied_changeset`.",
        "mtree_layer_layout": "string: `tar` or `oci_layer_filesystem_applied_changeset`.",
        "mtree_options": "string: names of keys, separated by commas.",
        "mtree_path_prefix": "string: `./` or empty.",
        "oci_ref_name": "string: `full_reference` or `tag_only`.",
        "push_at_build_time": "string: `disabled`, `best_effort` or `enabled`.",
        "push_at_build_time_blob_repository": "string: a repository; empty if not set.",
        "push_at_build_time_content": "string: `blobs` or `blobs_and_manifests`.",
        "push_at_build_time_manifest_repository": "string: a repository; empty if not set.",
        "push_strategy": "string: `eager`, `lazy`, `cas_registry` or `bes`.",
        "registry_gateway": "string: an address; empty if not set.",
        "registry_pull_gateway": "string: an address; empty if not set.",
        "registry_push_gateway": "string: an address; empty if not set.",
        "remote_cache": "string: the address of Bazel's remote cache; empty if not set.",
        "remote_instance_name": "string: an instance of that cache; empty if not set.",
        "runfiles_shared_path": "string: a path in the image.",
        "runfiles_sharing_mode": "string: `auto`, `shared` or `private`.",
        "shallow_oci_layout": "string: `forbidden` or `i_know_what_i_am_doing`.",
        "stamp": "string: `auto`, `force` or `disabled`.",
        "stamp_created": "string: `enabled` or `disabled`.",
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
