"""What an image says about where it goes: the attributes `push_specs` and `load_specs`, and what comes of them."""

load("//img/private/actions:plan.bzl", "merge_plans", "plan_content")
load("//img/private/providers:deploy.bzl", "DeployInfo", "LoadConfigInfo", "PushConfigInfo")
load("//img/private/rules:bes.bzl", "bes_outputs")
load("//img/private/rules:push_plan.bzl", "declare_push_plan")

visibility(["//img/private/rules"])

# What a rule that makes images adds to its attributes.
SPEC_ATTRS = {
    "load_specs": attr.label_list(
        doc = "How to load the image into a container runtime: `image_load_spec` targets. They are checked; nothing is loaded yet.",
        providers = [LoadConfigInfo],
    ),
    "push_specs": attr.label_list(
        doc = "Where to push the image to: `image_push_spec` targets. The image then provides `DeployInfo`, and the output group " +
              "`deploy_manifest` has the plan of the pushes; building the image pushes nothing.",
        providers = [PushConfigInfo],
    ),
}

def _strategies(ctx):
    return [spec[PushConfigInfo].strategy for spec in ctx.attr.push_specs]

def _needs_layers(ctx):
    return "eager" in _strategies(ctx)

def _declare_plans(ctx, image, original):
    """One plan of all pushes, and the layers that the build makes."""
    plan = ctx.actions.declare_file(ctx.label.name + ".deploy_merged.json")
    specs = ctx.attr.push_specs
    plans = [plan] if len(specs) == 1 else [
        ctx.actions.declare_file("{}.push_deploy.{}.json".format(ctx.label.name, position))
        for position in range(len(specs))
    ]
    content = plan_content(image, include_layers = _needs_layers(ctx))
    for spec, output in zip(specs, plans):
        declare_push_plan(
            ctx,
            config = spec[PushConfigInfo],
            content = content,
            image = image,
            image_label = ctx.label,
            original = original,
            output = output,
            spec = spec.label,
        )
    if len(specs) > 1:
        merge_plans(ctx, output = plan, plans = plans)
    return plan, content.blobs

def declare_deployment(ctx, image, original):
    """Declares what an image with SPEC_ATTRS offers to deploy it.

    Args:
        ctx: the rule context.
        image: ImageManifestInfo or ImageIndexInfo: the image.
        original: PullInfo or None: where the base of the image comes from.

    Returns:
        struct(providers = list of providers, groups = dict: output group -> depset of File): both empty if nothing is to be pushed.
    """
    if not ctx.attr.push_specs:
        return struct(groups = {}, providers = [])
    plan, blobs = _declare_plans(ctx, image, original)
    bes = bes_outputs(strategies = _strategies(ctx), plan = plan, blobs = blobs)
    return struct(
        groups = {"deploy_manifest": depset([plan])} | bes.groups,
        providers = [DeployInfo(deploy_manifest = plan, image = image, include_layers = _needs_layers(ctx))],
    )
