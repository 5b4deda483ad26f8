"""Analysis tests of `image_manifest`: the action, inheritance, base selection, and what it refuses."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//img:image.bzl", "INHERIT_FROM_BASE", "image_manifest")
load("//img:layer.bzl", "image_layer")
load("//img:providers.bzl", "ImageManifestInfo", "PullInfo")
load("//tests/fixtures:actions.bzl", "action_with", "assert_hermetic", "flag_value", "flag_values", "input_names", "values_of")
load("//tests/fixtures:failure.bzl", "failure_test")

_FIXTURES = "//tests/fixtures:"

_ON_AMD64 = {"//command_line_option:platforms": str(Label(_FIXTURES + "linux_amd64"))}
_ON_ARM64 = {"//command_line_option:platforms": str(Label(_FIXTURES + "linux_arm64"))}
_ON_ARM64_V9_2 = {"//command_line_option:platforms": str(Label(_FIXTURES + "linux_arm64_v9_2"))}

def _basenames(files):
    return [file.basename for file in files]

def _scratch_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "ImageManifest")
    assert_hermetic(env, action)
    asserts.equals(env, "manifest", action.argv[1])
    asserts.false(env, "--base-manifest" in action.argv)
    asserts.equals(env, ["layer_metadata.json"], input_names(action), "the action needs no layer, only its metadata")
    asserts.equals(env, {
        "annotations": {},
        "architecture": "amd64",
        "artifact_type": "",
        "base_name": "",
        "build_settings": {},
        "cmd": None,
        "config_media_type": "",
        "created_timestamp": "",
        "entrypoint": None,
        "env": {},
        "label": "//tests/image:scratch",
        "labels": {},
        "layer_env": {},
        "os": "linux",
        "stop_signal": None,
        "user": None,
        "variant": "",
        "working_dir": None,
    }, values_of(action))

    target = analysistest.target_under_test(env)
    info = target[ImageManifestInfo]
    asserts.equals(env, ("linux", "amd64", ""), (info.os, info.architecture, info.variant))
    asserts.equals(env, ["layer.tgz"], _basenames([layer.blob for layer in info.layers]))
    asserts.equals(env, [], info.pulled)
    asserts.false(env, PullInfo in target)
    asserts.equals(env, ["scratch_manifest.json", "scratch_config.json"], _basenames(target[DefaultInfo].files.to_list()))
    for group, expected in {
        "descriptor": "scratch_descriptor.json",
        "digest": "scratch_digest",
        "root_blob": "scratch_manifest.json",
    }.items():
        asserts.equals(env, [expected], _basenames(target[OutputGroupInfo][group].to_list()))
    return analysistest.end(env)

scratch_test = analysistest.make(_scratch_test_impl, config_settings = _ON_AMD64)

def _base_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "ImageManifest")
    assert_hermetic(env, action)
    asserts.equals(env, ctx.attr.manifest, flag_value(action, "--base-manifest").rpartition("/")[2])
    asserts.equals(env, ctx.attr.manifest.replace("manifest.json", "config.json"), flag_value(action, "--base-config").rpartition("/")[2])
    values = values_of(action)
    asserts.equals(env, ctx.attr.variant, values["variant"])
    asserts.equals(env, "registry.example.com/library/base:24.04", values["base_name"])

    target = analysistest.target_under_test(env)
    info = target[ImageManifestInfo]
    asserts.equals(env, [None, "layer.tgz"], [layer.blob.basename if layer.blob else None for layer in info.layers])
    asserts.equals(env, ["layer_metadata.json"], [path.rpartition("/")[2] for path in flag_values(action, "--layer")])
    asserts.equals(env, [ctx.attr.manifest], _basenames([origin.manifest for origin in info.pulled]))
    asserts.equals(env, ["registry.example.com", "mirror.example.com"], target[PullInfo].registries)
    return analysistest.end(env)

_BASE_TEST_ATTRS = {
    "manifest": attr.string(mandatory = True),
    "variant": attr.string(),
}

base_amd64_test = analysistest.make(_base_test_impl, attrs = _BASE_TEST_ATTRS, config_settings = _ON_AMD64)
base_arm64_test = analysistest.make(_base_test_impl, attrs = _BASE_TEST_ATTRS, config_settings = _ON_ARM64)
base_arm64_v9_2_test = analysistest.make(_base_test_impl, attrs = _BASE_TEST_ATTRS, config_settings = _ON_ARM64_V9_2)

def _on_single_base_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "ImageManifest")
    asserts.equals(env, "base_amd64_linux_amd64_manifest.json", flag_value(action, "--base-manifest").rpartition("/")[2])
    asserts.equals(env, "", values_of(action)["base_name"])
    return analysistest.end(env)

on_single_base_test = analysistest.make(_on_single_base_test_impl, config_settings = _ON_AMD64)

def _config_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "ImageManifest")
    assert_hermetic(env, action)
    values = values_of(action)
    for key, expected in {
        "annotations": {"a": "b\nc"},
        "cmd": [],
        "entrypoint": ["/wrap", INHERIT_FROM_BASE],
        "env": {"A": "1"},
        "labels": {"l": "m"},
        "stop_signal": "SIGINT",
        "user": "",
        "working_dir": "/srv",
    }.items():
        asserts.equals(env, expected, values[key], key)
    for flag in ["--annotations-file", "--config-fragment", "--env-file", "--label-file"]:
        asserts.equals(env, ["tests/fixtures/file.txt"], flag_values(action, flag), flag)
    asserts.equals(env, ["file.txt"], input_names(action))
    return analysistest.end(env)

config_test = analysistest.make(_config_test_impl)

def _layer_config_test_impl(ctx):
    env = analysistest.begin(ctx)
    values = values_of(action_with(env, "ImageManifest"))
    asserts.equals(env, ["/upper"], values["entrypoint"], "the last layer that says something wins")
    asserts.equals(env, ["--lower"], values["cmd"])
    asserts.equals(env, "", values["working_dir"], "the attribute wins over layers")
    asserts.equals(env, {"A": "upper", "B": "lower"}, values["layer_env"])
    asserts.equals(env, {"B": "attribute"}, values["env"])
    return analysistest.end(env)

layer_config_test = analysistest.make(_layer_config_test_impl)

def _archives_test_impl(ctx):
    env = analysistest.begin(ctx)
    imports = [action for action in analysistest.target_actions(env) if action.mnemonic == "LayerMetadata"]
    asserts.equals(env, ["none", "gzip"], [flag_value(action, "--source-format") for action in imports])
    for action in imports:
        assert_hermetic(env, action)
        asserts.equals(env, "bazel build //tests/fixtures:archives", values_of(action)["history"])
    info = analysistest.target_under_test(env)[ImageManifestInfo]
    asserts.equals(env, ["first.tar", "second.tar.gz"], _basenames([layer.blob for layer in info.layers]))
    asserts.equals(env, [
        "archives_layer_0_0_metadata.json",
        "archives_layer_0_1_metadata.json",
    ], _basenames([layer.metadata for layer in info.layers]))
    return analysistest.end(env)

archives_test = analysistest.make(_archives_test_impl)

def _platform_attribute_test_impl(ctx):
    env = analysistest.begin(ctx)
    info = analysistest.target_under_test(env)[ImageManifestInfo]
    asserts.equals(env, ("linux", "arm64", "v8"), (info.os, info.architecture, info.variant))
    return analysistest.end(env)

platform_attribute_test = analysistest.make(_platform_attribute_test_impl, config_settings = _ON_AMD64)

def _subject(name, **kwargs):
    image_manifest(
        name = name,
        tags = ["manual"],
        **kwargs
    )

def image_manifest_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    image_layer(name = "layer", srcs = {"/etc/": _FIXTURES + "file.txt"}, tags = ["manual"])

    _subject("scratch", layers = [":layer"])
    scratch_test(name = "scratch_test", target_under_test = ":scratch")

    _subject("on_base", base = _FIXTURES + "base", layers = [":layer"])
    base_amd64_test(
        name = "base_amd64_test",
        manifest = "base_linux_amd64_manifest.json",
        target_under_test = ":on_base",
    )
    base_arm64_test(
        name = "base_arm64_test",
        manifest = "base_linux_arm64_v8_manifest.json",
        target_under_test = ":on_base",
        variant = "v8",
    )
    base_arm64_v9_2_test(
        name = "base_arm64_v9_2_test",
        manifest = "base_linux_arm64_v8_manifest.json",
        target_under_test = ":on_base",
        variant = "v9.2",
    )

    _subject("on_single_base", base = _FIXTURES + "base_amd64")
    on_single_base_test(name = "on_single_base_test", target_under_test = ":on_single_base")

    _subject(
        "config",
        annotations = {"a": "b\nc"},
        annotations_file = _FIXTURES + "file.txt",
        cmd = [],
        config_fragment = _FIXTURES + "file.txt",
        entrypoint = ["/wrap", INHERIT_FROM_BASE],
        env = {"A": "1"},
        env_file = _FIXTURES + "file.txt",
        label_files = [_FIXTURES + "file.txt"],
        labels = {"l": "m"},
        stop_signal = "SIGINT",
        user = "",
        working_dir = "/srv",
    )
    config_test(name = "config_test", target_under_test = ":config")

    _subject(
        "layer_config",
        env = {"B": "attribute"},
        layers = [_FIXTURES + "lower_runnable", _FIXTURES + "upper_runnable"],
        working_dir = "",
    )
    layer_config_test(name = "layer_config_test", target_under_test = ":layer_config")

    _subject("archives", layers = [_FIXTURES + "archives"])
    archives_test(name = "archives_test", target_under_test = ":archives")

    _subject("for_arm64", platform = _FIXTURES + "linux_arm64")
    platform_attribute_test(name = "platform_attribute_test", target_under_test = ":for_arm64")

    image_layer(name = "other_layer", srcs = {"/etc/": _FIXTURES + "file.txt"}, tags = ["manual"])
    failures = {
        "two_times": (
            {"created": _FIXTURES + "file.txt", "created_timestamp": "2024-01-01T00:00:00Z"},
            ["tests/image:two_times_test_subject: attributes `created` and `created_timestamp`", "leave out one of them"],
        ),
        "too_many_layers": (
            {"base": _FIXTURES + "base_with_127_layers", "layers": [":other_layer"]},
            ["attribute `layers`: the image would have 128 layers", "at most 127", "put the files of several layers into one"],
        ),
        "config_without_content": (
            {"config_media_type": "application/x-custom"},
            ["attribute `config_media_type`: \"application/x-custom\"", "name it in `config_fragment`"],
        ),
        "no_layer": (
            {"layers": [_FIXTURES + "one_file"]},
            ["attribute `layers`", "tests/fixtures:one_file is no layer", "found one.txt"],
        ),
        "no_platform": (
            {"base": _FIXTURES + "base", "platform": _FIXTURES + "linux_s390x"},
            [
                "attribute `base`",
                "tests/fixtures:base has no image for linux/s390x (variant not given)",
                "It has linux/amd64, linux/arm64/v8.",
            ],
        ),
        "other_platform": (
            {"base": _FIXTURES + "base_amd64", "platform": _FIXTURES + "linux_arm64"},
            ["tests/fixtures:base_amd64 is an image for linux/amd64, but the target platform is linux/arm64/v8"],
        ),
    }
    for failure, (attributes, messages) in failures.items():
        failure_test(name = failure + "_test", rule = image_manifest, messages = messages, **attributes)

    native.test_suite(
        name = name,
        tests = [
            ":archives_test",
            ":base_amd64_test",
            ":base_arm64_test",
            ":base_arm64_v9_2_test",
            ":config_test",
            ":layer_config_test",
            ":on_single_base_test",
            ":platform_attribute_test",
            ":scratch_test",
        ] + [":" + failure + "_test" for failure in failures],
    )
