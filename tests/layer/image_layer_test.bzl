"""Analysis tests of `image_layer`: the action, the files, the providers, and what it refuses."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//img:layer.bzl", "file_metadata", "image_layer")
load("//img:providers.bzl", "LayersInfo")
load("//tests/fixtures:actions.bzl", "action_with", "assert_hermetic", "entries_of", "flag_value", "input_names", "values_of")
load("//tests/fixtures:failure.bzl", "failure_test")

_FIXTURES = "//tests/fixtures:"
_COMPRESS = str(Label("//img/settings:compress"))
_COMPRESSION_JOBS = str(Label("//img/settings:compression_jobs"))
_COMPRESSION_LEVEL = str(Label("//img/settings:compression_level"))
_CREATE_PARENT_DIRECTORIES = str(Label("//img/settings:create_parent_directories"))
_ESTARGZ = str(Label("//img/settings:estargz"))
_MTREE_LAYER_LAYOUT = str(Label("//img/settings:mtree_layer_layout"))
_MTREE_OPTIONS = str(Label("//img/settings:mtree_options"))
_MTREE_PATH_PREFIX = str(Label("//img/settings:mtree_path_prefix"))
_TREE_ARTIFACT_HANDLING = str(Label("//img/settings:layer_tree_artifact_handling"))

def _defaults_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "LayerTar")
    assert_hermetic(env, action)
    asserts.equals(env, "layer", action.argv[1])
    asserts.equals(env, "gzip", flag_value(action, "--format"))
    asserts.equals(env, "1", flag_value(action, "--level"))
    asserts.equals(env, "full", flag_value(action, "--tree-artifacts"))
    asserts.false(env, "--jobs" in action.argv, "the number of threads is the builder's to choose")
    asserts.false(env, "--create-parent-directories" in action.argv)
    asserts.false(env, "--estargz" in action.argv)
    asserts.equals(env, ["file.txt"], input_names(action))
    asserts.equals(env, ["etc/file.txt|f|tests/fixtures/file.txt"], entries_of(action))
    asserts.equals(env, {
        "annotations": {},
        "default_metadata": {},
        "file_metadata": {},
        "history": "bazel build //tests/layer:defaults",
        "label": "//tests/layer:defaults",
        "media_type": "application/vnd.oci.image.layer.v1.tar+gzip",
    }, values_of(action))

    listing = action_with(env, "LayerMtree")
    assert_hermetic(env, listing)
    asserts.equals(env, "layer-listing", listing.argv[1])
    asserts.equals(env, "gzip", flag_value(listing, "--source-format"))
    asserts.true(env, "--mtree-path-prefix=./" in listing.argv)
    asserts.equals(env, "type,size,mode,uid,uname,gid,gname,sha256,time,link,nlink", flag_value(listing, "--mtree-options"))
    asserts.equals(env, "tar", flag_value(listing, "--mtree-layout"))
    asserts.equals(env, ["defaults.tgz"], input_names(listing))

    target = analysistest.target_under_test(env)
    names = {
        "layer": ["defaults.tgz"],
        "metadata": ["defaults_metadata.json"],
        "mtree": ["defaults.mtree"],
    }
    for group, expected in names.items():
        asserts.equals(env, expected, [file.basename for file in target[OutputGroupInfo][group].to_list()])
    asserts.equals(env, names["layer"], [file.basename for file in target[DefaultInfo].files.to_list()])
    layers = target[LayersInfo].layers
    asserts.equals(env, 1, len(layers))
    asserts.equals(env, "defaults.tgz", layers[0].blob.basename)
    asserts.equals(env, "defaults_metadata.json", layers[0].metadata.basename)
    asserts.equals(env, "defaults.mtree", layers[0].mtree.basename)
    asserts.equals(env, [], layers[0].sources)
    asserts.equals(env, False, layers[0].estargz)
    for field in ["compact_stream", "layer_input_files", "layer_input_files_cas", "ztoc"]:
        asserts.equals(env, None, getattr(layers[0], field), field)
    asserts.equals(env, "application/vnd.oci.image.layer.v1.tar+gzip", layers[0].media_type)
    return analysistest.end(env)

defaults_test = analysistest.make(_defaults_test_impl)

def _settings_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "LayerTar")
    asserts.equals(env, "zstd", flag_value(action, "--format"))
    asserts.equals(env, "4", flag_value(action, "--level"))
    asserts.equals(env, "3", flag_value(action, "--jobs"))
    asserts.equals(env, "deduplicate_symlink", flag_value(action, "--tree-artifacts"))
    asserts.true(env, "--create-parent-directories" in action.argv)
    asserts.true(env, "--estargz" in action.argv)
    listing = action_with(env, "LayerMtree")
    asserts.true(env, "--mtree-path-prefix=" in listing.argv)
    asserts.equals(env, "xattr,type", flag_value(listing, "--mtree-options"))
    asserts.equals(env, "oci_layer_filesystem_applied_changeset", flag_value(listing, "--mtree-layout"))
    layer = analysistest.target_under_test(env)[LayersInfo].layers[0]
    asserts.equals(env, "defaults.tar.zst", layer.blob.basename)
    asserts.equals(env, True, layer.estargz)
    return analysistest.end(env)

settings_test = analysistest.make(_settings_test_impl, config_settings = {
    _COMPRESS: "zstd",
    _COMPRESSION_JOBS: "3",
    _COMPRESSION_LEVEL: "best",
    _CREATE_PARENT_DIRECTORIES: "enabled",
    _ESTARGZ: "enabled",
    _MTREE_LAYER_LAYOUT: "oci_layer_filesystem_applied_changeset",
    _MTREE_OPTIONS: "xattr,type",
    _MTREE_PATH_PREFIX: "",
    _TREE_ARTIFACT_HANDLING: "deduplicate_symlink",
})

def _attributes_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "LayerTar")
    assert_hermetic(env, action)
    asserts.equals(env, "none", flag_value(action, "--format"))
    asserts.equals(env, None, flag_value(action, "--level"))
    asserts.equals(env, "full", flag_value(action, "--tree-artifacts"), "the attribute wins over the setting")
    asserts.false(env, "--create-parent-directories" in action.argv, "the attribute wins over the setting")
    asserts.true(env, flag_value(action, "--annotations-file").endswith("tests/fixtures/file.txt"))
    values = values_of(action)
    asserts.equals(env, {"multi": "line\nvalue"}, values["annotations"])
    asserts.equals(env, "application/x-custom", values["media_type"])
    asserts.equals(env, {"uid": 1000}, values["default_metadata"])
    asserts.equals(env, {"etc/file": {"mode": "0400"}}, values["file_metadata"])
    asserts.equals(env, [
        "etc/file|f|tests/fixtures/file.txt",
        "etc/link|s|/absolute/target",
        "usr/link|s|../etc/file",
    ], entries_of(action))
    layer = analysistest.target_under_test(env)[LayersInfo].layers[0]
    asserts.equals(env, "attributes.tar", layer.blob.basename)

    # The setting is for layers that can follow it.
    asserts.false(env, "--estargz" in action.argv)
    asserts.equals(env, False, layer.estargz)
    return analysistest.end(env)

attributes_test = analysistest.make(_attributes_test_impl, config_settings = {
    _ESTARGZ: "enabled",
    _CREATE_PARENT_DIRECTORIES: "enabled",
    _TREE_ARTIFACT_HANDLING: "deduplicate_symlink",
})

def _estargz_test_impl(ctx):
    env = analysistest.begin(ctx)
    is_wanted = ctx.attr.is_wanted
    asserts.equals(env, is_wanted, "--estargz" in action_with(env, "LayerTar").argv)
    asserts.equals(env, is_wanted, analysistest.target_under_test(env)[LayersInfo].layers[0].estargz)
    return analysistest.end(env)

_ESTARGZ_ATTRS = {"is_wanted": attr.bool()}

estargz_test = analysistest.make(_estargz_test_impl, attrs = _ESTARGZ_ATTRS)

estargz_setting_test = analysistest.make(_estargz_test_impl, attrs = _ESTARGZ_ATTRS, config_settings = {_ESTARGZ: "enabled"})

_EXECUTABLE_ENTRIES = [
    "app/bin/beside.txt|f|tests/fixtures/bin/beside.txt",
    "app/bin/run.repo_mapping|f|tests/fixtures/bin/app.repo_mapping",
    "app/bin/run.runfiles/_main/at/the/side|f|tests/fixtures/app.linked",
    "app/bin/run.runfiles/_main/tests/fixtures/app.data|f|tests/fixtures/app.data",
    "app/bin/run.runfiles/_main/tests/fixtures/bin/app|f|tests/fixtures/bin/app",
    "app/bin/run.runfiles/_main/tests/fixtures/file.txt|f|tests/fixtures/file.txt",
    "app/bin/run.runfiles/_repo_mapping|f|tests/fixtures/bin/app.repo_mapping",
    "app/bin/run.runfiles/at_the_root|f|tests/fixtures/app.linked",
    "app/bin/run|f|tests/fixtures/bin/app",
    "app/share/above.txt|f|tests/fixtures/share/above.txt",
]

def _executable_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "LayerTar")
    assert_hermetic(env, action)
    asserts.equals(env, _EXECUTABLE_ENTRIES, entries_of(action))
    asserts.equals(env, [
        "above.txt",
        "app",
        "app.data",
        "app.linked",
        "app.repo_mapping",
        "beside.txt",
        "file.txt",
    ], input_names(action))
    return analysistest.end(env)

executable_test = analysistest.make(_executable_test_impl)

def _without_runfiles_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "LayerTar")
    asserts.equals(env, [
        "app/bin/app|f|tests/fixtures/bin/app",
        "app/bin/beside.txt|f|tests/fixtures/bin/beside.txt",
        "app/share/above.txt|f|tests/fixtures/share/above.txt",
    ], entries_of(action))
    asserts.equals(env, ["above.txt", "app", "beside.txt"], input_names(action))
    return analysistest.end(env)

without_runfiles_test = analysistest.make(_without_runfiles_test_impl)

def _outputs_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "LayerTar")

    # Bazel 7 does not tell which files are unresolved symlinks.
    link = [file for file in action.inputs.to_list() if file.basename == "link"][0]
    link_kind = "l" if hasattr(link, "is_symlink") else "f"
    asserts.equals(env, [
        "below/one.txt|f|tests/fixtures/out/one.txt",
        "exactly|f|tests/fixtures/out/one.txt",
        "link|{}|tests/fixtures/out/link".format(link_kind),
        "several/out/a/two.txt|f|tests/fixtures/out/a/two.txt",
        "several/out/b/three.txt|f|tests/fixtures/out/b/three.txt",
        "tree|d|tests/fixtures/out/tree",
    ], entries_of(action))
    return analysistest.end(env)

outputs_test = analysistest.make(_outputs_test_impl)

def _flatten_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.equals(env, [
        "several/three.txt|f|tests/fixtures/out/b/three.txt",
        "several/two.txt|f|tests/fixtures/out/a/two.txt",
    ], entries_of(action_with(env, "LayerTar")))
    return analysistest.end(env)

flatten_test = analysistest.make(_flatten_test_impl)

def _subject(name, **kwargs):
    image_layer(
        name = name,
        tags = ["manual"],
        **kwargs
    )

def image_layer_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    _subject("defaults", srcs = {"/etc/": _FIXTURES + "file.txt"})
    defaults_test(name = "defaults_test", target_under_test = ":defaults")
    settings_test(name = "settings_test", target_under_test = ":defaults")

    _subject(
        "attributes",
        srcs = {"/etc/file": _FIXTURES + "file.txt"},
        annotations = {"multi": "line\nvalue"},
        annotations_file = _FIXTURES + "file.txt",
        compress = "none",
        create_parent_directories = "disabled",
        default_metadata = file_metadata(uid = 1000),
        file_metadata = {"/etc/file": file_metadata(mode = "0400")},
        media_type = "application/x-custom",
        symlinks = {
            "/etc/link": "/absolute/target",
            "usr/link": "../etc/file",
        },
        tree_artifact_handling = "full",
    )
    attributes_test(name = "attributes_test", target_under_test = ":attributes")

    _subject("executable", srcs = {"/app/bin/run": _FIXTURES + "app"})
    executable_test(name = "executable_test", target_under_test = ":executable")

    _subject("without_runfiles", srcs = {"/app/bin/": _FIXTURES + "app"}, include_runfiles = False)
    without_runfiles_test(name = "without_runfiles_test", target_under_test = ":without_runfiles")

    _subject("outputs", srcs = {
        "/below/": _FIXTURES + "one_file",
        "/exactly": _FIXTURES + "one_file",
        "/link": _FIXTURES + "unresolved_symlink",
        "/several": _FIXTURES + "two_files",
        "/tree": _FIXTURES + "directory",
    })
    outputs_test(name = "outputs_test", target_under_test = ":outputs")

    _subject("flatten", srcs = {"/several/": _FIXTURES + "two_files"}, multi_file_layout = "flatten")
    flatten_test(name = "flatten_test", target_under_test = ":flatten")

    _subject("estargz_layer", compress = "zstd", estargz = "enabled")
    estargz_test(name = "estargz_test", is_wanted = True, target_under_test = ":estargz_layer")
    _subject("plain_layer", estargz = "disabled")
    estargz_setting_test(name = "no_estargz_test", is_wanted = False, target_under_test = ":plain_layer")

    failures = {
        "estargz_uncompressed": (
            {"compress": "none", "estargz": "enabled"},
            ["attribute `estargz`: an uncompressed layer cannot be read file by file; write `compress = \"gzip\"`"],
        ),
        "link_on_file": (
            {"srcs": {"/a": _FIXTURES + "file.txt"}, "symlinks": {"a": "b"}},
            ["attribute `symlinks`: \"a\": the layer has", "tests/fixtures:file.txt at this path already"],
        ),
        "link_on_link": (
            {"symlinks": {"/a": "b", "a": "c"}},
            ["attribute `symlinks`: \"a\": the layer has a symlink at this path already"],
        ),
        "link_to_nothing": (
            {"symlinks": {"/a": ""}},
            ["attribute `symlinks`: \"/a\": expected a target"],
        ),
        "metadata_for_one_path_twice": (
            {"file_metadata": {"/a": "{}", "a": "{}"}},
            ["attribute `file_metadata`: \"a\": the same path is there with and without a slash in front"],
        ),
        "metadata_misspelt": (
            {"file_metadata": {"/a": "{\"owner\": 1}"}},
            ["attribute `file_metadata[\"/a\"]`: unknown field \"owner\""],
        ),
        "metadata_not_json": (
            {"default_metadata": "0755"},
            ["attribute `default_metadata`: expected what file_metadata() returns, found \"0755\""],
        ),
        "outside": (
            {"srcs": {"/run": _FIXTURES + "app"}},
            ["attribute `srcs`", "its output tests/fixtures/share/above.txt lies outside of the image"],
        ),
        "path_is_root": (
            {"srcs": {"/": _FIXTURES + "file.txt"}},
            ["attribute `srcs`: path \"/\": expected a path below the root"],
        ),
        "path_upwards": (
            {"srcs": {"/a/../b": _FIXTURES + "file.txt"}},
            ["attribute `srcs`: path \"/a/../b\": expected a path without `..`"],
        ),
    }
    for failure, (attributes, messages) in failures.items():
        failure_test(name = failure + "_test", rule = image_layer, messages = messages, **attributes)

    native.test_suite(
        name = name,
        tests = [
            ":attributes_test",
            ":defaults_test",
            ":estargz_test",
            ":executable_test",
            ":flatten_test",
            ":no_estargz_test",
            ":outputs_test",
            ":settings_test",
            ":without_runfiles_test",
        ] + [":" + failure + "_test" for failure in failures],
    )
