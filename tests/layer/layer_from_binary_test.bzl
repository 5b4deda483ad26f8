"""Analysis tests of `layer_from_binary`: where things go, in how many layers, what images learn, and what it refuses."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//img:layer.bzl", "layer_from_binary")
load("//img:providers.bzl", "LayersInfo")
load("//img/private/providers:layer.bzl", "ImageLayerConfigInfo")
load("//tests/fixtures:actions.bzl", "action_with", "actions_with", "assert_hermetic", "entries_of", "flag_value", "input_names", "values_of")
load("//tests/fixtures:failure.bzl", "failure_test")

_FIXTURES = "//tests/fixtures:"
_SHARED_PATH = str(Label("//img/settings:runfiles_shared_path"))
_SHARING_MODE = str(Label("//img/settings:runfiles_sharing_mode"))

def _assert_config(env, expected):
    config = analysistest.target_under_test(env)[ImageLayerConfigInfo]
    for field, value in expected.items():
        asserts.equals(env, value, getattr(config, field), field)

def _defaults_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "LayerTar")
    assert_hermetic(env, action)
    own = "_main/tests/fixtures/server"
    asserts.equals(env, sorted([
        own + "|f|tests/fixtures/server",
        own + ".repo_mapping|f|tests/fixtures/server.repo_mapping",
        own + ".runfiles/_main/tests/fixtures/file.txt|f|tests/fixtures/file.txt",
        own + ".runfiles/_main/tests/fixtures/out/one.txt|f|tests/fixtures/out/one.txt",
        own + ".runfiles/_main/tests/fixtures/server|f|tests/fixtures/server",
        own + ".runfiles/_repo_mapping|f|tests/fixtures/server.repo_mapping",
    ]), entries_of(action))
    asserts.equals(env, ["file.txt", "one.txt", "server", "server.repo_mapping"], input_names(action))
    asserts.equals(env, "bazel build //tests/layer:binary_defaults", values_of(action)["history"])
    _assert_config(env, {
        "cmd": [
            "--config=tests/fixtures/file.txt",
            "--data=_main/tests/fixtures/out/one.txt",
            "--mode=fastbuild",
            "--price=$1",
            "two words",
        ],
        "entrypoint": ["/_main/tests/fixtures/server"],
        "env": {"DATA": "tests/fixtures/out/one.txt", "SELF": "tests/fixtures/server"},
        "working_dir": "/_main/tests/fixtures/server.runfiles/_main",
    })
    target = analysistest.target_under_test(env)
    asserts.equals(env, ["binary_defaults.tgz"], [file.basename for file in target[DefaultInfo].files.to_list()])
    asserts.equals(env, ["binary_defaults.mtree"], [file.basename for file in target[OutputGroupInfo].mtree.to_list()])
    return analysistest.end(env)

defaults_test = analysistest.make(_defaults_test_impl)

def _attributes_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "LayerTar")
    assert_hermetic(env, action)
    asserts.equals(env, [
        "opt/files/_main/tests/fixtures/file.txt|f|tests/fixtures/file.txt",
        "opt/files/_main/tests/fixtures/out/one.txt|f|tests/fixtures/out/one.txt",
        "opt/files/_main/tests/fixtures/server|f|tests/fixtures/server",
        "usr/lib/server/_main|s|../../../opt/files/_main",
        "usr/lib/server/_repo_mapping|f|tests/fixtures/server.repo_mapping",
        "usr/sbin/server.repo_mapping|f|tests/fixtures/server.repo_mapping",
        "usr/sbin/server|f|tests/fixtures/server",
    ], _unique(entries_of(action)))
    asserts.equals(env, "zstd", flag_value(action, "--format"))
    asserts.true(env, "--create-parent-directories" in action.argv)
    asserts.equals(env, "deduplicate_symlink", flag_value(action, "--tree-artifacts"))
    asserts.true(env, flag_value(action, "--annotations-file").endswith("tests/fixtures/file.txt"))
    asserts.equals(env, {"a": "b"}, values_of(action)["annotations"])
    asserts.equals(env, "application/x-custom", values_of(action)["media_type"])
    _assert_config(env, {"entrypoint": ["/usr/sbin/server"], "working_dir": "/usr/lib/server/_main"})
    asserts.equals(env, "binary_attributes.tar.zst", analysistest.target_under_test(env)[LayersInfo].layers[0].blob.basename)
    return analysistest.end(env)

attributes_test = analysistest.make(_attributes_test_impl)

def _unique(lines):
    """Each line once; the builder takes a symlink that is named twice for one."""
    return {line: None for line in lines}.keys()

def _settings_test_impl(ctx):
    env = analysistest.begin(ctx)
    entries = entries_of(action_with(env, "LayerTar"))
    asserts.true(env, "srv/shared/_main/tests/fixtures/file.txt|f|tests/fixtures/file.txt" in entries)
    asserts.true(env, "_main/tests/fixtures/server.runfiles/_main|s|../../../../srv/shared/_main" in entries)
    return analysistest.end(env)

settings_test = analysistest.make(_settings_test_impl, config_settings = {
    _SHARED_PATH: "/srv/shared",
    _SHARING_MODE: "shared",
})

def _environment_test_impl(ctx):
    env = analysistest.begin(ctx)
    _assert_config(env, {
        "cmd": [],
        "entrypoint": ["/server"],
        "env": {"LITERAL": "$(location file.txt)"},
        "working_dir": None,
    })
    action = action_with(env, "LayerTar")
    asserts.equals(env, ["server|f|tests/fixtures/server_with_environment"], entries_of(action))
    return analysistest.end(env)

environment_test = analysistest.make(_environment_test_impl)

def _layers_test_impl(ctx):
    """Which entries are in which layer, and that no layer has an input that it does not hold."""
    env = analysistest.begin(ctx)
    actions = actions_with(env, "LayerTar")
    asserts.equals(env, ctx.attr.layers.keys(), actions.keys(), "the layers")
    target = analysistest.target_under_test(env)
    asserts.equals(env, ctx.attr.layers.keys(), [layer.blob.basename for layer in target[LayersInfo].layers])
    asserts.equals(env, ctx.attr.layers.keys(), [file.basename for file in target[DefaultInfo].files.to_list()])
    asserts.equals(env, len(ctx.attr.layers), len(target[OutputGroupInfo].metadata.to_list()))
    for name, expected in ctx.attr.layers.items():
        entries = [entry.partition("|")[0] for entry in entries_of(actions[name])]
        asserts.equals(env, sorted(expected), sorted(_unique(entries)), name)
        sources = {entry.rpartition("/")[2]: None for entry in entries_of(actions[name]) if "|s|" not in entry}
        for input in input_names(actions[name]):
            asserts.true(env, input in sources, "{}: input {} is in none of {}".format(name, input, sources.keys()))
    return analysistest.end(env)

layers_test = analysistest.make(_layers_test_impl, attrs = {"layers": attr.string_list_dict()})

_PACKAGES = [
    "node_modules/@scope/left/index.js",
    "node_modules/right/index.js",
]

def _executable_layer(path):
    return [path, path + ".repo_mapping", path + ".runfiles/_repo_mapping"]

def _grouped(name, folder, layers):
    """The layers of a grouped binary: what a layer holds of `folder`, the last one with the executable, too."""
    result = {"{}_{}.tgz".format(name, number): [folder + path for path in paths] for number, paths in enumerate(layers)}
    last = result.keys()[-1]
    return result | {last: result[last] + _executable_layer("app")}

_INTERPRETER_GROUP = ["_main/tests/fixtures/out/a/two.txt", "_main/tests/fixtures/out/b/three.txt"]
_CONFIG_GROUP = ["_main/tests/fixtures/file.txt"]
_PACKAGES_GROUP = ["_main/tests/fixtures/out/one.txt"]

def _grouped_subjects():
    """Name -> attributes of a layer of the grouped binaries, folder of runfiles, and what each layer holds."""
    private = {"path": "/app", "runfiles_sharing_mode": "private"}
    own = ["_main/tests/fixtures/grouped"]
    everything = [_INTERPRETER_GROUP, _CONFIG_GROUP, _PACKAGES_GROUP]
    return {
        "all_groups": (private | {"binary": _FIXTURES + "grouped"}, "app.runfiles/", everything + [own]),
        "budget_of_three": (
            private | {"binary": _FIXTURES + "grouped", "layer_budget": 3},
            "app.runfiles/",
            [_INTERPRETER_GROUP, _CONFIG_GROUP + _PACKAGES_GROUP, own],
        ),
        "budget_out_of_reach": (
            private | {"binary": _FIXTURES + "grouped", "layer_budget": 1},
            "app.runfiles/",
            [_INTERPRETER_GROUP, _CONFIG_GROUP + _PACKAGES_GROUP, own],
        ),
        "no_executable_group": (
            private | {"binary": _FIXTURES + "grouped_without_executable", "layer_budget": 3},
            "app.runfiles/",
            [_INTERPRETER_GROUP, _CONFIG_GROUP + _PACKAGES_GROUP, ["_main/tests/fixtures/grouped_without_executable"]],
        ),
        "transformed": (
            private | {"binary": _FIXTURES + "grouped_and_transformed"},
            "app.runfiles/",
            [_CONFIG_GROUP, _PACKAGES_GROUP, ["_main/tests/fixtures/grouped_and_transformed"]],
        ),
    }

def _shared_groups_test_impl(ctx):
    """Groups are shared unless told otherwise; the symlinks to them are beside the executable."""
    env = analysistest.begin(ctx)
    actions = actions_with(env, "LayerTar")
    asserts.equals(env, [".shared_runfiles/_main/tests/fixtures/file.txt|f|tests/fixtures/file.txt"], entries_of(actions["shared_groups_1.tgz"]))
    asserts.true(env, "app.runfiles/_main|s|../.shared_runfiles/_main" in entries_of(actions["shared_groups_3.tgz"]))
    _assert_config(env, {"working_dir": "/app.runfiles/_main"})
    return analysistest.end(env)

shared_groups_test = analysistest.make(_shared_groups_test_impl)

def _split_subjects():
    """Name -> budget, and what each layer holds. No file here looks like an interpreter."""
    package = "app.runfiles/_main/tests/fixtures/"
    main = _executable_layer("app") + ["app.runfiles/" + path for path in [
        "_main/here/linked",
        "_main/linked",
        "_main/tests/fixtures/file.txt",
        "_main/tests/fixtures/with_packages",
        "at_the_root",
    ]]
    external = ["app.runfiles/bazel_skylib/linked", "app.runfiles/bazel_skylib~/lib/dicts.bzl"]
    return {
        "split_in_two": (2, {
            "split_in_two_packages.tgz": external + [package + path for path in _PACKAGES],
            "split_in_two_app.tgz": main,
        }),
        "split_in_three": (3, {
            "split_in_three_packages.tgz": external + [package + path for path in _PACKAGES],
            "split_in_three_app.tgz": main,
        }),
    }

_FAILURES = {
    "binary_budget": (
        {"binary": _FIXTURES + "server", "layer_budget": -1},
        ["attribute `layer_budget`: expected a number of layers, or 0 for no limit; found -1"],
    ),
    "binary_env": (
        {"binary": _FIXTURES + "odd_server"},
        ["attribute `env` of a `fixture_odd_binary`: expected a dict of strings, found [\"A=B\"]"],
    ),
    "binary_estargz": (
        {"binary": _FIXTURES + "server", "compress": "none", "estargz": "enabled"},
        ["attribute `estargz`: an uncompressed layer cannot be read file by file; write `compress = \"gzip\"`"],
    ),
    "binary_outside": (
        {"binary": _FIXTURES + "app", "path": "/run"},
        ["attribute `path`", "its output tests/fixtures/share/above.txt lies outside of the image"],
    ),
    "binary_path": (
        {"binary": _FIXTURES + "server", "path": "/a/../b"},
        ["attribute `path`: path \"/a/../b\": expected a path without `..`"],
    ),
    "binary_runfiles_path": (
        {"binary": _FIXTURES + "server", "runfiles_path": "/"},
        ["attribute `runfiles_path`: path \"/\": expected a path below the root"],
    ),
    "binary_shared_path": (
        {"binary": _FIXTURES + "server", "runfiles_shared_path": "./shared"},
        ["attribute `runfiles_shared_path`: path \"./shared\": expected a path without `.`"],
    ),
}

def _subject(name, **kwargs):
    layer_from_binary(name = name, tags = ["manual"], **kwargs)

def _configured_subjects():
    _subject("binary_defaults", binary = _FIXTURES + "server")
    defaults_test(name = "binary_defaults_test", target_under_test = ":binary_defaults")
    settings_test(name = "binary_settings_test", target_under_test = ":binary_defaults")
    _subject(
        "binary_attributes",
        annotations = {"a": "b"},
        annotations_file = _FIXTURES + "file.txt",
        binary = _FIXTURES + "server",
        compress = "zstd",
        create_parent_directories = "enabled",
        media_type = "application/x-custom",
        path = "/usr/sbin/",
        runfiles_path = "/usr/lib/server",
        runfiles_shared_path = "/opt/files/",
        runfiles_sharing_mode = "shared",
        tree_artifact_handling = "deduplicate_symlink",
    )
    attributes_test(name = "binary_attributes_test", target_under_test = ":binary_attributes")
    _subject(
        "binary_environment",
        binary = _FIXTURES + "server_with_environment",
        include_runfiles = False,
        layer_budget = 5,
        path = "server",
    )
    environment_test(name = "binary_environment_test", target_under_test = ":binary_environment")
    return ["binary_defaults_test", "binary_settings_test", "binary_attributes_test", "binary_environment_test"]

def _layered_subjects():
    _subject("shared_groups", binary = _FIXTURES + "grouped", path = "/app")
    shared_groups_test(name = "shared_groups_test", target_under_test = ":shared_groups")
    tests = ["shared_groups_test"]
    for name, (attributes, folder, layers) in _grouped_subjects().items():
        _subject(name, **attributes)
        layers_test(name = name + "_test", layers = _grouped(name, folder, layers), target_under_test = name)
        tests.append(name + "_test")
    for name, (budget, layers) in _split_subjects().items():
        _subject(name, binary = _FIXTURES + "with_packages", layer_budget = budget, path = "/app")
        layers_test(name = name + "_test", layers = layers, target_under_test = name)
        tests.append(name + "_test")

    # What leaves no groups is packed in one piece.
    for name, binary, budget in [
        ("no_room_for_groups", "grouped_without_executable", 1),
        ("no_groups_left", "grouped_to_nothing", 0),
    ]:
        _subject(name, binary = _FIXTURES + binary, layer_budget = budget, path = "/app")
        layers_test(
            name = name + "_test",
            layers = {name + ".tgz": _executable_layer("app") + [
                "app.runfiles/_main/tests/fixtures/" + binary,
            ] + ["app.runfiles/" + path for path in _INTERPRETER_GROUP + _CONFIG_GROUP + _PACKAGES_GROUP]},
            target_under_test = name,
        )
        tests.append(name + "_test")
    return tests

def layer_from_binary_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    tests = _configured_subjects() + _layered_subjects()
    for failure, (attributes, messages) in _FAILURES.items():
        failure_test(name = failure + "_test", rule = layer_from_binary, messages = messages, **attributes)
    native.test_suite(
        name = name,
        tests = tests + [failure + "_test" for failure in _FAILURES],
    )
