"""Analysis tests of `multi_deploy`."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//img:image.bzl", "image_manifest")
load("//img:layer.bzl", "image_layer")
load("//img:load.bzl", "image_load")
load("//img:multi_deploy.bzl", "multi_deploy")
load("//img:push.bzl", "image_push", "image_push_spec")
load("//tests/fixtures:actions.bzl", "action_with", "assert_hermetic", "flag_value", "flag_values")
load("//tests/fixtures:failure.bzl", "failure_test")

_FIXTURES = "//tests/fixtures:"
_ON_AMD64 = {"//command_line_option:platforms": str(Label(_FIXTURES + "linux_amd64"))}

def _names(paths):
    return [path.rpartition("/")[2] for path in paths]

def _layers(action):
    lines = [argument.split("\0") for argument in action.argv if "\0" in argument]
    return {line[3]: line[2].rpartition("/")[2] for line in lines if line[0] == "layer"}

def _shipped(target):
    return sorted([entry.target_file.basename for entry in target[DefaultInfo].default_runfiles.root_symlinks.to_list()])

def _eager_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    action = action_with(env, "MultiDeployMerge")
    assert_hermetic(env, action)
    asserts.equals(env, ["plan", "merge"], action.argv[1:3])
    asserts.equals(env, ["one_push.json", "lazy_push.json", "image_with_specs.deploy_merged.json"], _names(flag_values(action, "--plan")))
    asserts.equals(env, ["push", "load"], flag_values(action, "--operation"))
    asserts.equals(env, "eager", flag_value(action, "--load-strategy"))
    asserts.equals(env, "eager", flag_value(action, "--push-strategy"), "also for a push that is lazy by itself")
    asserts.equals(env, "//tests/push:all", flag_value(action, "--label"))
    asserts.equals(env, {
        "//tests/push:one_layer": "one_layer.tgz",
        "//tests/push:shared_layer": "shared_layer.tgz",
    }, _layers(action))
    asserts.equals(env, [
        "image_with_specs_config.json",
        "image_with_specs_manifest.json",
        "one_image_config.json",
        "one_image_manifest.json",
        "one_layer.tgz",
        "shared_layer.tgz",
    ], _shipped(target))
    asserts.equals(env, ["all.json"], [file.basename for file in target[OutputGroupInfo].deploy_manifest.to_list()])
    asserts.true(env, target[DefaultInfo].files_to_run.executable.basename in ["all", "all.exe"])
    asserts.true(env, RunEnvironmentInfo in target)
    return analysistest.end(env)

eager_test = analysistest.make(_eager_test_impl, config_settings = _ON_AMD64)

def _all_lazy_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    action = action_with(env, "MultiDeployMerge")
    asserts.equals(env, "lazy", flag_value(action, "--push-strategy"))
    asserts.equals(env, {"//tests/push:one_layer": "", "//tests/push:shared_layer": ""}, _layers(action))
    asserts.false(env, "one_layer.tgz" in _shipped(target))
    asserts.equals(env, ["push"], flag_values(action, "--operation"))
    return analysistest.end(env)

all_lazy_test = analysistest.make(_all_lazy_test_impl, config_settings = _ON_AMD64)

def _mixed_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    action = action_with(env, "MultiDeployMerge")
    asserts.equals(env, ["one_push.json", "one_load.load.json", "other_load.load.json"], _names(flag_values(action, "--plan")))
    asserts.equals(env, ("lazy", "eager"), (flag_value(action, "--push-strategy"), flag_value(action, "--load-strategy")))
    asserts.equals(
        env,
        {"//tests/push:one_layer": "", "//tests/push:shared_layer": "shared_layer.tgz"},
        _layers(action),
        "what only a lazy push needs is not shipped",
    )
    asserts.true(env, "shared_layer.tgz" in _shipped(target))
    asserts.false(env, "one_layer.tgz" in _shipped(target))
    return analysistest.end(env)

mixed_test = analysistest.make(_mixed_test_impl, config_settings = _ON_AMD64)

def multi_deploy_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    for layer in ["one_layer", "shared_layer"]:
        image_layer(name = layer, srcs = {"/{}/".format(layer): _FIXTURES + "file.txt"}, tags = ["manual"])
    for spec in ["first_spec", "second_spec"]:
        image_push_spec(name = spec, registry = "push.example.com", repository = spec, tags = ["manual"])
    image_manifest(name = "one_image", layers = [":one_layer", ":shared_layer"], tags = ["manual"])
    image_manifest(name = "image_with_specs", layers = [":shared_layer"], push_specs = [":first_spec", ":second_spec"], tags = ["manual"])
    image_push(name = "one_push", image = ":one_image", registry = "push.example.com", repository = "one", tags = ["manual"])
    image_push(name = "lazy_push", image = ":one_image", registry = "push.example.com", repository = "lazy", strategy = "lazy", tags = ["manual"])
    operations = [":one_push", ":lazy_push", ":image_with_specs"]
    multi_deploy(name = "all", operations = operations, tags = ["manual"])
    multi_deploy(name = "all_lazy", deploy_operations = ["push"], operations = operations, push_strategy = "lazy", tags = ["manual"])
    image_manifest(name = "shared_image", layers = [":shared_layer"], tags = ["manual"])
    image_load(name = "one_load", image = ":shared_image", tag = "one", tags = ["manual"])
    image_load(name = "other_load", image = ":shared_image", tag = "other", tags = ["manual"])
    multi_deploy(
        name = "mixed",
        load_strategy = "eager",
        operations = [":one_push", ":one_load", ":other_load"],
        push_strategy = "lazy",
        tags = ["manual"],
    )
    mixed_test(name = "mixed_test", target_under_test = ":mixed")
    eager_test(name = "eager_test", target_under_test = ":all")
    all_lazy_test(name = "all_lazy_test", target_under_test = ":all_lazy")
    failures = {
        "multi_deploy_image": (
            {"operations": [":one_push", ":one_image"]},
            [
                "//tests/push:multi_deploy_image_test_subject: attribute `operations`: ",
                "//tests/push:one_image is an image that does not say where it goes; give it `push_specs` or `load_specs`, or wrap it into an " +
                "`image_push` or `image_load` and name that",
            ],
        ),
        "multi_deploy_kinds": (
            {"deploy_operations": ["push", "pull"], "operations": [":one_push"]},
            ["attribute `deploy_operations`: [\"push\", \"pull\"]: write \"push\", \"load\" or both"],
        ),
        "multi_deploy_layer": (
            {"operations": [":one_layer"]},
            ["'//tests/push:one_layer' does not have mandatory providers"],
        ),
        "multi_deploy_no_kinds": (
            {"deploy_operations": [], "operations": [":one_push"]},
            ["attribute `deploy_operations`: []: write \"push\", \"load\" or both"],
        ),
    }
    for failure, (attributes, messages) in failures.items():
        failure_test(name = failure + "_test", messages = messages, rule = multi_deploy, **attributes)
    native.test_suite(
        name = name,
        tests = [":all_lazy_test", ":eager_test", ":mixed_test"] + [":{}_test".format(failure) for failure in failures],
    )
