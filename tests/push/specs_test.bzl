"""Analysis tests of `image_push_spec` and `image_load_spec`, and of the images that name them."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//img:image.bzl", "image_from_binary", "image_index", "image_manifest")
load("//img:load.bzl", "image_load_spec")
load("//img:providers.bzl", "DeployInfo", "ImageIndexInfo", "ImageManifestInfo", "LoadConfigInfo", "PullInfo", "PushConfigInfo")
load("//img:push.bzl", "image_push_spec")
load("//tests/fixtures:actions.bzl", "action_with", "actions_with", "assert_hermetic", "flag_value", "flag_values", "input_names", "values_of")
load("//tests/fixtures:failure.bzl", "failure_test")

_FIXTURES = "//tests/fixtures:"
_ON_AMD64 = {"//command_line_option:platforms": str(Label(_FIXTURES + "linux_amd64"))}

def _setting(name):
    return str(Label("//img/settings:" + name))

_SETTINGS = _ON_AMD64 | {
    _setting("cross_mount"): "disabled",
    _setting("deduplicated_push"): "best_effort",
    _setting("deduplicated_push_blob_repository"): "team/layers",
    _setting("deduplicated_push_content"): "blobs_and_artificial_manifests",
    _setting("forbid_layer_push"): "enabled",
    _setting("push_at_build_time_blob_repository"): "never/used",
    _setting("push_at_build_time_manifest_repository"): "never/used",
    _setting("destination_registry"): "settings.example.com",
    _setting("load_daemon"): "podman",
    _setting("load_strategy"): "lazy",
    _setting("stamp"): "disabled",
}

def _fields(info):
    return {name: getattr(info, name) for name in dir(info) if name not in ["to_json", "to_proto"]}

def _push_config_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.equals(env, {
        "blob_repository": "",
        "build_settings": {"VERSION": "1.2"},
        "cross_mount_from": None,
        "cross_mount_strategy": "disabled",
        "deduplicated_push": "best_effort",
        "deduplicated_push_blob_repository": "team/layers",
        "deduplicated_push_content": "blobs_and_artificial_manifests",
        "destination_file": None,
        "docker_config_path": "",
        "forbid_layer_push": True,
        "gateways": {},
        "insecure": False,
        "manifest_tags": [],
        "push_at_build_time_content": "blobs_and_manifests",
        "push_at_build_time_exec_properties": {"requires-network": "1"},
        "push_at_build_time_manifest_repository": "",
        "push_at_build_time_mode": "disabled",
        "referrers": [],
        "registry": "settings.example.com",
        "repository": "team/{{.image_target_name}}",
        "stamp": "force",
        "stamp_settings": struct(bazel_setting = False, user_preference = "disabled"),
        "strategy": "eager",
        "tag_file": None,
        "tags": ["{{.VERSION}}", "latest"],
        "tracks_content": True,
    }, _fields(analysistest.target_under_test(env)[PushConfigInfo]))
    asserts.equals(env, [], analysistest.target_actions(env), "an image expands the templates")
    return analysistest.end(env)

push_config_test = analysistest.make(_push_config_test_impl, config_settings = _SETTINGS)

def _load_config_test_impl(ctx):
    env = analysistest.begin(ctx)
    config = analysistest.target_under_test(env)[LoadConfigInfo]
    asserts.equals(env, {
        "build_settings": {},
        "daemon": "podman",
        "registry": "settings.example.com",
        "repository": "team/app",
        "stamp": "auto",
        "stamp_settings": struct(bazel_setting = False, user_preference = "disabled"),
        "strategy": "lazy",
        "tag_file": config.tag_file,
        "tags": ["latest"],
        "tracks_content": False,
    }, _fields(config))
    asserts.equals(env, "file.txt", config.tag_file.basename)
    return analysistest.end(env)

load_config_test = analysistest.make(_load_config_test_impl, config_settings = _SETTINGS)

def _load_defaults_test_impl(ctx):
    env = analysistest.begin(ctx)
    config = analysistest.target_under_test(env)[LoadConfigInfo]
    asserts.equals(env, ("docker", "eager", "", "", ["app:latest"]), (config.daemon, config.strategy, config.registry, config.repository, config.tags))
    return analysistest.end(env)

load_defaults_test = analysistest.make(_load_defaults_test_impl, config_settings = _ON_AMD64)

def _one_spec_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    action = action_with(env, "PushMetadata")
    assert_hermetic(env, action)
    values = values_of(action)
    asserts.equals(env, "//tests/push:with_spec", values["label"])
    asserts.equals(env, "//tests/push:spec", values["spec"])
    asserts.equals(env, ("with_spec", "tests/push"), (values["image_target_name"], values["image_target_package"]))
    asserts.equals(env, ("push.example.com", "team/{{.image_target_name}}", ["latest"]), (values["registry"], values["repository"], values["tags"]))
    asserts.equals(env, "library/base", values["original"]["repository"])
    asserts.equals(env, [], flag_values(action, "--stamp"))
    deploy = target[DeployInfo]
    asserts.equals(env, "with_spec.deploy_merged.json", deploy.deploy_manifest.basename)
    asserts.equals(env, [deploy.deploy_manifest], target[OutputGroupInfo].deploy_manifest.to_list())
    asserts.equals(env, target[ImageManifestInfo].manifest, deploy.image.manifest)
    asserts.true(env, deploy.include_layers)
    asserts.true(env, PullInfo in target)
    asserts.false(env, deploy.deploy_manifest in target[DefaultInfo].files.to_list(), "nothing is planned unless it is asked for")
    return analysistest.end(env)

one_spec_test = analysistest.make(_one_spec_test_impl, config_settings = _ON_AMD64)

def _platform_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.equals(env, ["arm64"], values_of(action_with(env, "PushMetadata"))["tags"], "a spec is read for the platform of the image")
    return analysistest.end(env)

platform_test = analysistest.make(_platform_test_impl, config_settings = _ON_AMD64)

def _two_specs_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    plans = actions_with(env, "PushMetadata")
    names = ["index_with_specs.push_deploy.0.json", "index_with_specs.push_deploy.1.json"]
    all_names = names + ["index_with_specs.load_deploy.0.load.json"]
    asserts.equals(env, names, sorted(plans.keys()))
    asserts.equals(env, [all_names[2]], actions_with(env, "LoadMetadata").keys())
    asserts.equals(env, 2, len(flag_values(plans[names[1]], "--stamp")), "a spec says for itself whether it is stamped")
    asserts.equals(env, {"VERSION": "1.2"}, values_of(plans[names[1]])["build_settings"])
    merge = action_with(env, "DeployMerge")
    assert_hermetic(env, merge)
    asserts.equals(env, ["plan", "merge"], merge.argv[1:3])
    asserts.equals(env, all_names, [path.rpartition("/")[2] for path in flag_values(merge, "--plan")])
    asserts.equals(env, sorted(all_names), sorted(input_names(merge)))
    asserts.equals(env, ["push", "load"], target[DeployInfo].kinds)
    asserts.equals(env, target[DeployInfo].deploy_manifest.basename, flag_value(merge, "--output").rpartition("/")[2])
    asserts.equals(env, "index_with_specs.deploy_merged.json", target[DeployInfo].deploy_manifest.basename)
    asserts.equals(env, target[ImageIndexInfo].index, target[DeployInfo].image.index)
    return analysistest.end(env)

two_specs_test = analysistest.make(_two_specs_test_impl, config_settings = _ON_AMD64)

def _load_only_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    action = action_with(env, "LoadMetadata")
    values = values_of(action)
    asserts.equals(env, ("//tests/push:with_load_spec", "//tests/push:load_spec"), (values["label"], values["spec"]))
    asserts.equals(env, ("docker", ["app:latest"], "with_load_spec"), (values["daemon"], values["tags"], values["image_target_name"]))
    deploy = target[DeployInfo]
    asserts.equals(env, "with_load_spec.deploy_merged.json", deploy.deploy_manifest.basename)
    asserts.equals(env, ["load"], deploy.kinds)
    asserts.true(env, deploy.include_layers)
    return analysistest.end(env)

load_only_test = analysistest.make(_load_only_test_impl, config_settings = _ON_AMD64)

def _no_specs_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.false(env, DeployInfo in target)
    asserts.false(env, hasattr(target[OutputGroupInfo], "deploy_manifest"))
    return analysistest.end(env)

no_specs_test = analysistest.make(_no_specs_test_impl, config_settings = _ON_AMD64)

def _outermost_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, target[ImageIndexInfo].index, target[DeployInfo].image.index)
    asserts.equals(env, 1, len(actions_with(env, "PushMetadata")))
    return analysistest.end(env)

outermost_test = analysistest.make(_outermost_test_impl, config_settings = _ON_AMD64)

def _declare_images():
    image_push_spec(name = "spec", registry = "push.example.com", repository = "team/{{.image_target_name}}", tag = "latest", tags = ["manual"])
    image_push_spec(
        name = "stamped_spec",
        build_settings = {"VERSION": _FIXTURES + "version"},
        registry = "push.example.com",
        repository = "team/{{.image_target_name}}",
        stamp = "force",
        tag_list = ["{{.VERSION}}"],
        tags = ["manual"],
    )
    image_push_spec(
        name = "spec_of_platform",
        registry = "push.example.com",
        repository = "team/app",
        tag = select({
            "@platforms//cpu:arm64": "arm64",
            "@platforms//cpu:x86_64": "amd64",
        }),
        tags = ["manual"],
    )
    image_load_spec(name = "load_spec", tag = "app:latest", tags = ["manual"])
    image_manifest(name = "with_spec", base = _FIXTURES + "base", push_specs = [":spec"], tags = ["manual"])
    image_manifest(
        name = "for_arm64_with_spec",
        base = _FIXTURES + "base",
        platform = _FIXTURES + "linux_arm64",
        push_specs = [":spec_of_platform"],
        tags = ["manual"],
    )
    image_manifest(name = "without_specs", base = _FIXTURES + "base", tags = ["manual"])
    image_manifest(name = "with_load_spec", base = _FIXTURES + "base", load_specs = [":load_spec"], tags = ["manual"])
    platforms = [_FIXTURES + "linux_amd64", _FIXTURES + "linux_arm64"]
    image_index(
        name = "index_with_specs",
        load_specs = [":load_spec"],
        manifests = [":with_load_spec"],
        platforms = platforms,
        push_specs = [":spec", ":stamped_spec"],
        tags = ["manual"],
    )
    image_from_binary(
        name = "from_binary_with_specs",
        binary = _FIXTURES + "server",
        load_specs = [":load_spec"],
        platforms = platforms,
        push_specs = [":spec"],
        tags = ["manual"],
    )

_LOAD_FAILURES = {
    "load_both_tags": (
        {"tag": "1", "tag_list": ["2"]},
        ["attributes `tag` and `tag_list`: write all tags into `tag_list`"],
    ),
    "load_no_registry": (
        {"repository": "team/app"},
        ["attribute `registry`: is empty, but `repository` is \"team/app\"; name a registry here or with --"],
    ),
    "load_no_repository": (
        {"registry": "ghcr.io"},
        ["attribute `repository`: is empty, but `registry` is \"ghcr.io\"; name a repository, or write the whole name into `tag`"],
    ),
}

_PUSH_FAILURES = {
    "spec_no_repository": (
        {"registry": "push.example.com"},
        ["attribute `repository`: is empty; name a repository, or write `destination_file`"],
    ),
}

def specs_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    _declare_images()
    image_push_spec(
        name = "spec_by_settings",
        build_settings = {"VERSION": _FIXTURES + "version"},
        repository = "team/{{.image_target_name}}",
        stamp = "force",
        tag_list = ["{{.VERSION}}", "latest"],
        tags = ["manual"],
        tracks_content = True,
    )
    image_load_spec(name = "load_spec_by_settings", repository = "team/app", tag = "latest", tag_file = _FIXTURES + "file.txt", tags = ["manual"])
    push_config_test(name = "push_config_test", target_under_test = ":spec_by_settings")
    load_config_test(name = "load_config_test", target_under_test = ":load_spec_by_settings")
    load_defaults_test(name = "load_defaults_test", target_under_test = ":load_spec")
    one_spec_test(name = "one_spec_test", target_under_test = ":with_spec")
    platform_test(name = "platform_test", target_under_test = ":for_arm64_with_spec")
    two_specs_test(name = "two_specs_test", target_under_test = ":index_with_specs")
    load_only_test(name = "load_only_test", target_under_test = ":with_load_spec")
    no_specs_test(name = "no_specs_test", target_under_test = ":without_specs")
    outermost_test(name = "outermost_test", target_under_test = ":from_binary_with_specs")
    for rule, failures in [(image_load_spec, _LOAD_FAILURES), (image_push_spec, _PUSH_FAILURES)]:
        for failure, (attributes, messages) in failures.items():
            failure_test(name = failure + "_test", messages = messages, rule = rule, **attributes)
    native.test_suite(
        name = name,
        tests = [
            ":load_config_test",
            ":load_defaults_test",
            ":load_only_test",
            ":no_specs_test",
            ":one_spec_test",
            ":outermost_test",
            ":platform_test",
            ":push_config_test",
            ":two_specs_test",
        ] + [":{}_test".format(failure) for failure in (_LOAD_FAILURES | _PUSH_FAILURES)],
    )
