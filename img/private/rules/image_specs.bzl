"""What an image says about where it goes: the attributes `push_specs` and `load_specs`, and what comes of them."""

load("//img/private/actions:plan.bzl", "merge_plans", "plan_content")
load("//img/private/providers:deploy.bzl", "DeployInfo", "LoadConfigInfo", "PushConfigInfo")
load("//img/private/rules:bes.bzl", "bes_outputs")
load("//img/private/rules:build_time_push.bzl", "declare_build_time_push")
load("//img/private/rules:load_plan.bzl", "declare_load_plan")
load("//img/private/rules:push_plan.bzl", "declare_push_plan")

visibility(["//img/private/rules"])

# What a rule that makes images adds to its attributes.
SPEC_ATTRS = {
    "load_specs": attr.label_list(
        doc = "How to load the image into a container runtime: `image_load_spec` targets. The image then provides `DeployInfo`; " +
              "`multi_deploy` does the loads, behind the pushes of `push_specs` in the plan.",
        providers = [LoadConfigInfo],
    ),
    "push_specs": attr.label_list(
        doc = "Where to push the image to: `image_push_spec` targets. The image then provides `DeployInfo`, and the output group " +
              "`deploy_manifest` has the plan of the pushes; `multi_deploy` does them. Building the image pushes nothing, unless " +
              "`push_at_build_time` says so.",
        providers = [PushConfigInfo],
    ),
}

def _strategies(ctx):
    return [spec[PushConfigInfo].strategy for spec in ctx.attr.push_specs]

def _needs_layers(ctx):
    loads = [spec[LoadConfigInfo].strategy for spec in ctx.attr.load_specs]
    return "eager" in _strategies(ctx) + loads

def _kinds(ctx):
    return (["push"] if ctx.attr.push_specs else []) + (["load"] if ctx.attr.load_specs else [])

def _referrers(specs):
    """Those of all specs, each once."""
    return {
        referrer.label: referrer
        for spec in specs
        for referrer in spec[PushConfigInfo].referrers
    }.values()

def _declare_plans(ctx, image, original):
    """One plan of all pushes and loads, what the build pushes itself, and the layers that it makes."""
    plan = ctx.actions.declare_file(ctx.label.name + ".deploy_merged.json")
    pushes = ctx.attr.push_specs
    loads = ctx.attr.load_specs
    plans = [plan] if len(pushes + loads) == 1 else [
        ctx.actions.declare_file("{}.push_deploy.{}.json".format(ctx.label.name, position))
        for position in range(len(pushes))
    ] + [
        ctx.actions.declare_file("{}.load_deploy.{}.load.json".format(ctx.label.name, position))
        for position in range(len(loads))
    ]
    include_layers = _needs_layers(ctx)
    pushed = []
    blobs = {}
    for position, (spec, output) in enumerate(zip(pushes, plans)):
        config = spec[PushConfigInfo]
        what = {"config": config, "image": image, "image_label": ctx.label, "original": original, "spec": spec.label}
        content = plan_content(
            image,
            include_layers = include_layers,
            from_cache = config.strategy != "eager",
            referrers = config.referrers,
        )
        declare_push_plan(ctx, content = content, output = output, **what)
        blobs |= {blob: None for blob in content.blobs}
        pushed += declare_build_time_push(ctx, position = position, **what)
    for spec, output in zip(loads, plans[len(pushes):]):
        config = spec[LoadConfigInfo]
        content = plan_content(image, include_layers = include_layers, from_cache = config.strategy != "eager")
        declare_load_plan(
            ctx,
            config = config,
            content = content,
            image = image,
            image_label = ctx.label,
            original = original,
            output = output,
            spec = spec.label,
        )
        blobs |= {blob: None for blob in content.blobs}
    if len(plans) > 1:
        merge_plans(ctx, output = plan, plans = plans)
    return plan, pushed, blobs.keys()

def declare_deployment(ctx, image, original):
    """Declares what an image with SPEC_ATTRS offers to deploy it.

    Args:
        ctx: the rule context.
        image: ImageManifestInfo or ImageIndexInfo: the image.
        original: PullInfo or None: where the base of the image comes from.

    Returns:
        struct(providers = list of providers, groups = dict: output group -> depset of File): both empty if nothing is to be done.
    """
    if not _kinds(ctx):
        return struct(groups = {}, providers = [])
    plan, pushed, blobs = _declare_plans(ctx, image, original)
    bes = bes_outputs(strategies = _strategies(ctx), plan = plan, blobs = blobs)
    return struct(
        groups = {"deploy_manifest": depset([plan])} | ({"_validation": depset(pushed)} if pushed else {}) | bes.groups,
        providers = [DeployInfo(
            deploy_manifest = plan,
            image = image,
            include_layers = _needs_layers(ctx),
            kinds = _kinds(ctx),
            referrers = _referrers(ctx.attr.push_specs),
        )],
    )
