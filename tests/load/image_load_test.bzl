"""Analysis tests of `image_load`."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//img:image.bzl", "image_index", "image_manifest")
load("//img:layer.bzl", "image_layer")
load("//img:load.bzl", "image_load")
load("//img/private/providers:deploy.bzl", "DeployInfo")
load("//tests/fixtures:actions.bzl", "action_with", "assert_hermetic", "flag_value", "flag_values", "input_names", "values_of")
load("//tests/fixtures:failure.bzl", "failure_test")

_FIXTURES = "//tests/fixtures:"
_ON_AMD64 = {"//command_line_option:platforms": str(Label(_FIXTURES + "linux_amd64"))}
_LAZY_IN_CONTAINERD = _ON_AMD64 | {
    str(Label("//img/settings:load_daemon")): "containerd",
    str(Label("//img/settings:load_strategy")): "lazy",
}

def _shipped(target):
    return sorted([entry.target_file.basename for entry in target[DefaultInfo].default_runfiles.root_symlinks.to_list()])

def _load_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    action = action_with(env, "LoadMetadata")
    asserts.equals(env, ["plan", "load"], action.argv[1:3])
    values = values_of(action)
    asserts.equals(env, ("//tests/load:load", ""), (values["label"], values["spec"]))
    asserts.equals(env, ("docker", "eager"), (values["daemon"], values["strategy"]))
    asserts.equals(env, ("", "", ["my-project/{{.VERSION}}"]), (values["registry"], values["repository"], values["tags"]))
    asserts.equals(env, {"VERSION": "1.2"}, values["build_settings"])
    asserts.equals(env, ("image", "tests/load"), (values["image_target_name"], values["image_target_package"]))
    asserts.equals(env, "library/base", values["original"]["repository"])
    asserts.equals(env, "load.load.json", flag_value(action, "--output").rpartition("/")[2])
    assert_hermetic(env, action)
    asserts.true(env, "layer.tgz" in _shipped(target))
    deploy = target[DeployInfo]
    asserts.equals(env, ["load"], deploy.kinds)
    asserts.equals(env, "load.load.json", deploy.deploy_manifest.basename)
    asserts.true(env, target[DefaultInfo].files_to_run.executable.basename in ["load", "load.exe"])
    asserts.true(env, RunEnvironmentInfo in target)
    return analysistest.end(env)

load_test = analysistest.make(_load_test_impl, config_settings = _ON_AMD64)

def _archive_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    archive = target[OutputGroupInfo].tarball.to_list()
    asserts.equals(env, ["load_docker.tar"], [file.basename for file in archive])
    asserts.false(env, archive[0] in target[DefaultInfo].files.to_list(), "made only where it is asked for")
    action = action_with(env, "DockerSave")
    assert_hermetic(env, action)
    asserts.equals(env, "load.names.txt", flag_value(action, "--names").rpartition("/")[2])
    asserts.true(env, "load.names.txt" in input_names(action))
    asserts.equals(env, "linux/amd64", values_of(action)["platform"])
    return analysistest.end(env)

archive_test = analysistest.make(_archive_test_impl, config_settings = _ON_AMD64)

def _lazy_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    action = action_with(env, "LoadMetadata")
    asserts.equals(env, 2, len(flag_values(action, "--stamp")))
    values = values_of(action)
    asserts.equals(env, ("containerd", "lazy"), (values["daemon"], values["strategy"]))
    asserts.equals(env, ("ghcr.io", "my-project/app", ["{{.USER}}"]), (values["registry"], values["repository"], values["tags"]))
    asserts.false(env, "layer.tgz" in _shipped(target))
    asserts.false(env, target[DeployInfo].include_layers)
    asserts.true(env, "layer.tgz" in [file.basename for file in target[OutputGroupInfo].layers.to_list()])
    return analysistest.end(env)

lazy_test = analysistest.make(_lazy_test_impl, config_settings = _LAZY_IN_CONTAINERD)

_FAILURES = {
    "no_image": (
        {"image": ":layer", "tag": "app"},
        ["'//tests/load:layer' does not have mandatory providers"],
    ),
    "two_kinds_of_tags": (
        {"image": ":image", "tag": "a", "tag_list": ["b"]},
        ["attributes `tag` and `tag_list`: write all tags into `tag_list`"],
    ),
}

def image_load_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    image_layer(name = "layer", srcs = {"/file": _FIXTURES + "file.txt"}, tags = ["manual"])
    image_manifest(name = "image", base = _FIXTURES + "base", layers = [":layer"], tags = ["manual"])
    image_index(name = "index", manifests = [":image"], platforms = [_FIXTURES + "linux_amd64", _FIXTURES + "linux_arm64"], tags = ["manual"])
    image_load(
        name = "load",
        build_settings = {"VERSION": _FIXTURES + "version"},
        image = ":image",
        tag = "my-project/{{.VERSION}}",
        tags = ["manual"],
    )
    image_load(
        name = "load_index",
        image = ":index",
        registry = "ghcr.io",
        repository = "my-project/app",
        stamp = "force",
        tag = "{{.USER}}",
        tags = ["manual"],
    )
    load_test(name = "load_test", target_under_test = ":load")
    archive_test(name = "archive_test", target_under_test = ":load")
    lazy_test(name = "lazy_test", target_under_test = ":load_index")
    for failure, (attributes, messages) in _FAILURES.items():
        failure_test(name = failure + "_test", messages = messages, rule = image_load, **attributes)
    native.test_suite(
        name = name,
        tests = [":archive_test", ":lazy_test", ":load_test"] + [":{}_test".format(failure) for failure in _FAILURES],
    )
