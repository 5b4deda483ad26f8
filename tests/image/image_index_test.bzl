"""Analysis tests of `image_index`: one branch per platform, and layers that are built once."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//img:image.bzl", "image_index", "image_manifest")
load("//img:layer.bzl", "image_layer")
load("//img:providers.bzl", "ImageIndexInfo", "ImageManifestInfo", "PullInfo")
load("//tests/fixtures:actions.bzl", "action_with", "assert_hermetic", "flag_value", "flag_values", "input_names", "values_of")

_FIXTURES = "//tests/fixtures:"
_ON_AMD64 = {"//command_line_option:platforms": str(Label(_FIXTURES + "linux_amd64"))}

def _platforms_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    index = target[ImageIndexInfo]
    asserts.equals(env, [
        ("arm64", "first"),
        ("arm64", "second"),
        ("amd64", "first"),
        ("amd64", "second"),
    ], [
        (manifest.architecture, manifest.manifest.owner.name)
        for manifest in index.manifests
    ], "platforms outside, images inside")

    action = action_with(env, "ImageIndex")
    assert_hermetic(env, action, mapped = False)
    asserts.equals(env, "index", action.argv[1])
    asserts.equals(env, 4, len(flag_values(action, "--manifest")))
    asserts.equals(env, 7, len(input_names(action)), "descriptors, annotations, and the base's documents for templates in the file")
    asserts.equals(env, "tests/fixtures/file.txt", flag_value(action, "--annotations-file"))
    asserts.equals(env, {"annotations": {"a": "b"}, "build_settings": {}, "label": "//tests/image:index"}, values_of(action))

    asserts.equals(env, "registry.example.com", target[PullInfo].registries[0])
    asserts.equals(env, ["index_index.json"], [file.basename for file in target[DefaultInfo].files.to_list()])
    for group, expected in {
        "descriptor": "index_descriptor.json",
        "digest": "index_digest",
        "root_blob": "index_index.json",
    }.items():
        asserts.equals(env, [expected], [file.basename for file in target[OutputGroupInfo][group].to_list()])
    return analysistest.end(env)

platforms_test = analysistest.make(_platforms_test_impl, config_settings = _ON_AMD64)

def _as_listed_test_impl(ctx):
    env = analysistest.begin(ctx)
    index = analysistest.target_under_test(env)[ImageIndexInfo]
    asserts.equals(env, ["second", "first"], [manifest.manifest.owner.name for manifest in index.manifests])
    return analysistest.end(env)

as_listed_test = analysistest.make(_as_listed_test_impl, config_settings = _ON_AMD64)

_BlobsInfo = provider(
    doc = "Layers of one image that was reached in two ways.",
    fields = {
        "direct": "File: the layer of the image by itself.",
        "through_index": "dict of string to File: architecture -> the layer of the image in an index.",
    },
)

def _blobs_impl(ctx):
    manifests = ctx.attr.index[ImageIndexInfo].manifests
    return [_BlobsInfo(
        direct = ctx.attr.direct[ImageManifestInfo].layers[-1].blob,
        through_index = {manifest.architecture: manifest.layers[-1].blob for manifest in manifests},
    )]

blobs = rule(
    implementation = _blobs_impl,
    attrs = {
        "direct": attr.label(providers = [ImageManifestInfo]),
        "index": attr.label(providers = [ImageIndexInfo]),
    },
)

def _built_once_test_impl(ctx):
    env = analysistest.begin(ctx)
    info = analysistest.target_under_test(env)[_BlobsInfo]
    asserts.equals(env, info.direct, info.through_index["amd64"], "one configuration, directly or through an index")
    asserts.true(env, info.direct != info.through_index["arm64"], "another platform is another configuration")
    return analysistest.end(env)

built_once_test = analysistest.make(_built_once_test_impl, config_settings = _ON_AMD64)

def _built_once_elsewhere_test_impl(ctx):
    env = analysistest.begin(ctx)
    info = analysistest.target_under_test(env)[_BlobsInfo]
    asserts.equals(env, info.direct, info.through_index["arm64"], "whichever platform the command line names")
    return analysistest.end(env)

built_once_elsewhere_test = analysistest.make(_built_once_elsewhere_test_impl, config_settings = _ON_AMD64)

def image_index_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    image_layer(name = "index_layer", srcs = {"/etc/": _FIXTURES + "file.txt"}, tags = ["manual"])
    for image in ["first", "second"]:
        image_manifest(
            name = image,
            base = _FIXTURES + "base",
            layers = [":index_layer"],
            tags = ["manual"],
        )
    image_manifest(
        name = "first_for_arm64",
        base = _FIXTURES + "base",
        layers = [":index_layer"],
        platform = _FIXTURES + "linux_arm64",
        tags = ["manual"],
    )

    image_index(
        name = "index",
        annotations = {"a": "b"},
        annotations_file = _FIXTURES + "file.txt",
        manifests = [":first", ":second"],
        platforms = [_FIXTURES + "linux_arm64", _FIXTURES + "linux_amd64"],
        tags = ["manual"],
    )
    platforms_test(name = "platforms_test", target_under_test = ":index")

    image_index(
        name = "as_listed",
        manifests = [":second", ":first"],
        tags = ["manual"],
    )
    as_listed_test(name = "as_listed_test", target_under_test = ":as_listed")

    blobs(name = "blobs", direct = ":first", index = ":index", tags = ["manual"])
    built_once_test(name = "built_once_test", target_under_test = ":blobs")

    blobs(name = "blobs_elsewhere", direct = ":first_for_arm64", index = ":index", tags = ["manual"])
    built_once_elsewhere_test(name = "built_once_elsewhere_test", target_under_test = ":blobs_elsewhere")

    native.test_suite(
        name = name,
        tests = [
            ":as_listed_test",
            ":built_once_elsewhere_test",
            ":built_once_test",
            ":platforms_test",
        ],
    )
