"""The rule `multi_deploy`: `bazel run` on it does what several targets would do."""

load("//img/private/actions:builder.bzl", "BUILDER_TOOLCHAIN")
load("//img/private/actions:plan.bzl", "merge_deployments", "plan_content")
load("//img/private/config:settings.bzl", "SETTINGS_ATTRS", "resolve_auto", "settings_of")
load("//img/private/providers:deploy.bzl", "DeployInfo")
load("//img/private/providers:image.bzl", "ImageIndexInfo", "ImageManifestInfo")
load("//img/private/rules:bes.bzl", "bes_outputs")
load("//img/private/rules:deploy_program.bzl", "DEPLOY_PROGRAM_ATTRS", "declare_executable")
load("//img/private/rules:push_attrs.bzl", "STRATEGIES")
load("//img/private/rules:run_environment.bzl", "run_environment")

visibility([
    "//img",
    "//tests/...",
])

_KINDS = ["push", "load"]

_ATTRS = SETTINGS_ATTRS | DEPLOY_PROGRAM_ATTRS | {
    "deploy_operations": attr.string_list(
        doc = "Which kinds of operations are done: `push`, `load` or both. Tags of manifests and referrers belong to their push.",
        default = _KINDS,
    ),
    "load_strategy": attr.string(
        doc = "Where all loads get layers from, whatever their own targets say. `auto`: as `//img/settings:load_strategy` says.",
        default = "auto",
        values = ["auto", "eager", "lazy"],
    ),
    "operations": attr.label_list(
        doc = "What to do: `image_push` and `image_load` targets, and images with `push_specs` or `load_specs`. All of it runs at the same time, whatever the order.",
        mandatory = True,
        allow_empty = False,
        providers = [[DeployInfo], [ImageManifestInfo], [ImageIndexInfo]],
    ),
    "push_strategy": attr.string(
        doc = "How the layers of all pushes get to the registry, whatever their own targets say. `auto`: as `//img/settings:push_strategy` says.",
        default = "auto",
        values = STRATEGIES,
    ),
}

def _deployments(ctx):
    """DeployInfo of all operations. Fails for an image that says nothing of where it goes."""
    for target in ctx.attr.operations:
        if DeployInfo not in target:
            fail(("{}: attribute `operations`: {} is an image that does not say where it goes; give it `push_specs` or `load_specs`, or " +
                  "wrap it into an `image_push` or `image_load` and name that").format(ctx.label, target.label))
    return [target[DeployInfo] for target in ctx.attr.operations]

def _kinds(ctx):
    kinds = ctx.attr.deploy_operations
    wrong = [kind for kind in kinds if kind not in _KINDS]
    if wrong or not kinds:
        fail("{}: attribute `deploy_operations`: {}: write \"push\", \"load\" or both".format(ctx.label, kinds))
    return [kind for kind in _KINDS if kind in kinds]

def _kinds_of(info):
    """The kinds of what is done with an image; others than our own rules may not say it, and push."""
    return getattr(info, "kinds", ["push"])

def _content(info, strategies):
    """What the plan has to know about an image.

    Args:
        info: DeployInfo: what is done with it.
        strategies: dict: kind of operations that are done -> their strategy.

    Returns:
        struct: what plan_content() returned, or None if nothing is done with the image.
    """
    used = [strategies[kind] for kind in _kinds_of(info) if kind in strategies]
    if not used:
        return None
    return plan_content(
        info.image,
        from_cache = [strategy for strategy in used if strategy != "eager"] != [],
        include_layers = "eager" in used,
        referrers = getattr(info, "referrers", []),
    )

def _layers(contents):
    """All layers, each once; one that is shipped for any of the images is there for all."""
    layers = {}
    for layer in [layer for content in contents for layer in content.layers]:
        if layer.runfile or layer.metadata not in layers:
            layers[layer.metadata] = layer
    return layers.values()

def _multi_deploy_impl(ctx):
    settings = settings_of(ctx)
    push_strategy = resolve_auto(ctx.attr.push_strategy, settings.push_strategy)
    load_strategy = resolve_auto(ctx.attr.load_strategy, settings.load_strategy)
    kinds = _kinds(ctx)
    deployments = _deployments(ctx)
    all_strategies = {"load": load_strategy, "push": push_strategy}
    contents = [_content(info, {kind: all_strategies[kind] for kind in kinds}) for info in deployments]
    contents = [content for content in contents if content]
    layers = _layers(contents)
    runfiles = {path: file for content in contents for path, file in content.runfiles.items()}
    plan = ctx.actions.declare_file(ctx.label.name + ".json")
    merge_deployments(
        ctx,
        layers = layers,
        operations = kinds,
        output = plan,
        # A target can be named for two platforms, and a plan be one of two operations.
        plans = {info.deploy_manifest: None for info in deployments}.keys(),
        load_strategy = load_strategy,
        push_strategy = push_strategy,
    )
    executable = declare_executable(ctx)
    blobs = {blob: None for content in contents for blob in content.blobs}.keys()
    used = [all_strategies[kind] for kind in kinds if [info for info in deployments if kind in _kinds_of(info)]]
    bes = bes_outputs(strategies = used, plan = plan, blobs = blobs)
    return [
        DefaultInfo(
            executable = executable,
            files = depset([executable] + bes.files),
            # A program that only waits for somebody else's push reads no more than the plan.
            runfiles = ctx.runfiles(files = [plan], root_symlinks = {} if used == ["bes"] else runfiles),
        ),
        OutputGroupInfo(
            deploy_manifest = depset([plan]),
            layers = depset(blobs),
            **bes.groups
        ),
        run_environment(settings),
    ]

multi_deploy = rule(
    implementation = _multi_deploy_impl,
    doc = """Does what several targets would do, when it is run: one program, one connection to each registry, and layers that several images
share are sent to a repository once.

```starlark
multi_deploy(
    name = "deploy",
    operations = [
        ":push_frontend",
        ":push_backend",
    ],
)
```
""",
    attrs = _ATTRS,
    executable = True,
    toolchains = [BUILDER_TOOLCHAIN],
)
