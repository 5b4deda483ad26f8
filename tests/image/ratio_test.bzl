"""Analysis tests of the setting `allow_any_compression_ratio`: every action that reads archives of others follows it."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//img:convert.bzl", "image_manifest_from_oci_layout")
load("//img:image.bzl", "image_manifest", "image_optimize")
load("//img:layer.bzl", "image_layer", "layer_from_file", "layer_from_tar")
load("//img:media_types.bzl", "GZIP_LAYER")
load("//tests/fixtures:fixtures.bzl", "fixture_outputs")

_FIXTURES = "//tests/fixtures:"
_ON_AMD64 = {"//command_line_option:platforms": str(Label(_FIXTURES + "linux_amd64"))}
_ANY_RATIO = {str(Label("//img/settings:allow_any_compression_ratio")): "enabled"}

def _flags(env, mnemonic):
    """Whether each action with the mnemonic takes any archive."""
    return ["--allow-any-ratio" in action.argv for action in analysistest.target_actions(env) if action.mnemonic == mnemonic]

def _test_impl(ctx, expected):
    env = analysistest.begin(ctx)
    flags = _flags(env, ctx.attr.mnemonic)
    asserts.true(env, flags, "there is no action with the mnemonic " + ctx.attr.mnemonic)
    asserts.equals(env, [expected] * len(flags), flags)
    return analysistest.end(env)

def _taken_test_impl(ctx):
    return _test_impl(ctx, True)

def _refused_test_impl(ctx):
    return _test_impl(ctx, False)

_ATTRS = {"mnemonic": attr.string(mandatory = True)}

taken_test = analysistest.make(_taken_test_impl, attrs = _ATTRS, config_settings = _ON_AMD64 | _ANY_RATIO)

refused_test = analysistest.make(_refused_test_impl, attrs = _ATTRS, config_settings = _ON_AMD64)

def ratio_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    manual = {"tags": ["manual"]}
    fixture_outputs(name = "ratio_archive", files = ["ratio.tar.gz"], **manual)
    layer_from_tar(name = "ratio_as_it_is", src = ":ratio_archive", **manual)
    layer_from_tar(name = "ratio_optimized", optimize = True, src = ":ratio_archive", **manual)
    layer_from_file(name = "ratio_file", diff_id = True, src = ":ratio_archive", **manual)
    image_layer(name = "ratio_layer", srcs = {"/etc/": _FIXTURES + "file.txt"}, **manual)
    image_manifest(name = "ratio_image", layers = [_FIXTURES + "archives", ":ratio_layer"], **manual)
    image_optimize(name = "ratio_image_optimized", image = ":ratio_image", **manual)
    image_manifest_from_oci_layout(
        name = "ratio_converted",
        src = _FIXTURES + "directory",
        architecture = "amd64",
        layers = [GZIP_LAYER],
        os = "linux",
        **manual
    )
    subjects = {
        "ratio_as_it_is": "LayerMetadata",
        "ratio_converted": "ConvertOCILayoutToImageManifest",
        "ratio_file": "LayerMetadata",
        "ratio_image": "LayerMetadata",
        "ratio_image_optimized": "ImageOptimizeLayer",
        "ratio_optimized": "LayerOptimize",
    }
    for subject, mnemonic in subjects.items():
        taken_test(name = subject + "_taken_test", mnemonic = mnemonic, target_under_test = ":" + subject)
        refused_test(name = subject + "_refused_test", mnemonic = mnemonic, target_under_test = ":" + subject)
    native.test_suite(
        name = name,
        tests = [":{}_{}_test".format(subject, result) for subject in subjects for result in ["refused", "taken"]],
    )
