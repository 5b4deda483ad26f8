"""Analysis tests of layers that are source files: pushes out of a cache get a copy that an action made, all others the file."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//img:image.bzl", "image_manifest")
load("//img:layer.bzl", "image_layer", "layer_from_file", "layer_from_tar")
load("//img:multi_deploy.bzl", "multi_deploy")
load("//img:push.bzl", "image_push", "image_push_spec")
load("//tests/fixtures:actions.bzl", "action_with", "actions_with", "assert_hermetic", "flag_value", "input_names")
load("//tests/fixtures:fixtures.bzl", "fixture_source_layer")

_FIXTURES = "//tests/fixtures:"
_ON_AMD64 = {"//command_line_option:platforms": str(Label(_FIXTURES + "linux_amd64"))}
_STRATEGY = str(Label("//img/settings:push_strategy"))

# Who has a layer, and what of it a push reads: out of a cache, and otherwise. Paths are those below the folder of outputs.
_MADE = ["//tests/push:made_layer", "made_layer_metadata.json"]
_COPIES = [
    ["//tests/push:file_layer", "file_layer_copy_metadata.json"],
    ["//tests/push:tar_layer", "tar_layer_copy_metadata.json"],
    ["//tests/push:source_image", "source_image_layer_2_0_copy_metadata.json"],
    ["//tests/push:source_image", "source_image_layer_3_0_copy_metadata.json"],
    _MADE,
]
_FILES = [
    ["//tests/fixtures:file.txt", "file_layer_metadata.json"],
    ["//tests/fixtures:source.tar", "tar_layer_metadata.json"],
    ["//tests/fixtures:source.tar", "source_image_layer_2_0_metadata.json"],
    ["//tests/fixtures:file.txt", "foreign_layer_metadata.json"],
    _MADE,
]

def _layers(action):
    lines = [argument.split("\0") for argument in action.argv if "\0" in argument]
    return [[line[3], line[1].rpartition("/")[2]] for line in lines if line[0] == "layer"]

def _copy_test_impl(ctx):
    env = analysistest.begin(ctx)
    copies = actions_with(env, "LayerCopy")
    asserts.equals(env, sorted(ctx.attr.copies), sorted(copies.keys()))
    for action in copies.values():
        assert_hermetic(env, action)
        asserts.equals(env, "copy", action.argv[1])
        asserts.equals(
            env,
            [flag_value(action, flag).rpartition("/")[2] for flag in ["--input", "--metadata"]],
            sorted(input_names(action), key = lambda name: name.endswith(".json")),
        )
    return analysistest.end(env)

copy_test = analysistest.make(_copy_test_impl, attrs = {"copies": attr.string_list()})

def _eager_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.equals(env, _FILES, _layers(action_with(env, "PushMetadata")), "nothing is copied")
    target = analysistest.target_under_test(env)
    shipped = [entry.target_file for entry in target[DefaultInfo].default_runfiles.root_symlinks.to_list()]
    asserts.equals(env, ["file.txt", "source.tar"], sorted([file.basename for file in shipped if file.is_source]))
    return analysistest.end(env)

eager_test = analysistest.make(_eager_test_impl, config_settings = _ON_AMD64)

def _lazy_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "PushMetadata")
    asserts.equals(env, _COPIES, _layers(action), "the plan needs metadata that come with the copy")
    asserts.equals(env, [], [name for name in input_names(action) if not name.endswith(".json")], "and no layer")
    target = analysistest.target_under_test(env)
    layers = target[OutputGroupInfo].layers.to_list()
    asserts.equals(env, ["file.txt", "file.txt", "made_layer.tgz", "source.tar", "source.tar"], sorted([file.basename for file in layers]))
    asserts.equals(env, [], [file.path for file in layers if file.is_source])
    return analysistest.end(env)

lazy_test = analysistest.make(_lazy_test_impl, config_settings = _ON_AMD64 | {_STRATEGY: "lazy"})
cas_registry_test = analysistest.make(_lazy_test_impl, config_settings = _ON_AMD64 | {_STRATEGY: "cas_registry"})

def _bes_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.equals(env, _COPIES, _layers(action_with(env, "PushMetadata")))
    hidden = analysistest.target_under_test(env)[OutputGroupInfo]._hidden_top_level_INTERNAL_.to_list()
    asserts.equals(env, 2, len([file for file in hidden if file.basename == "source.tar" and not file.is_source]))
    return analysistest.end(env)

bes_test = analysistest.make(_bes_test_impl, config_settings = _ON_AMD64 | {_STRATEGY: "bes"})

def _specs_test_impl(ctx):
    env = analysistest.begin(ctx)
    plans = actions_with(env, "PushMetadata")
    asserts.equals(env, {
        "specs.push_deploy.0.json": [["//tests/fixtures:source.tar", "tar_layer_metadata.json"]],
        "specs.push_deploy.1.json": [["//tests/push:tar_layer", "tar_layer_copy_metadata.json"]],
    }, {name: _layers(action) for name, action in plans.items()}, "each as its own strategy wants it")
    return analysistest.end(env)

specs_test = analysistest.make(_specs_test_impl, config_settings = _ON_AMD64)

def _multi_deploy_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.equals(env, _COPIES, _layers(action_with(env, "MultiDeployMerge")))
    return analysistest.end(env)

multi_deploy_test = analysistest.make(_multi_deploy_test_impl, config_settings = _ON_AMD64)

def source_layer_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    destination = {"registry": "push.example.com", "repository": "team/app", "tags": ["manual"]}
    layer_from_file(name = "file_layer", src = _FIXTURES + "file.txt", tags = ["manual"])
    layer_from_tar(name = "tar_layer", src = _FIXTURES + "source.tar", tags = ["manual"])
    layer_from_tar(name = "rewritten_layer", src = _FIXTURES + "source.tar", compress = "gzip", tags = ["manual"])
    fixture_source_layer(name = "foreign_layer", src = _FIXTURES + "file.txt", tags = ["manual"])
    image_layer(name = "made_layer", srcs = {"/etc/": _FIXTURES + "file.txt"}, tags = ["manual"])
    layers = [":file_layer", ":tar_layer", _FIXTURES + "source.tar", ":foreign_layer", ":made_layer"]
    image_manifest(name = "source_image", layers = layers, tags = ["manual"])
    image_push(name = "push_source", image = ":source_image", **destination)
    multi_deploy(name = "deploy_source", operations = [":push_source"], push_strategy = "lazy", tags = ["manual"])
    image_push_spec(name = "eager_spec", strategy = "eager", **destination)
    image_push_spec(name = "lazy_spec", strategy = "lazy", **destination)
    image_manifest(name = "specs", layers = [":tar_layer"], push_specs = [":eager_spec", ":lazy_spec"], tags = ["manual"])

    copies = {
        "file_layer": ["file.txt"],
        "made_layer": [],
        "push_source": [],
        "rewritten_layer": [],
        "source_image": ["file.txt", "source.tar"],
        "tar_layer": ["source.tar"],
    }
    for subject, names in copies.items():
        copy_test(name = subject + "_copy_test", copies = names, target_under_test = ":" + subject)
    for strategy, test in {"bes": bes_test, "cas_registry": cas_registry_test, "eager": eager_test, "lazy": lazy_test}.items():
        test(name = "{}_source_test".format(strategy), target_under_test = ":push_source")
    multi_deploy_test(name = "multi_deploy_source_test", target_under_test = ":deploy_source")
    specs_test(name = "specs_source_test", target_under_test = ":specs")

    native.test_suite(
        name = name,
        tests = [":{}_copy_test".format(subject) for subject in copies] + [
            ":{}_source_test".format(subject)
            for subject in ["bes", "cas_registry", "eager", "lazy", "multi_deploy", "specs"]
        ],
    )
