"""Analysis tests of `image_push`: the plan, the executable, its runfiles and environment, and what it refuses."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//img:image.bzl", "image_index", "image_manifest")
load("//img:layer.bzl", "image_layer")
load("//img:providers.bzl", "DeployInfo")
load("//img:push.bzl", "image_push")
load("//tests/fixtures:actions.bzl", "action_with", "assert_hermetic", "flag_value", "flag_values", "values_of")
load("//tests/fixtures:failure.bzl", "failure_test")

_FIXTURES = "//tests/fixtures:"
_ON_AMD64 = {"//command_line_option:platforms": str(Label(_FIXTURES + "linux_amd64"))}
_DESTINATION_REGISTRY = str(Label("//img/settings:destination_registry"))
_INSECURE = str(Label("//img/settings:insecure"))

def _entries(action):
    return [argument.split("\0") for argument in action.argv if "\0" in argument]

def _count(kinds, kind):
    return len([other for other in kinds if other == kind])

def _plan_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "PushMetadata")
    assert_hermetic(env, action)
    asserts.equals(env, ["plan", "push"], action.argv[1:3])
    asserts.true(env, flag_value(action, "--root-descriptor").endswith("/image_descriptor.json"))
    asserts.equals(env, {
        "build_settings": {},
        "cross_mount": "same_registry",
        "deduplicate": None,
        "forbid_layer_push": False,
        "image_target_name": "image",
        "image_target_package": "tests/push",
        "label": "//tests/push:push",
        "manifest_tags": [],
        "original": {
            "digest": "sha256:" + 64 * "0",
            "registries": ["registry.example.com", "mirror.example.com"],
            "repository": "library/base",
            "tag": "24.04",
        },
        "registry": "push.example.com",
        "repository": "team/app",
        "spec": "",
        "staging_repository": "",
        "strategy": "eager",
        "tags": ["latest"],
        "tracks_content": False,
    }, values_of(action))
    asserts.equals(env, None, flag_value(action, "--stamp"))

    entries = _entries(action)
    asserts.equals(env, ["manifest", "config", "layer", "base-layers"], [entry[0] for entry in entries])
    layer = entries[2]
    asserts.true(env, layer[1].endswith("/push_layer_metadata.json"), layer[1])
    asserts.equals(env, [
        {"registry": "registry.example.com", "repository": "library/base"},
        {"registry": "mirror.example.com", "repository": "library/base"},
    ], json.decode(entries[3][2]))

    target = analysistest.target_under_test(env)
    runfiles = {entry.path: entry.target_file for entry in target[DefaultInfo].default_runfiles.root_symlinks.to_list()}
    asserts.equals(env, sorted([entry[2] for entry in entries[:3]]), sorted(runfiles.keys()))
    asserts.equals(env, "push_layer.tgz", runfiles[layer[2]].basename)
    asserts.true(env, target[DeployInfo].deploy_manifest in target[DefaultInfo].default_runfiles.files.to_list())
    asserts.equals(env, "push.json", target[DeployInfo].deploy_manifest.basename)
    asserts.equals(env, [target[DeployInfo].deploy_manifest], target[OutputGroupInfo].deploy_manifest.to_list())
    asserts.true(env, target[DeployInfo].include_layers)

    executable = target[DefaultInfo].files_to_run.executable
    asserts.true(env, executable.basename in ["push", "push.exe"], executable.basename)
    asserts.equals(env, executable.dirname, target[DeployInfo].deploy_manifest.dirname, "the program finds its plan beside it")
    asserts.equals(env, {}, target[RunEnvironmentInfo].environment)
    return analysistest.end(env)

def _stamped_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "PushMetadata")
    values = values_of(action)
    asserts.equals(env, {"VERSION": "1.2"}, values["build_settings"])
    asserts.equals(env, "team/{{.image_target_name}}", values["repository"], "the builder expands it")
    asserts.true(env, values["tracks_content"])
    stamps = [path.rpartition("/")[2] for path in flag_values(action, "--stamp")]
    asserts.equals(env, ["volatile-status.txt", "stable-status.txt"], stamps)
    return analysistest.end(env)

stamped_test = analysistest.make(_stamped_test_impl, config_settings = _ON_AMD64)

plan_test = analysistest.make(_plan_test_impl, config_settings = _ON_AMD64)

def _settings_test_impl(ctx):
    env = analysistest.begin(ctx)
    values = values_of(action_with(env, "PushMetadata"))
    asserts.equals(env, "settings.example.com", values["registry"])
    asserts.equals(env, ["1", "2"], values["tags"])
    asserts.equals(env, "1", analysistest.target_under_test(env)[RunEnvironmentInfo].environment["IMG_INSECURE"])
    return analysistest.end(env)

settings_test = analysistest.make(_settings_test_impl, config_settings = _ON_AMD64 | {
    _DESTINATION_REGISTRY: "settings.example.com",
    _INSECURE: "enabled",
})

def _lazy_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "PushMetadata")
    asserts.equals(env, "lazy", values_of(action)["strategy"])
    entries = _entries(action)
    layers = [entry for entry in entries if entry[0] == "layer"]
    asserts.equals(env, [["", "//tests/push:push_layer"]], [layer[2:] for layer in layers], "no runfile, and who makes it")

    target = analysistest.target_under_test(env)
    runfiles = target[DefaultInfo].default_runfiles
    shipped = [entry.target_file for entry in runfiles.root_symlinks.to_list()] + runfiles.files.to_list()
    asserts.false(env, "push_layer.tgz" in [file.basename for file in shipped])
    asserts.false(env, target[DeployInfo].include_layers)
    asserts.equals(env, ["push_layer.tgz"], [file.basename for file in target[OutputGroupInfo].layers.to_list()])
    environment = target[RunEnvironmentInfo].environment
    asserts.equals(env, "grpcs://cache.example.com", environment["IMG_REAPI_ENDPOINT"])
    asserts.equals(env, "main", environment["IMG_REAPI_INSTANCE_NAME"])
    return analysistest.end(env)

lazy_test = analysistest.make(_lazy_test_impl, config_settings = _ON_AMD64 | {
    str(Label("//img/settings:push_strategy")): "lazy",
    str(Label("//img/settings:remote_cache")): "grpcs://cache.example.com",
    str(Label("//img/settings:remote_instance_name")): "main",
})

def _bes_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, "bes", values_of(action_with(env, "PushMetadata"))["strategy"])
    asserts.false(env, target[DeployInfo].include_layers)
    runfiles = target[DefaultInfo].default_runfiles
    asserts.equals(env, [], runfiles.root_symlinks.to_list(), "the program only waits")
    plan = target[DeployInfo].deploy_manifest
    asserts.true(env, plan in target[DefaultInfo].files.to_list(), "Bazel reports it without being asked for it")
    asserts.equals(env, [plan], target[OutputGroupInfo].deploy_manifest.to_list())
    hidden = target[OutputGroupInfo]._hidden_top_level_INTERNAL_.to_list()
    asserts.true(env, "push_layer.tgz" in [file.basename for file in hidden], "layers are built")
    asserts.false(env, "push_layer.tgz" in [file.basename for file in target[DefaultInfo].files.to_list()], "and not downloaded")
    return analysistest.end(env)

bes_test = analysistest.make(_bes_test_impl, config_settings = _ON_AMD64 | {
    str(Label("//img/settings:push_strategy")): "bes",
})

def _cas_registry_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.equals(env, "cas_registry", values_of(action_with(env, "PushMetadata"))["strategy"])
    target = analysistest.target_under_test(env)
    asserts.false(env, target[DeployInfo].include_layers)
    asserts.equals(env, "grpc://localhost:5001", target[RunEnvironmentInfo].environment["IMG_BLOB_CACHE_ENDPOINT"])
    return analysistest.end(env)

cas_registry_test = analysistest.make(_cas_registry_test_impl, config_settings = _ON_AMD64 | {
    str(Label("//img/settings:blob_cache")): "grpc://localhost:5001",
    str(Label("//img/settings:push_strategy")): "cas_registry",
})

def _index_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_with(env, "PushMetadata")
    entries = _entries(action)
    kinds = [entry[0] for entry in entries]
    asserts.equals(env, 1, _count(kinds, "index"))
    asserts.equals(env, 2, _count(kinds, "manifest"))
    asserts.equals(env, 2, _count(kinds, "config"))
    asserts.equals(env, 2, _count(kinds, "layer"), "one target, built for two platforms")
    asserts.equals(env, 2, _count(kinds, "base-layers"))
    runfiles = [entry[2] for entry in entries if entry[0] != "base-layers"]
    asserts.equals(env, len(runfiles), len({runfile: None for runfile in runfiles}), "every file has a place of its own")
    asserts.true(env, flag_value(action, "--tag-file").endswith("file.txt"))
    asserts.true(env, flag_value(action, "--destination-file").endswith("file.txt"))
    values = values_of(action)
    asserts.equals(env, ("", "", []), (values["registry"], values["repository"], values["tags"]))
    return analysistest.end(env)

index_test = analysistest.make(_index_test_impl, config_settings = _ON_AMD64)

def _pulled_test_impl(ctx):
    env = analysistest.begin(ctx)
    kinds = [entry[0] for entry in _entries(action_with(env, "PushMetadata"))]
    asserts.equals(env, 2, _count(kinds, "index"), "the index, and the one within it")
    asserts.equals(env, 3, _count(kinds, "manifest"), "attestations are part of the index")
    asserts.equals(env, 3, _count(kinds, "base-layers"))
    asserts.equals(env, 0, _count(kinds, "layer"), "nothing was built")
    return analysistest.end(env)

pulled_test = analysistest.make(_pulled_test_impl)

def image_push_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    destination = {"registry": "push.example.com", "repository": "team/app"}
    image_layer(name = "push_layer", srcs = {"/etc/": _FIXTURES + "file.txt"}, tags = ["manual"])
    image_manifest(
        name = "image",
        base = _FIXTURES + "base",
        layers = [":push_layer"],
        tags = ["manual"],
    )
    image_index(
        name = "index",
        manifests = [":image"],
        platforms = [_FIXTURES + "linux_amd64", _FIXTURES + "linux_arm64"],
        tags = ["manual"],
    )

    image_push(name = "push", image = ":image", tag = "latest", tags = ["manual"], **destination)
    plan_test(name = "plan_test", target_under_test = ":push")

    image_push(name = "push_by_settings", image = ":image", repository = "team/app", tag_list = ["1", "2"], tags = ["manual"])
    lazy_test(name = "lazy_test", target_under_test = ":push")
    bes_test(name = "bes_test", target_under_test = ":push")
    cas_registry_test(name = "cas_registry_test", target_under_test = ":push")

    settings_test(name = "settings_test", target_under_test = ":push_by_settings")

    image_push(
        name = "push_index",
        destination_file = _FIXTURES + "file.txt",
        image = ":index",
        tag_file = _FIXTURES + "file.txt",
        tags = ["manual"],
    )
    index_test(name = "index_test", target_under_test = ":push_index")

    image_push(name = "push_pulled", image = _FIXTURES + "base", tags = ["manual"], **destination)
    pulled_test(name = "pulled_test", target_under_test = ":push_pulled")

    image_push(
        name = "push_stamped",
        build_settings = {"VERSION": _FIXTURES + "version"},
        image = ":image",
        registry = "push.example.com",
        repository = "team/{{.image_target_name}}",
        stamp = "force",
        tags = ["manual"],
        tracks_content = True,
    )
    stamped_test(name = "stamped_test", target_under_test = ":push_stamped")

    failures = {
        "no_registry": (
            {"repository": "team/app"},
            ["attribute `registry`: is empty; name a registry here or with --"],
        ),
        "no_repository": (
            {"registry": "push.example.com"},
            ["attribute `repository`: is empty; name a repository, or write `destination_file`"],
        ),
        "two_destinations": (
            {"destination_file": _FIXTURES + "file.txt", "repository": "team/app"},
            ["attributes `repository` and `destination_file`: both say where to push to"],
        ),
        "two_ways_to_tag": (
            destination | {"tag": "1", "tag_list": ["2"]},
            ["attributes `tag` and `tag_list`: write all tags into `tag_list`"],
        ),
    }
    for failure, (attributes, messages) in failures.items():
        failure_test(
            name = failure + "_test",
            image = ":image",
            messages = messages,
            rule = image_push,
            **attributes
        )

    native.test_suite(
        name = name,
        tests = [
            ":index_test",
            ":stamped_test",
            ":plan_test",
            ":pulled_test",
            ":bes_test",
            ":cas_registry_test",
            ":lazy_test",
            ":settings_test",
        ] + [":" + failure + "_test" for failure in failures],
    )
