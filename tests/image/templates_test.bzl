"""Analysis tests of templates: what they get to see, and when the workspace status is read."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//img:image.bzl", "image_index", "image_manifest")
load("//tests/fixtures:actions.bzl", "action_with", "flag_value", "flag_values", "input_names", "values_of")

_FIXTURES = "//tests/fixtures:"

_ON_AMD64 = {"//command_line_option:platforms": str(Label(_FIXTURES + "linux_amd64"))}
_STATUS_FILES = ["volatile-status.txt", "stable-status.txt"]

def _setting(name, value):
    return {str(Label("//img/settings:" + name)): value}

def _status_files(action):
    return [path.rpartition("/")[2] for path in flag_values(action, "--stamp")]

def _stamped_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, ctx.attr.mnemonic)
    expected = _STATUS_FILES if ctx.attr.stamped else []
    asserts.equals(env, expected, _status_files(action), "stable variables are defined after volatile ones")
    found = [name for name in input_names(action) if name in _STATUS_FILES]
    asserts.equals(env, sorted(expected), found)
    if ctx.attr.created:
        asserts.equals(env, ctx.attr.created, values_of(action)["created_timestamp"])
    return analysistest.end(env)

def _stamped_test(settings):
    return analysistest.make(
        _stamped_test_impl,
        attrs = {
            "created": attr.string(),
            "mnemonic": attr.string(default = "ImageManifest"),
            "stamped": attr.bool(),
        },
        config_settings = _ON_AMD64 | settings,
    )

plain_test = _stamped_test({})
bazel_stamp_test = _stamped_test({"//command_line_option:stamp": True})
forced_test = _stamped_test(_setting("stamp", "force"))
disabled_test = _stamped_test({"//command_line_option:stamp": True} | _setting("stamp", "disabled"))
created_test = _stamped_test({"//command_line_option:stamp": True} | _setting("stamp_created", "enabled"))

def _build_settings_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, ctx.attr.mnemonic)
    asserts.equals(env, {"N": 3, "SWITCH": True, "VERSION": "1.2"}, values_of(action)["build_settings"])
    return analysistest.end(env)

build_settings_test = analysistest.make(
    _build_settings_test_impl,
    attrs = {"mnemonic": attr.string(default = "ImageManifest")},
    config_settings = _ON_AMD64,
)

def _files_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "ImageManifest")
    asserts.equals(env, "tests/fixtures/file.txt", flag_value(action, "--created-file"))
    asserts.equals(env, "base_descriptor.json", flag_value(action, "--subject-descriptor").rpartition("/")[2])
    asserts.equals(env, "tests/fixtures/file.txt", flag_value(action, "--additional-labels-file"))
    return analysistest.end(env)

files_test = analysistest.make(
    _files_test_impl,
    config_settings = _ON_AMD64 | _setting("additional_image_labels_file", str(Label(_FIXTURES + "file.txt"))),
)

def _index_base_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "ImageIndex")
    base = flag_value(action, "--base-manifest")
    asserts.equals(env, ctx.attr.base, base.rpartition("/")[2] if base else "")
    asserts.equals(env, "base_amd64_linux_amd64_descriptor.json", flag_value(action, "--subject-descriptor").rpartition("/")[2])
    return analysistest.end(env)

index_base_test = analysistest.make(
    _index_base_test_impl,
    attrs = {"base": attr.string()},
    config_settings = _ON_AMD64,
)

_BUILD_SETTINGS = {
    "N": _FIXTURES + "number",
    "SWITCH": _FIXTURES + "switch",
    "VERSION": _FIXTURES + "version",
}

def _declare_images():
    image_manifest(
        name = "templated",
        build_settings = _BUILD_SETTINGS,
        labels = {"version": "{{.VERSION}}"},
        tags = ["manual"],
    )
    image_manifest(name = "not_templated", labels = {"version": "1 {{", "brace": "}}"}, tags = ["manual"])
    image_manifest(name = "templated_file", label_files = [_FIXTURES + "file.txt"], tags = ["manual"])
    image_manifest(name = "never", labels = {"version": "{{.VERSION}}"}, stamp = "disabled", tags = ["manual"])
    image_manifest(name = "always", labels = {"version": "{{.VERSION}}"}, stamp = "force", tags = ["manual"])
    image_manifest(name = "stamp_created", stamp_created = "enabled", tags = ["manual"])
    image_manifest(name = "created_by_text", created_timestamp = "{{.T}}", stamp_created = "enabled", tags = ["manual"])
    image_manifest(name = "with_files", created = _FIXTURES + "file.txt", subject = _FIXTURES + "base", tags = ["manual"])
    image_manifest(name = "on_a_base", base = _FIXTURES + "base", tags = ["manual"])
    for name, annotations in {"templated_index": {"a": "{{.VERSION}}"}, "plain_index": {"a": "b"}}.items():
        image_index(
            name = name,
            annotations = annotations,
            build_settings = _BUILD_SETTINGS,
            manifests = [":templated", ":on_a_base"],
            subject = _FIXTURES + "base_amd64",
            tags = ["manual"],
        )

def templates_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    _declare_images()
    index = {"mnemonic": "ImageIndex"}
    cases = {
        "bazel_stamp_index": (bazel_stamp_test, ":templated_index", index | {"stamped": True}),
        "bazel_stamp_manifest": (bazel_stamp_test, ":templated", {"stamped": True}),
        "bazel_stamp_file": (bazel_stamp_test, ":templated_file", {"stamped": True}),
        "bazel_stamp_without_templates": (bazel_stamp_test, ":not_templated", {}),
        "bazel_stamp_plain_index": (bazel_stamp_test, ":plain_index", index),
        "build_settings_index": (build_settings_test, ":templated_index", index),
        "build_settings_manifest": (build_settings_test, ":templated", {}),
        "created_attribute": (bazel_stamp_test, ":stamp_created", {"created": "{{.BUILD_TIMESTAMP_RFC3339}}", "stamped": True}),
        "created_setting": (created_test, ":not_templated", {"created": "{{.BUILD_TIMESTAMP_RFC3339}}", "stamped": True}),
        "created_text": (created_test, ":created_by_text", {"created": "{{.T}}", "stamped": True}),
        "created_unstamped": (plain_test, ":stamp_created", {"created": "{{.BUILD_TIMESTAMP_RFC3339}}"}),
        "disabled_attribute": (forced_test, ":never", {}),
        "disabled_setting": (disabled_test, ":templated", {}),
        "files": (files_test, ":with_files", {}),
        "forced_attribute": (plain_test, ":always", {"stamped": True}),
        "forced_setting": (forced_test, ":templated", {"stamped": True}),
        "index_with_templates": (index_base_test, ":templated_index", {"base": "base_linux_amd64_manifest.json"}),
        "index_without_templates": (index_base_test, ":plain_index", {}),
        "unstamped": (plain_test, ":templated", {}),
    }
    for case, (test, target, attributes) in cases.items():
        test(name = case + "_test", target_under_test = target, **attributes)
    native.test_suite(name = name, tests = [":" + case + "_test" for case in cases])
