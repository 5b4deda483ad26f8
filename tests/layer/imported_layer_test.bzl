"""Analysis tests of `layer_from_tar` and `layer_from_file`."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//img:layer.bzl", "layer_from_file", "layer_from_tar")
load("//img:providers.bzl", "LayersInfo")
load("//tests/fixtures:actions.bzl", "action_with", "assert_hermetic", "flag_value", "input_names", "values_of")
load("//tests/fixtures:failure.bzl", "failure_test")
load("//tests/fixtures:fixtures.bzl", "fixture_outputs")

def _import_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, ctx.attr.mnemonic)
    assert_hermetic(env, action)
    asserts.equals(env, "import", action.argv[1])
    asserts.equals(env, "gzip", flag_value(action, "--source-format"))
    asserts.equals(env, ctx.attr.format or None, flag_value(action, "--format"))
    asserts.equals(env, ctx.attr.mnemonic == "LayerOptimize", "--optimize" in action.argv)
    asserts.equals(env, ["archive.tar.gz"], input_names(action))
    target = analysistest.target_under_test(env)
    layer = target[LayersInfo].layers[0]
    asserts.equals(env, ctx.attr.blob, layer.blob.basename)
    asserts.equals(env, ctx.attr.blob != "archive.tar.gz", "--output" in action.argv)
    asserts.equals(env, ctx.attr.estargz, "--estargz" in action.argv)
    asserts.equals(env, ctx.attr.estargz, layer.estargz)
    asserts.equals(env, ctx.attr.media_type, layer.media_type)
    asserts.equals(env, ctx.attr.media_type, values_of(action)["media_type"])
    asserts.equals(env, [layer.blob, layer.metadata], target[DefaultInfo].files.to_list())
    asserts.equals(env, [layer.mtree], target[OutputGroupInfo].mtree.to_list())
    return analysistest.end(env)

_IMPORT_ATTRS = {
    "blob": attr.string(mandatory = True),
    "estargz": attr.bool(),
    "format": attr.string(),
    "media_type": attr.string(mandatory = True),
    "mnemonic": attr.string(mandatory = True),
}

import_test = analysistest.make(_import_test_impl, attrs = _IMPORT_ATTRS)

# What the build settings ask of all layers.
import_with_settings_test = analysistest.make(_import_test_impl, attrs = _IMPORT_ATTRS, config_settings = {
    str(Label("//img/settings:compress")): "zstd",
    str(Label("//img/settings:estargz")): "enabled",
})

def _blob_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "LayerMetadata")
    assert_hermetic(env, action)
    asserts.equals(env, "blob", action.argv[1])
    asserts.true(env, "--diff-id" in action.argv)
    asserts.equals(env, {
        "annotations": {"a": "b"},
        "base_name": "archive.tar.gz",
        "base_name_annotations": ["org.opencontainers.image.title"],
        "diff_id_annotations": ["diff"],
        "history": "bazel build //tests/layer:from_file",
        "label": "//tests/layer:from_file",
        "media_type": "application/vnd.oci.image.layer.v1.tar",
    }, values_of(action))
    target = analysistest.target_under_test(env)
    layer = target[LayersInfo].layers[0]
    asserts.equals(env, "archive.tar.gz", layer.blob.basename)
    asserts.equals(env, None, layer.mtree)
    asserts.equals(env, ["layer", "metadata"], sorted([group for group in dir(target[OutputGroupInfo]) if group in ["layer", "metadata", "mtree"]]))
    return analysistest.end(env)

blob_test = analysistest.make(_blob_test_impl)

def imported_layer_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    fixture_outputs(name = "archive", files = ["archive.tar.gz"], tags = ["manual"])
    fixture_outputs(name = "text", files = ["text.txt"], tags = ["manual"])

    # Name -> attributes, and what comes of them.
    imports = {
        "as_it_is": (
            {},
            {"blob": "archive.tar.gz", "media_type": "application/vnd.oci.image.layer.v1.tar+gzip", "mnemonic": "LayerMetadata"},
        ),
        "compressed_anew": (
            {"compress": "zstd"},
            {
                "blob": "compressed_anew.tar.zst",
                "format": "zstd",
                "media_type": "application/vnd.oci.image.layer.v1.tar+zstd",
                "mnemonic": "LayerCompress",
            },
        ),
        "estargz_again": (
            # Nobody knows whether the archive is eStargz, so it is written anew.
            {"compress": "gzip", "estargz": "enabled"},
            {
                "blob": "estargz_again.tgz",
                "estargz": True,
                "format": "gzip",
                "media_type": "application/vnd.oci.image.layer.v1.tar+gzip",
                "mnemonic": "LayerCompress",
            },
        ),
        "optimized": (
            {"media_type": "application/x-custom", "optimize": True},
            {"blob": "optimized.tgz", "format": "gzip", "media_type": "application/x-custom", "mnemonic": "LayerOptimize"},
        ),
        "uncompressed": (
            {"compress": "none"},
            {"blob": "uncompressed.tar", "format": "none", "media_type": "application/vnd.oci.image.layer.v1.tar", "mnemonic": "LayerCompress"},
        ),
    }
    for subject, (attributes, expected) in imports.items():
        layer_from_tar(name = subject, src = ":archive", tags = ["manual"], **attributes)
        import_test(name = subject + "_test", target_under_test = ":" + subject, **expected)

    import_with_settings_test(
        name = "seekable_by_setting_test",
        blob = "as_it_is.tar.zst",
        estargz = True,
        format = "zstd",
        media_type = "application/vnd.oci.image.layer.v1.tar+zstd",
        mnemonic = "LayerCompress",
        target_under_test = ":as_it_is",
    )
    import_with_settings_test(
        name = "uncompressed_despite_setting_test",
        blob = "uncompressed.tar",
        format = "none",
        media_type = "application/vnd.oci.image.layer.v1.tar",
        mnemonic = "LayerCompress",
        target_under_test = ":uncompressed",
    )

    layer_from_file(
        name = "from_file",
        src = ":archive",
        annotations = {"a": "b"},
        base_name_annotations = ["org.opencontainers.image.title"],
        diff_id = True,
        diff_id_annotations = ["diff"],
        tags = ["manual"],
    )
    blob_test(name = "from_file_test", target_under_test = ":from_file")

    failure_test(
        name = "annotation_without_diff_id_test",
        rule = layer_from_file,
        src = ":archive",
        diff_id_annotations = ["diff"],
        messages = ["attribute `diff_id_annotations`: there is no diff id to put there; write `diff_id = True`"],
    )
    failure_test(
        name = "annotation_with_colon_test",
        rule = layer_from_file,
        src = ":archive",
        diff_id = True,
        diff_id_annotations = ["a:b"],
        messages = ["expected names of annotations without `:`, found \"a:b\""],
    )
    failure_test(
        name = "estargz_uncompressed_archive_test",
        rule = layer_from_tar,
        src = ":archive",
        compress = "none",
        estargz = "enabled",
        messages = ["attribute `estargz`: an uncompressed layer cannot be read file by file; write `compress = \"gzip\"`"],
    )
    failure_test(
        name = "not_an_archive_test",
        rule = layer_from_tar,
        src = ":text",
        messages = ["src", ".tar"],
    )

    native.test_suite(
        name = name,
        tests = [":" + subject + "_test" for subject in imports] + [
            ":annotation_with_colon_test",
            ":annotation_without_diff_id_test",
            ":estargz_uncompressed_archive_test",
            ":from_file_test",
            ":not_an_archive_test",
            ":seekable_by_setting_test",
            ":uncompressed_despite_setting_test",
        ],
    )
