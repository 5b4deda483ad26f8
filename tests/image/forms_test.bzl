"""Analysis tests of rules that bring images into another form: `image_optimize`, images from OCI layouts; and of `image_structure_test`."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//img:convert.bzl", "image_index_from_oci_layout", "image_manifest_from_oci_layout")
load("//img:image.bzl", "image_from_binary", "image_index", "image_manifest", "image_optimize")
load("//img:layer.bzl", "image_layer", "layer_from_file")
load("//img:media_types.bzl", "GZIP_LAYER", "ZSTD_LAYER")
load("//img:providers.bzl", "ImageIndexInfo", "ImageManifestInfo")
load("//img:test.bzl", "image_structure_test")
load("//tests/fixtures:actions.bzl", "action_with", "assert_hermetic", "entries_of", "flag_value", "flag_values", "input_names", "values_of")
load("//tests/fixtures:failure.bzl", "failure_test")

_FIXTURES = "//tests/fixtures:"

_ON_AMD64 = {"//command_line_option:platforms": str(Label(_FIXTURES + "linux_amd64"))}

def _optimize_test_impl(ctx):
    env = analysistest.begin(ctx)
    layer = action_with(env, "ImageOptimizeLayer")
    assert_hermetic(env, layer)
    asserts.equals(env, ["forms_layer.tgz"], input_names(layer))
    asserts.equals(env, ("gzip", "zstd"), (flag_value(layer, "--source-format"), flag_value(layer, "--format")))
    manifest = action_with(env, "ImageOptimizeManifest")
    assert_hermetic(env, manifest)
    asserts.equals(env, [
        "optimized_layer_0_metadata.json",
        "to_optimize_config.json",
        "to_optimize_descriptor.json",
        "to_optimize_manifest.json",
    ], input_names(manifest), "no layer is read for the documents")
    info = analysistest.target_under_test(env)[ImageManifestInfo]
    asserts.equals(env, [ZSTD_LAYER], [layer.media_type for layer in info.layers])
    asserts.equals(env, "optimized_sparse_oci_layout", info.sparse_oci_layout.basename)
    return analysistest.end(env)

optimize_test = analysistest.make(_optimize_test_impl, config_settings = _ON_AMD64)

def _optimize_index_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "ImageOptimizeIndex")
    asserts.equals(env, 2, len(flag_values(action, "--source-manifest")))
    asserts.equals(env, [
        "optimized_index_manifest_0_descriptor.json",
        "optimized_index_manifest_1_descriptor.json",
    ], [path.rpartition("/")[2] for path in flag_values(action, "--manifest")])
    info = analysistest.target_under_test(env)[ImageIndexInfo]
    asserts.equals(env, ["amd64", "arm64"], [manifest.architecture for manifest in info.manifests])
    return analysistest.end(env)

optimize_index_test = analysistest.make(_optimize_index_test_impl, config_settings = _ON_AMD64)

def _convert_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "ConvertOCILayoutToImageManifest")
    assert_hermetic(env, action)
    asserts.equals(env, ["tree"], input_names(action))
    asserts.equals(env, [
        "layer|{}|tests/image/converted_layer_blob_0.tgz|tests/image/converted_metadata_0.json|tests/image/converted_layer_0.mtree".format(GZIP_LAYER),
        "manifest|linux/arm64/v8|tests/image/converted_image_manifest.json|tests/image/converted_image_config.json|" +
        "tests/image/converted_image_descriptor.json",
    ], entries_of(action))
    info = analysistest.target_under_test(env)[ImageManifestInfo]
    asserts.equals(env, ("linux", "arm64", "v8"), (info.os, info.architecture, info.variant))
    return analysistest.end(env)

convert_test = analysistest.make(_convert_test_impl, config_settings = _ON_AMD64)

def _convert_index_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "ConvertOCILayoutToImageIndex")
    assert_hermetic(env, action)
    info = analysistest.target_under_test(env)[ImageIndexInfo]
    expected = ["amd64"] + ["arm64"] * 11
    asserts.equals(env, expected, [manifest.architecture for manifest in info.manifests], "in the order in which they are listed")
    return analysistest.end(env)

convert_index_test = analysistest.make(_convert_index_test_impl, config_settings = _ON_AMD64)

def _structure_test_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    runfiles = [file.basename for file in target[DefaultInfo].default_runfiles.files.to_list()]
    for name in ["structure.json", "to_optimize_config.json", "to_optimize.mtree", "file.yaml"]:
        asserts.true(env, name in runfiles, "expected {} among {}".format(name, runfiles))
    asserts.false(env, [name for name in runfiles if name.endswith(".tgz")], "no layer is needed")
    return analysistest.end(env)

structure_test_test = analysistest.make(_structure_test_test_impl, config_settings = _ON_AMD64)

def _structure_of_layout_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "OCILayoutStructureMeta")
    assert_hermetic(env, action)
    asserts.equals(env, ["tree"], input_names(action))
    runfiles = [file.basename for file in analysistest.target_under_test(env)[DefaultInfo].default_runfiles.files.to_list()]
    asserts.true(env, "structure_of_layout_layout_documents" in runfiles, "expected the documents among {}".format(runfiles))
    asserts.false(env, "tree" in runfiles, "the test does not need the layout")
    return analysistest.end(env)

structure_of_layout_test = analysistest.make(_structure_of_layout_test_impl, config_settings = _ON_AMD64)

def _from_binary_test_impl(ctx):
    env = analysistest.begin(ctx)
    info = analysistest.target_under_test(env)[ImageManifestInfo]
    asserts.equals(env, ["forms_layer.tgz", "from_binary.layer.tgz"], [layer.blob.basename for layer in info.layers])
    values = values_of(action_with(env, "ImageManifest"))
    asserts.equals(env, ["/app/bin/server"], values["entrypoint"])
    asserts.equals(env, {"A": "B"}, values["labels"])
    return analysistest.end(env)

from_binary_test = analysistest.make(_from_binary_test_impl, config_settings = _ON_AMD64)

def _index_from_binary_test_impl(ctx):
    env = analysistest.begin(ctx)
    info = analysistest.target_under_test(env)[ImageIndexInfo]
    asserts.equals(env, ["amd64", "arm64"], [manifest.architecture for manifest in info.manifests])
    return analysistest.end(env)

index_from_binary_test = analysistest.make(_index_from_binary_test_impl, config_settings = _ON_AMD64)

def _declare_images():
    for name, platforms in {"from_binary": [], "index_from_binary": [_FIXTURES + "linux_amd64", _FIXTURES + "linux_arm64"]}.items():
        image_from_binary(
            name = name,
            binary = _FIXTURES + "app",
            labels = {"A": "B"},
            layers = [":forms_layer"],
            path = "/app/bin/server",
            platforms = platforms,
            tags = ["manual"],
        )
    image_layer(name = "forms_layer", srcs = {"/etc/": _FIXTURES + "file.txt"}, tags = ["manual"])
    layer_from_file(name = "no_archive", src = _FIXTURES + "file.txt", media_type = "text/plain", tags = ["manual"])
    image_manifest(name = "to_optimize", layers = [":forms_layer"], tags = ["manual"])
    image_manifest(name = "shallow", base = _FIXTURES + "base", tags = ["manual"])
    image_manifest(
        name = "artifact",
        artifact_type = "text/plain",
        config_media_type = "application/vnd.oci.empty.v1+json",
        layers = [":no_archive"],
        tags = ["manual"],
    )
    image_index(
        name = "index_to_optimize",
        manifests = [":to_optimize"],
        platforms = [_FIXTURES + "linux_amd64", _FIXTURES + "linux_arm64"],
        tags = ["manual"],
    )
    image_optimize(name = "optimized", compress = "zstd", image = ":to_optimize", tags = ["manual"])
    image_optimize(name = "optimized_index", image = ":index_to_optimize", tags = ["manual"])
    image_manifest_from_oci_layout(
        name = "converted",
        src = _FIXTURES + "directory",
        architecture = "arm64",
        layers = [GZIP_LAYER],
        os = "linux",
        tags = ["manual"],
    )
    image_index_from_oci_layout(
        name = "converted_index",
        src = _FIXTURES + "directory",
        layers = [GZIP_LAYER],
        manifests = ["linux/amd64"] + ["linux/arm64/v8.{}".format(minor) for minor in range(1, 12)],
        tags = ["manual"],
    )
    image_structure_test(name = "structure_of_layout", configs = [_FIXTURES + "file.yaml"], image = _FIXTURES + "directory", tags = ["manual"])
    image_structure_test(name = "structure", configs = [_FIXTURES + "file.yaml"], image = ":to_optimize", tags = ["manual"])

_FAILURES = {
    "no_such_layer": (
        image_manifest_from_oci_layout,
        {"architecture": "amd64", "layers": ["gzip"], "os": "linux", "src": _FIXTURES + "directory"},
        ["attribute `layers`: \"gzip\" is not the media type of a layer; write one of application/vnd.oci.image.layer"],
    ),
    "no_such_platform": (
        image_index_from_oci_layout,
        {"layers": [GZIP_LAYER], "manifests": ["amd64"], "src": _FIXTURES + "directory"},
        ["attribute `manifests`: expected `os/architecture` or `os/architecture/variant`, found \"amd64\"; write e.g. \"linux/arm64\""],
    ),
    "optimize_artifact": (
        image_optimize,
        {"image": ":artifact"},
        ["attribute `image`: a layer of", "artifact is no tar archive, but \"text/plain\""],
    ),
    "optimize_shallow": (
        image_optimize,
        {"image": ":shallow"},
        ["attribute `image`: layers of", "shallow are not part of the build; write `layer_handling = \"eager\"`"],
    ),
    "structure_of_nothing": (
        image_structure_test,
        {"configs": [_FIXTURES + "file.yaml"], "image": _FIXTURES + "one_file"},
        ["attribute `image`:", "one_file is no image: expected a target like image_manifest or image_index"],
    ),
}

def forms_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    _declare_images()
    tests = {
        "convert": (convert_test, ":converted"),
        "convert_index": (convert_index_test, ":converted_index"),
        "from_binary": (from_binary_test, ":from_binary"),
        "index_from_binary": (index_from_binary_test, ":index_from_binary"),
        "optimize": (optimize_test, ":optimized"),
        "optimize_index": (optimize_index_test, ":optimized_index"),
        "structure_of_layout": (structure_of_layout_test, ":structure_of_layout"),
        "structure_test": (structure_test_test, ":structure"),
    }
    for test, (rule, target) in tests.items():
        rule(name = test + "_test", target_under_test = target)
    for failure, (rule, attributes, messages) in _FAILURES.items():
        failure_test(name = failure + "_test", messages = messages, rule = rule, **attributes)
    native.test_suite(name = name, tests = [":" + test + "_test" for test in tests.keys() + _FAILURES.keys()])
