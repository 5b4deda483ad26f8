"""Pushes by the build: what the attributes `push_at_build_time...` come to.

One action puts one layer into the registry, so that a layer that stays the same is not touched when the image changes. A last one, which
needs no layer, writes the documents. All of them are validation actions: they run with every build of the target, and
`--norun_validations` turns them off.
"""

load("//img/private/actions:plan.bzl", "plan_content")
load("//img/private/actions:push_image.bzl", "BUILD_PUSHER_TOOLCHAIN", "push_layer", "push_rest")
load("//img/private/rules:push_plan.bzl", "declare_build_time_plan")

visibility(["//img/private/rules"])

# What a rule has among its toolchains that pushes during the build. Platforms without the program can do all the rest.
BUILD_TIME_PUSH_TOOLCHAINS = [config_common.toolchain_type(BUILD_PUSHER_TOOLCHAIN, mandatory = False)]

def _context(ctx, config):
    if not ctx.toolchains[BUILD_PUSHER_TOOLCHAIN]:
        fail("{}: attribute `push_at_build_time`: {}: there is no program of rules_img for the platform of actions; write \"disabled\"".format(
            ctx.label,
            repr(config.push_at_build_time_mode),
        ))
    return struct(
        docker_config_path = config.docker_config_path,
        gateways = config.gateways,
        exec_properties = config.push_at_build_time_exec_properties,
        insecure = config.insecure,
        is_best_effort = config.push_at_build_time_mode == "best_effort",
    )

def declare_build_time_push(ctx, *, config, image, image_label, original, position, spec = None):
    """Declares the actions that push an image during the build.

    Args:
        ctx: the rule context; its rule has BUILD_TIME_PUSH_TOOLCHAINS.
        config: PushConfigInfo: where to push to, and how.
        image: ImageManifestInfo or ImageIndexInfo: the image.
        image_label: Label: of the image, for templates.
        original: PullInfo or None: where the base of the image comes from.
        position: int: of this push among those of the target.
        spec: Label or None: the target that `config` comes from, if that is another one than this.

    Returns:
        list of File: for the output group `_validation`; empty if the build pushes nothing.
    """
    if config.push_at_build_time_mode == "disabled":
        return []
    prefix = "{}.push_at_build_time.{}.".format(ctx.label.name, position)
    plan = ctx.actions.declare_file(prefix + "json")
    destination = ctx.actions.declare_file(prefix + "destination.json")
    content = plan_content(image, include_layers = False)
    declare_build_time_plan(
        ctx,
        config = config,
        content = content,
        destination = destination,
        image = image,
        image_label = image_label,
        original = original,
        output = plan,
        spec = spec,
    )
    context = _context(ctx, config)
    pushed_layers = []
    for index, layer in enumerate([layer for layer in content.layers if layer.blob]):
        output = ctx.actions.declare_file("{}blob.{}.json".format(prefix, index))
        push_layer(ctx, context, destination = destination, layer = layer, output = output)
        pushed_layers.append(output)
    pushed = ctx.actions.declare_file(prefix + "pushed")
    push_rest(
        ctx,
        context,
        content = content,
        destination = destination,
        layers = pushed_layers,
        only_blobs = config.push_at_build_time_content == "blobs",
        output = pushed,
        plan = plan,
    )
    return pushed_layers + [pushed]
