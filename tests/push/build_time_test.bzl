"""Analysis tests of pushes by the build."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//img:image.bzl", "image_manifest")
load("//img:layer.bzl", "image_layer")
load("//img:push.bzl", "image_push", "image_push_spec")
load("//tests/fixtures:actions.bzl", "actions_with", "flag_value", "flag_values", "input_names", "values_of")

_FIXTURES = "//tests/fixtures:"
_ON_AMD64 = {"//command_line_option:platforms": str(Label(_FIXTURES + "linux_amd64"))}
_PREFIX = "built_push.push_at_build_time.0."

def _setting(name):
    return str(Label("//img/settings:" + name))

def _inputs(action):
    return [name for name in input_names(action) if not name.startswith("pusher")]

def _enabled_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    pushes = actions_with(env, "PushImage")
    asserts.equals(env, [_PREFIX + "blob.0.json", _PREFIX + "blob.1.json", _PREFIX + "pushed"], sorted(pushes.keys()))
    validated = [file.basename for file in target[OutputGroupInfo]._validation.to_list()]
    asserts.equals(env, sorted(pushes.keys()), sorted(validated))

    layer = pushes[_PREFIX + "blob.0.json"]
    asserts.equals(env, ["build-push", "layer"], layer.argv[1:3])
    asserts.equals(
        env,
        ["built_layer.tgz", "built_layer_metadata.json", _PREFIX + "destination.json"],
        _inputs(layer),
        "no plan: a layer is not pushed again for a new tag",
    )
    rest = pushes[_PREFIX + "pushed"]
    asserts.equals(env, ["build-push", "image"], rest.argv[1:3])
    asserts.equals(env, [
        "built_image_config.json",
        "built_image_manifest.json",
        _PREFIX + "blob.0.json",
        _PREFIX + "blob.1.json",
        _PREFIX + "destination.json",
        _PREFIX + "json",
    ], _inputs(rest), "no layer: they are in the registry")
    asserts.false(env, "--best-effort" in rest.argv)
    asserts.false(env, "--only-blobs" in rest.argv)
    asserts.equals(env, "/etc/docker.json", rest.env.get("REGISTRY_AUTH_FILE"))
    asserts.equals(env, "http://gateway", layer.env.get("IMG_REGISTRY_GATEWAY"))
    asserts.equals(env, "unix:/run/gateway", rest.env.get("IMG_REGISTRY_PUSH_GATEWAY"))
    asserts.false(env, "IMG_REGISTRY_PULL_GATEWAY" in rest.env)
    asserts.false(env, "IMG_CREDENTIAL_HELPER" in rest.env, "a path of the machine that runs Bazel")

    plans = actions_with(env, "PushMetadata")
    ours = values_of(plans[_PREFIX + "json"])
    asserts.equals(env, ("staging", "manifests", "eager"), (ours["staging_repository"], ours["manifest_repository"], ours["strategy"]))
    asserts.false(env, "forbid_layer_push" in ours)
    run = values_of(plans["built_push.json"])
    asserts.equals(env, ("staging", True), (run["staging_repository"], run["forbid_layer_push"]))
    return analysistest.end(env)

_STAGING = _ON_AMD64 | {
    _setting("credential_helper"): "/usr/bin/helper",
    _setting("docker_config_path"): "/etc/docker.json",
    _setting("forbid_layer_push"): "enabled",
    _setting("push_at_build_time_blob_repository"): "staging",
    _setting("registry_gateway"): "http://gateway",
    _setting("registry_push_gateway"): "unix:/run/gateway",
    _setting("push_at_build_time_manifest_repository"): "manifests",
}

enabled_test = analysistest.make(_enabled_test_impl, config_settings = _STAGING | {_setting("push_at_build_time"): "enabled"})

def _best_effort_test_impl(ctx):
    env = analysistest.begin(ctx)
    pushes = actions_with(env, "PushImage")
    for action in pushes.values():
        asserts.true(env, "--best-effort" in action.argv)
    asserts.true(env, "--only-blobs" in pushes[_PREFIX + "pushed"].argv)
    asserts.equals(env, None, flag_value(pushes[_PREFIX + "pushed"], "--manifest"))
    return analysistest.end(env)

best_effort_test = analysistest.make(_best_effort_test_impl, config_settings = _ON_AMD64 | {
    _setting("push_at_build_time"): "best_effort",
    _setting("push_at_build_time_content"): "blobs",
})

def _disabled_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.equals(env, {}, actions_with(env, "PushImage"))
    asserts.equals(env, [], analysistest.target_under_test(env)[OutputGroupInfo]._validation.to_list())
    return analysistest.end(env)

disabled_test = analysistest.make(_disabled_test_impl, config_settings = _STAGING)

def _specs_pushed_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    names = ["built_specs_image.push_at_build_time.{}.pushed".format(position) for position in range(2)]
    validated = [file.basename for file in target[OutputGroupInfo]._validation.to_list()]
    for name in names:
        asserts.true(env, name in validated, name)
        asserts.equals(env, 2, len(flag_values(actions_with(env, "PushImage")[name], "--layer")))
    return analysistest.end(env)

specs_pushed_test = analysistest.make(_specs_pushed_test_impl, config_settings = _ON_AMD64)

def build_time_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    for layer in ["built_layer", "other_built_layer"]:
        image_layer(name = layer, srcs = {"/{}/".format(layer): _FIXTURES + "file.txt"}, tags = ["manual"])
    layers = [":built_layer", ":other_built_layer"]
    image_manifest(name = "built_image", layers = layers, tags = ["manual"])
    image_push(name = "built_push", image = ":built_image", registry = "push.example.com", repository = "app", tags = ["manual"])
    specs = ["built_spec", "other_built_spec"]
    for spec in specs:
        image_push_spec(
            name = spec,
            push_at_build_time = "enabled",
            registry = "push.example.com",
            repository = spec,
            tags = ["manual"],
        )
    image_manifest(name = "built_specs_image", layers = layers, push_specs = [":" + spec for spec in specs], tags = ["manual"])
    tests = {
        "best_effort_test": (best_effort_test, ":built_push"),
        "disabled_test": (disabled_test, ":built_push"),
        "enabled_test": (enabled_test, ":built_push"),
        "specs_pushed_test": (specs_pushed_test, ":built_specs_image"),
    }
    for test, (rule, target) in tests.items():
        rule(name = test, target_under_test = target)
    native.test_suite(name = name, tests = [":" + test for test in tests])
