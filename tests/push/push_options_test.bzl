"""Analysis tests of what a push can say beside where it goes: tags of manifests, referrers, mounts, uploads that are sent once, programs."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//img:deploy_tool.bzl", "img_deploy_tool")
load("//img:image.bzl", "image_index", "image_manifest")
load("//img:layer.bzl", "image_layer")
load("//img:providers.bzl", "DeployInfo")
load("//img:push.bzl", "image_push", "image_push_spec")
load("//tests/fixtures:actions.bzl", "action_with", "assert_hermetic", "flag_value", "input_names", "values_of")
load("//tests/fixtures:failure.bzl", "failure_test")

_FIXTURES = "//tests/fixtures:"
_ON_AMD64 = {"//command_line_option:platforms": str(Label(_FIXTURES + "linux_amd64"))}

def _setting(name):
    return str(Label("//img/settings:" + name))

def _values_test_impl(ctx):
    env = analysistest.begin(ctx)
    values = values_of(action_with(env, "PushMetadata"))
    asserts.equals(env, ["v1-{{.os}}-{{.arch}}"], values["manifest_tags"])
    asserts.true(env, values["forbid_layer_push"])
    asserts.equals(env, {
        "content": "blobs_and_artificial_manifests",
        "mode": "enabled",
        "repository": "team/layers",
    }, values["deduplicate"])
    asserts.equals(env, "", values["staging_repository"], "nothing is pushed at build time, so nothing is staged")
    return analysistest.end(env)

values_test = analysistest.make(_values_test_impl, config_settings = _ON_AMD64 | {
    _setting("deduplicated_push_blob_repository"): "team/layers",
    _setting("forbid_layer_push"): "enabled",
    _setting("push_at_build_time_blob_repository"): "staging",
})

def _no_pin_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.equals(env, {
        "content": "blobs_and_artificial_manifests",
        "mode": "enabled",
    }, values_of(action_with(env, "PushMetadata"))["deduplicate"], "an empty attribute is no repository, whatever the setting says")
    return analysistest.end(env)

no_pin_test = analysistest.make(_no_pin_test_impl, config_settings = _ON_AMD64 | {
    _setting("deduplicated_push_blob_repository"): "team/layers",
})

def _referrers_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    action = action_with(env, "PushMetadata")
    assert_hermetic(env, action)
    lines = [argument.split("\0") for argument in action.argv if "\0" in argument]
    referrers = [line for line in lines if line[0] == "referrer"]
    asserts.equals(env, ["//tests/push:about"], [line[2] for line in referrers])
    asserts.true(env, referrers[0][1].endswith("/about_descriptor.json"), referrers[0][1])
    asserts.equals(env, 2, len([line for line in lines if line[0] == "manifest"]), "both are pushed")
    asserts.equals(env, ["about"], [referrer.label.name for referrer in target[DeployInfo].referrers])
    names = [entry.target_file.basename for entry in target[DefaultInfo].default_runfiles.root_symlinks.to_list()]
    asserts.equals(env, [
        "about_config.json",
        "about_layer.tgz",
        "about_manifest.json",
        "options_image_config.json",
        "options_image_manifest.json",
        "options_layer.tgz",
    ], sorted(names))
    return analysistest.end(env)

referrers_test = analysistest.make(_referrers_test_impl, config_settings = _ON_AMD64)

def _cross_mount_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "PushMetadata")
    assert_hermetic(env, action)
    asserts.true(env, flag_value(action, "--cross-mount-from").endswith("/with_referrers.json"))
    asserts.true(env, "with_referrers.json" in input_names(action))
    return analysistest.end(env)

cross_mount_test = analysistest.make(_cross_mount_test_impl, config_settings = _ON_AMD64)

def _program_of(env):
    """The file that the executable is a symlink to."""
    symlinks = [action for action in analysistest.target_actions(env) if action.mnemonic == "ExecutableSymlink"]
    return [file for action in symlinks for file in action.inputs.to_list()]

def _own_program_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.equals(env, ["file.txt"], [file.basename for file in _program_of(env)])
    asserts.equals(env, "with_own_program.txt", analysistest.target_under_test(env)[DefaultInfo].files_to_run.executable.basename)
    return analysistest.end(env)

own_program_test = analysistest.make(_own_program_test_impl, config_settings = _ON_AMD64)

def _target_program_test_impl(ctx):
    env = analysistest.begin(ctx)
    programs = _program_of(env)
    asserts.equals(env, 1, len(programs))
    asserts.true(env, "linux_amd64" in programs[0].path, programs[0].path)
    return analysistest.end(env)

target_program_test = analysistest.make(_target_program_test_impl, config_settings = _ON_AMD64)

_DESTINATION = {"registry": "push.example.com", "repository": "team/app", "tags": ["manual"]}

def _declare_subjects():
    image_layer(name = "options_layer", srcs = {"/etc/": _FIXTURES + "file.txt"}, tags = ["manual"])
    image_layer(name = "about_layer", srcs = {"/about/": _FIXTURES + "file.txt"}, tags = ["manual"])
    image_manifest(name = "options_image", layers = [":options_layer"], tags = ["manual"])
    image_manifest(name = "about", layers = [":about_layer"], subject = ":options_image", tags = ["manual"])
    image_index(
        name = "options_index",
        manifests = [":options_image"],
        platforms = [_FIXTURES + "linux_amd64", _FIXTURES + "linux_arm64"],
        tags = ["manual"],
    )
    image_push_spec(name = "spec_with_manifest_tags", manifest_tags = ["{{.os}}"], **_DESTINATION)
    img_deploy_tool(name = "own_program", img_deploy_exe = _FIXTURES + "file.txt", tags = ["manual"])
    image_push(
        name = "with_options",
        deduplicated_push = "enabled",
        deduplicated_push_content = "blobs_and_artificial_manifests",
        image = ":options_index",
        manifest_tags = ["v1-{{.os}}-{{.arch}}"],
        **_DESTINATION
    )
    image_push(
        name = "without_pin",
        deduplicated_push = "enabled",
        deduplicated_push_blob_repository = "",
        deduplicated_push_content = "blobs_and_artificial_manifests",
        image = ":options_image",
        **_DESTINATION
    )
    image_push(name = "with_referrers", image = ":options_image", referrers = [":about"], **_DESTINATION)
    image_push(name = "mounting", cross_mount_from = ":with_referrers", image = ":options_image", **_DESTINATION)
    image_push(name = "with_own_program", deploy_tool = ":own_program", image = ":options_image", **_DESTINATION)
    image_push(name = "with_target_program", image = ":options_image", tool_cfg = "target", **_DESTINATION)

def push_options_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    _declare_subjects()
    tests = {
        "cross_mount_test": (cross_mount_test, ":mounting"),
        "no_pin_test": (no_pin_test, ":without_pin"),
        "own_program_test": (own_program_test, ":with_own_program"),
        "referrers_test": (referrers_test, ":with_referrers"),
        "target_program_test": (target_program_test, ":with_target_program"),
        "values_test": (values_test, ":with_options"),
    }
    for test, (rule, target) in tests.items():
        rule(name = test, target_under_test = target)

    destination = {key: value for key, value in _DESTINATION.items() if key != "tags"}
    failures = {
        "cross_mount_image": (
            {"cross_mount_from": ":options_image"},
            ["'//tests/push:options_image' does not have mandatory providers: 'DeployInfo'"],
        ),
        "deploy_tool_image": (
            {"deploy_tool": ":options_image"},
            ["does not have mandatory providers: 'DeployToolInfo'"],
        ),
        "manifest_tags_of_one": (
            {"manifest_tags": ["{{.os}}"]},
            ["attribute `manifest_tags`: [\"{{.os}}\"]: the image is for one platform; only an index has images to tag; use `tag` or `tag_list`"],
        ),
        "referrer_layer": (
            {"referrers": [":about_layer"]},
            ["'//tests/push:about_layer' does not have mandatory providers"],
        ),
    }
    for failure, (attributes, messages) in failures.items():
        failure_test(
            name = failure + "_test",
            image = ":options_image",
            messages = messages,
            rule = image_push,
            **(destination | attributes)
        )
    failure_test(
        name = "spec_manifest_tags_test",
        layers = [":options_layer"],
        messages = [
            "//tests/push:spec_manifest_tags_test_subject: ",
            "//tests/push:spec_with_manifest_tags: attribute `manifest_tags`: [\"{{.os}}\"]: the image is for one platform",
        ],
        push_specs = [":spec_with_manifest_tags"],
        rule = image_manifest,
    )
    native.test_suite(
        name = name,
        tests = [":" + test for test in tests] + [":{}_test".format(failure) for failure in failures] + [":spec_manifest_tags_test"],
    )
