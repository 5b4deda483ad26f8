"""What the attribute `layers` of an image holds: layers, tar archives that become layers, and hints on how to run them."""

load("//img/private/actions:builder.bzl", "label_string")
load("//img/private/actions:compression.bzl", "TAR_EXTENSIONS", "is_tar", "layer_media_type", "tar_format")
load("//img/private/actions:copy_layer.bzl", "declare_copy")
load("//img/private/actions:import.bzl", "import_layer")
load("//img/private/providers:layer.bzl", "ImageLayerConfigInfo", "LayersInfo", "SingleLayerInfo")

visibility([
    "//img/private/rules",
    "//tests/...",
])

def _import_archive(ctx, archive, label, name, settings):
    """Makes a layer of an archive that is used as it is."""
    format = tar_format(archive)
    metadata = ctx.actions.declare_file(name + "_metadata.json")
    import_layer(
        ctx,
        src = archive,
        source_format = format,
        metadata = metadata,
        settings = settings,
        values = {
            "annotations": {},
            "history": "bazel build " + label_string(label),
            "label": label_string(label),
            "media_type": layer_media_type(format),
        },
    )
    return SingleLayerInfo(
        blob = archive,
        copy = declare_copy(ctx, name = name, blob = archive, metadata = metadata),
        media_type = layer_media_type(format),
        metadata = metadata,
        mtree = None,
        sources = [],
    )

def _with_copy(ctx, layer, name):
    """A layer of a rule that is not ours, which may not know of copies."""
    if layer.copy or not layer.blob or not layer.metadata or not layer.blob.is_source:
        return layer
    return SingleLayerInfo(
        blob = layer.blob,
        compact_stream = layer.compact_stream,
        copy = declare_copy(ctx, name = name, blob = layer.blob, metadata = layer.metadata),
        estargz = layer.estargz,
        layer_input_files = layer.layer_input_files,
        layer_input_files_cas = layer.layer_input_files_cas,
        media_type = layer.media_type,
        metadata = layer.metadata,
        mtree = layer.mtree,
        sources = layer.sources,
        ztoc = layer.ztoc,
    )

def collect_layers(ctx, settings):
    """The layers that an image adds to its base.

    Args:
        ctx: the rule context; its rule has an attribute `layers`.
        settings: SettingsInfo: the build settings.

    Returns:
        list of SingleLayerInfo: the lowest first.
    """
    layers = []
    for position, target in enumerate(ctx.attr.layers):
        prefix = "{}_layer_{}_".format(ctx.label.name, position)
        if LayersInfo in target:
            layers += [
                _with_copy(ctx, layer, prefix + str(number))
                for number, layer in enumerate(target[LayersInfo].layers)
            ]
            continue

        # Bounded: the outputs of one target.
        files = target[DefaultInfo].files.to_list()
        strangers = [file.basename for file in files if not is_tar(file)]
        if strangers or not files:
            fail("{}: attribute `layers`: {} is no layer: expected a target like image_layer, or one whose outputs are {} files; found {}".format(
                ctx.label,
                target.label,
                ", ".join(TAR_EXTENSIONS),
                ", ".join(strangers) or "no outputs",
            ))
        for number, file in enumerate(files):
            layers.append(_import_archive(ctx, file, target.label, prefix + str(number), settings))
    return layers

def layer_config(targets):
    """What layers say about how to run the image. Later layers win.

    Args:
        targets: list of Target: the layers.

    Returns:
        ImageLayerConfigInfo: None where no layer says anything; `env` is a dict in any case.
    """
    entrypoint = None
    cmd = None
    working_dir = None
    env = {}
    for target in targets:
        if ImageLayerConfigInfo not in target:
            continue
        config = target[ImageLayerConfigInfo]
        entrypoint = config.entrypoint or entrypoint
        cmd = config.cmd or cmd
        working_dir = config.working_dir or working_dir
        env = env | (config.env or {})
    return ImageLayerConfigInfo(cmd = cmd, entrypoint = entrypoint, env = env, working_dir = working_dir)
