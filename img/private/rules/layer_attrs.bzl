"""What the rules that write layers share: attributes, how they become an action, providers."""

load("//img/private/actions:builder.bzl", "label_string")
load("//img/private/actions:compression.bzl", "blob_extension", "compression_of", "layer_media_type")
load("//img/private/actions:layer.bzl", "write_layer")
load("//img/private/actions:layer_listing.bzl", "list_layer")
load("//img/private/config:settings.bzl", "resolve_auto")
load("//img/private/providers:layer.bzl", "LayersInfo", "SingleLayerInfo")

visibility(["//img/private/rules"])

ESTARGZ_ATTR = attr.string(
    doc = "Whether the layer can be read file by file, before all of it is there: eStargz with gzip, zstd:chunked with zstd. " +
          "An uncompressed layer cannot be. `auto`: as `//img/settings:estargz` says, where the layer is compressed.",
    default = "auto",
    values = ["auto", "enabled", "disabled"],
)

# Attributes of every rule that writes a layer from files.
LAYER_ATTRS = {
    "annotations": attr.string_dict(
        doc = "Annotations of the layer's descriptor. They win over `annotations_file`.",
    ),
    "annotations_file": attr.label(
        doc = "A file with annotations: lines `KEY=VALUE` (blank lines and lines that start with `#` do not count), " +
              "a JSON object of strings, or a JSON list of strings `KEY=VALUE`.",
        allow_single_file = True,
    ),
    "compress": attr.string(
        doc = "How the layer is compressed. `auto`: as `//img/settings:compress` says.",
        default = "auto",
        values = ["auto", "gzip", "zstd", "none"],
    ),
    "create_parent_directories": attr.string(
        doc = "Whether the layer has entries for the parent directories of what it holds. " +
              "`auto`: as `//img/settings:create_parent_directories` says.",
        default = "auto",
        values = ["auto", "enabled", "disabled"],
    ),
    "estargz": ESTARGZ_ATTR,
    "include_runfiles": attr.bool(
        doc = "Whether executables bring their runfiles along, in `<path>.runfiles/`.",
        default = True,
    ),
    "media_type": attr.string(
        doc = "The media type of the layer. Empty: the one of a tar archive that is compressed like this layer.",
    ),
    "tree_artifact_handling": attr.string(
        doc = "What becomes of a directory that is equal to one that the layer has already. `full`: it is stored too. " +
              "`deduplicate_symlink`: it becomes a relative symlink to the first. " +
              "`auto`: as `//img/settings:layer_tree_artifact_handling` says.",
        default = "auto",
        values = ["auto", "full", "deduplicate_symlink"],
    ),
}

def layer_values(ctx, format):
    """What every verb that makes a layer wants to know.

    Args:
        ctx: the rule context; its rule has the attributes `annotations` and `media_type`.
        format: string: how the layer is compressed: `gzip`, `zstd` or `none`.

    Returns:
        dict: for `--values`.
    """
    label = label_string(ctx.label)
    return {
        "annotations": ctx.attr.annotations,
        "history": "bazel build " + label,
        "label": label,
        "media_type": ctx.attr.media_type or layer_media_type(format),
    }

def is_estargz(ctx, settings, format):
    """Whether a layer is written so that it can be read file by file. Fails where that was asked for and cannot be.

    Args:
        ctx: the rule context; its rule has the attribute `estargz`.
        settings: SettingsInfo: the build settings.
        format: string: how the layer is compressed: `gzip`, `zstd` or `none`.

    Returns:
        bool: whether it is.
    """
    if ctx.attr.estargz == "enabled" and format == "none":
        fail(("{}: attribute `estargz`: an uncompressed layer cannot be read file by file; " +
              "write `compress = \"gzip\"` or `compress = \"zstd\"`, or leave out `estargz`").format(ctx.label))

    # A setting is for all layers that can follow it.
    return format != "none" and resolve_auto(ctx.attr.estargz, settings.estargz) == "enabled"

def declare_layer(ctx, *, name, content, settings, metadata_values = {}):
    """Declares the action that writes a layer, in a rule with LAYER_ATTRS.

    Args:
        ctx: the rule context.
        name: string: what the names of the outputs begin with.
        content: struct: see write_layer().
        settings: SettingsInfo: the build settings.
        metadata_values: dict: `default_metadata` and `file_metadata`, where the rule has them.

    Returns:
        SingleLayerInfo: the layer.
    """
    format = resolve_auto(ctx.attr.compress, settings.compress)
    compression = compression_of(ctx, format, settings, estargz = is_estargz(ctx, settings, format))
    values = layer_values(ctx, format) | metadata_values
    outputs = struct(
        blob = ctx.actions.declare_file(name + blob_extension(format)),
        metadata = ctx.actions.declare_file(name + "_metadata.json"),
    )
    write_layer(
        ctx,
        content = content,
        outputs = outputs,
        compression = compression,
        create_parent_directories = resolve_auto(
            ctx.attr.create_parent_directories,
            settings.create_parent_directories,
        ) == "enabled",
        tree_artifacts = resolve_auto(ctx.attr.tree_artifact_handling, settings.layer_tree_artifact_handling),
        annotations_file = ctx.file.annotations_file,
        values = values,
    )
    listing = ctx.actions.declare_file(name + ".mtree")
    list_layer(ctx, blob = outputs.blob, format = format, listing = listing, settings = settings)
    return SingleLayerInfo(
        blob = outputs.blob,
        estargz = compression.estargz,
        media_type = values["media_type"],
        metadata = outputs.metadata,
        mtree = listing,
    )

def layer_providers(layers, *, files = None):
    """The providers of a target that is one layer or several.

    Args:
        layers: list of SingleLayerInfo: the layers, the lowest first; all have a blob and metadata.
        files: list of File or None: the default outputs; None: the blobs.

    Returns:
        list of providers.
    """
    blobs = [layer.blob for layer in layers]
    groups = {
        "layer": depset(blobs),
        "metadata": depset([layer.metadata for layer in layers]),
    }
    listings = [layer.mtree for layer in layers if layer.mtree]
    if listings:
        groups["mtree"] = depset(listings)
    return [
        DefaultInfo(files = depset(files or blobs)),
        OutputGroupInfo(**groups),
        LayersInfo(layers = layers),
    ]
