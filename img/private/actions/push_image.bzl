"""The action `PushImage`: the build itself writes to a registry.

It runs the pusher, the only program that may. Credentials come from the environment that Bazel gives to actions (`--action_env`) and from
the setting `docker_config_path`; the helpers that settings name are paths of the machine that runs Bazel, which an action must not rely on.
"""

load("//img/private/actions:builder.bzl", "label_string", "lines_args")

visibility([
    "//img/private/rules",
    "//tests/...",
])

BUILD_PUSHER_TOOLCHAIN = Label("//img:build_pusher_toolchain_type")

def _file_line(document):
    return "\0".join([document.runfile, document.file.path])

def _run(ctx, context, *, verb, arguments, inputs, output, what):
    requirements = {"supports-path-mapping": "1"} | context.exec_properties

    # What did not work would be taken for done, here and by everybody who shares a cache.
    if context.is_best_effort:
        requirements["no-cache"] = "1"
    environment = dict(context.gateways)
    if context.docker_config_path:
        environment["REGISTRY_AUTH_FILE"] = context.docker_config_path
    if context.insecure:
        environment["IMG_INSECURE"] = "1"
    args = lines_args(ctx)
    args.add("--label", label_string(ctx.label))
    args.add("--output", output)
    if context.is_best_effort:
        args.add("--best-effort")
    ctx.actions.run(
        executable = ctx.toolchains[BUILD_PUSHER_TOOLCHAIN].program,
        arguments = ["build-push", verb, args] + arguments,
        env = environment,
        execution_requirements = requirements,
        inputs = inputs,
        mnemonic = "PushImage",
        outputs = [output],
        progress_message = "Pushing {} of %{{label}}".format(what),
        toolchain = BUILD_PUSHER_TOOLCHAIN,
        use_default_shell_env = True,
    )

def push_layer(ctx, context, *, destination, layer, output):
    """Declares the action that puts one layer into a registry.

    Args:
        ctx: the rule context.
        context: struct(
            is_best_effort = bool: whether a push that fails is no error,
            exec_properties = dict: execution requirements,
            docker_config_path = string: where credentials are; empty: where the program looks by itself,
            gateways = dict: variables that name gateways,
            insecure = bool: whether to use plain HTTP,
        ): how.
        destination: File: where, as the builder wrote it.
        layer: struct(blob = File, label = string, metadata = File): the layer.
        output: File: says what was put where.
    """
    args = lines_args(ctx)
    args.add("--destination", destination)
    args.add("--metadata", layer.metadata)
    args.add("--blob", layer.blob)
    _run(
        ctx,
        context,
        arguments = [args],
        inputs = [destination, layer.metadata, layer.blob],
        output = output,
        verb = "layer",
        what = "layer " + layer.label,
    )

def push_rest(ctx, context, *, destination, plan, content, layers, output, only_blobs):
    """Declares the action that pushes an image whose layers were put into the registry by other actions.

    Args:
        ctx: the rule context.
        context: struct: as for push_layer().
        destination: File: where layers were put.
        plan: File: the plan, which says where the image goes.
        content: struct: what plan_content() returned for the image.
        layers: list of File: what push_layer() wrote.
        output: File: says what was pushed.
        only_blobs: bool: whether to put configs and layers of the base beside the layers, and no manifest.
    """
    args = lines_args(ctx)
    args.add("--destination", destination)
    args.add("--plan", plan)
    args.add_all(layers, before_each = "--layer")
    if only_blobs:
        args.add("--only-blobs")
    files = lines_args(ctx, "--files=%s")
    files.add_all(content.documents, map_each = _file_line)
    _run(
        ctx,
        context,
        arguments = [args, files],
        inputs = depset([destination, plan] + layers + [document.file for document in content.documents]),
        output = output,
        verb = "image",
        what = "configs" if only_blobs else "manifests",
    )
