"""Analysis tests of what an image offers beside its documents: layouts, archives, listings."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//img:image.bzl", "image_index", "image_manifest")
load("//img:layer.bzl", "image_layer")
load("//img:providers.bzl", "ImageIndexInfo", "ImageManifestInfo")
load("//tests/fixtures:actions.bzl", "action_with", "assert_hermetic", "entries_of", "flag_value", "input_names", "values_of")

_FIXTURES = "//tests/fixtures:"

_ON_AMD64 = {"//command_line_option:platforms": str(Label(_FIXTURES + "linux_amd64"))}
_SHALLOW = {str(Label("//img/settings:shallow_oci_layout")): "i_know_what_i_am_doing"}
_AS_STORED = {str(Label("//img/settings:mtree_image_layout")): "tar"}

_GROUPS = {
    "docker_tarball": "_docker.tar",
    "oci_layout": "_oci_layout",
    "oci_tarball": "_oci_layout.tar",
    "sparse_oci_layout": "_sparse_oci_layout",
}

def _assert_groups(env, target, groups):
    for group, suffix in groups.items():
        files = [file.basename for file in target[OutputGroupInfo][group].to_list()]
        asserts.equals(env, [target.label.name + suffix], files, group)
    shown = [file.basename for file in target[DefaultInfo].files.to_list()]
    asserts.false(env, [name for name in shown if name.endswith(".tar")], "nothing is made unless it is asked for")

def _actions(env, mnemonic):
    return [action for action in analysistest.target_actions(env) if action.mnemonic == mnemonic]

def _manifest_outputs_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    _assert_groups(env, target, _GROUPS | {"mtree": ".mtree"})
    asserts.equals(env, "with_layer.mtree", target[ImageManifestInfo].mtree.basename)

    documents = ["with_layer_config.json", "with_layer_descriptor.json", "with_layer_manifest.json"]
    blobs = ["base_linux_amd64_manifest.json", "layer.tgz"]
    for action in _actions(env, "OCILayout") + [action_with(env, "DockerSave")]:
        assert_hermetic(env, action)
        asserts.equals(env, sorted(documents + ["outputs_layer.tgz"]), input_names(action), action.mnemonic)
        asserts.equals(env, [
            "layer|",
            "layer|tests/image/outputs_layer.tgz",
            "manifest|tests/image/with_layer_manifest.json|tests/image/with_layer_config.json",
        ], entries_of(action), "a layer of the base is in its place, without a file")
        asserts.false(env, "--allow-missing-blobs" in action.argv)
    asserts.equals(env, ["directory", "archive"], [flag_value(action, "--format") for action in _actions(env, "OCILayout")])
    asserts.false(env, [name for name in blobs if name in input_names(action_with(env, "SparseOCILayout"))], "sparse is without blobs")
    asserts.equals(env, ["image:latest"], values_of(action_with(env, "DockerSave"))["names"])
    asserts.equals(env, "linux/amd64", values_of(action_with(env, "DockerSave"))["platform"])

    listing = action_with(env, "ImageMtree")
    assert_hermetic(env, listing)
    asserts.equals(env, ["outputs_layer.mtree"], input_names(listing))
    asserts.equals(env, "oci_layer_filesystem_applied_changeset", flag_value(listing, "--arrangement"))
    return analysistest.end(env)

manifest_outputs_test = analysistest.make(_manifest_outputs_test_impl, config_settings = _ON_AMD64)

def _no_listing_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, None, target[ImageManifestInfo].mtree)
    asserts.false(env, hasattr(target[OutputGroupInfo], "mtree"), "no layer has a listing")
    return analysistest.end(env)

no_listing_test = analysistest.make(_no_listing_test_impl, config_settings = _ON_AMD64)

def _index_outputs_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    _assert_groups(env, target, _GROUPS)
    asserts.false(env, hasattr(target[OutputGroupInfo], "mtree"))
    action = _actions(env, "OCIIndexLayout")[0]
    assert_hermetic(env, action, mapped = False)
    asserts.equals(env, 7, len(entries_of(action)), "an index, and for each of two platforms a manifest and two layers")
    asserts.equals(env, [], target[ImageIndexInfo].inner_indexes)
    asserts.equals(env, "outputs_index_sparse_oci_layout", target[ImageIndexInfo].sparse_oci_layout.basename)
    return analysistest.end(env)

index_outputs_test = analysistest.make(_index_outputs_test_impl, config_settings = _ON_AMD64)

def _shallow_test_impl(ctx):
    env = analysistest.begin(ctx)
    actions = _actions(env, "OCILayout") + _actions(env, "DockerSave")
    asserts.equals(env, 3, len(actions))
    for action in actions:
        asserts.true(env, "--allow-missing-blobs" in action.argv, action.mnemonic)
    return analysistest.end(env)

shallow_test = analysistest.make(_shallow_test_impl, config_settings = _ON_AMD64 | _SHALLOW)

def _as_stored_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.equals(env, "tar", flag_value(action_with(env, "ImageMtree"), "--arrangement"))
    return analysistest.end(env)

as_stored_test = analysistest.make(_as_stored_test_impl, config_settings = _ON_AMD64 | _AS_STORED)

def outputs_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    image_layer(name = "outputs_layer", srcs = {"/etc/": _FIXTURES + "file.txt"}, tags = ["manual"])
    image_manifest(
        name = "with_layer",
        base = _FIXTURES + "base",
        layers = [":outputs_layer"],
        tags = ["manual"],
    )
    image_manifest(name = "without_layer", base = _FIXTURES + "base", tags = ["manual"])
    image_index(
        name = "outputs_index",
        manifests = [":with_layer"],
        platforms = [_FIXTURES + "linux_amd64", _FIXTURES + "linux_arm64"],
        tags = ["manual"],
    )
    manifest_outputs_test(name = "manifest_outputs_test", target_under_test = ":with_layer")
    no_listing_test(name = "no_listing_test", target_under_test = ":without_layer")
    index_outputs_test(name = "index_outputs_test", target_under_test = ":outputs_index")
    shallow_test(name = "shallow_test", target_under_test = ":with_layer")
    as_stored_test(name = "as_stored_test", target_under_test = ":with_layer")
    native.test_suite(
        name = name,
        tests = [
            ":as_stored_test",
            ":index_outputs_test",
            ":manifest_outputs_test",
            ":no_listing_test",
            ":shallow_test",
        ],
    )
