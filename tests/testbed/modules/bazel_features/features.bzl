"""The features of the published module that Debian's older one does not know, yet.

Their names and versions are those of the published module, their values are computed.
"""

load("//:features_packaged.bzl", _packaged = "bazel_features")
load("//private:util.bzl", "ge", "ge_same_major")

def _extend(group, more):
    """Adds fields to a struct."""
    names = [name for name in dir(group) if name not in ["to_json", "to_proto"]]
    return struct(**(more | {name: getattr(group, name) for name in names}))

bazel_features = struct(
    apple = struct(
        xcode_config_migrated = ge("8.0.0"),
    ),
    cc = _extend(_packaged.cc, {
        "cc_toolchain_has_generate_modmap": ge("9.0.0"),
        "compile_is_starlark": ge("9.0.0"),
        "protobuf_on_allowlist": ge("8.0.0"),
        "rules_support_extension": ge("8.0.1"),
        "supports_starlarkified_toolchains": ge("9.0.0"),
    }),
    docs = struct(
        kwargs_name_with_double_star = ge("8.0.0"),
        utf8_enabled = ge("8.1.0"),
    ),
    external_deps = _extend(_packaged.external_deps, {
        "repo_metadata_has_reproducible": ge("8.3.0"),
        "repository_ctx_has_getenv": ge("7.1.0"),
    }),
    flags = _packaged.flags,
    globals = _packaged.globals,
    java = _packaged.java,
    proto = struct(
        starlark_proto_info = ge("7.0.0"),
    ),
    rules = _extend(_packaged.rules, {
        "all_characters_allowed_in_runfiles": ge("7.4.0"),
        "analysis_tests_can_transition_on_experimental_incompatible_flags": ge("8.2.0"),
        "aspect_propagation_context": ge("9.0.0"),
        "instrumented_files_info_has_baseline_coverage_files": ge("9.0.0"),
        "merkle_cache_v2": ge("9.0.0"),
        "no_struct_field_denylist": ge("9.0.0"),
        "rule_extension_apis_available": ge("8.0.0"),
        "symlink_action_has_target_type": ge_same_major("8.6.0") or ge("9.0.0"),
        "write_action_has_execution_requirements": ge("9.1.0"),
        "write_action_has_mnemonic": ge("9.0.0"),
    }),
    toolchains = _extend(_packaged.toolchains, {
        "genrule_accepts_toolchain_types": ge("8.3.0"),
        "has_default_test_toolchain_type": ge("9.0.0"),
        "has_use_target_platform_constraints": ge("8.2.0"),
    }),
)
