"""What the rules that write layers share: attributes, values for the builder, providers."""

load("//img/private/actions:builder.bzl", "label_string")
load("//img/private/actions:compression.bzl", "layer_media_type")
load("//img/private/providers:layer.bzl", "LayersInfo", "SingleLayerInfo")

visibility(["//img/private/rules"])

# Attributes of every rule that writes a layer from files.
LAYER_ATTRS = {
    "annotations": attr.string_dict(
        doc = "Annotations of the layer's descriptor. They win over `annotations_file`.",
    ),
    "annotations_file": attr.label(
        doc = "A file with annotations: lines `KEY=VALUE` (blank lines and lines that start with `#` do not count), or a JSON object.",
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

def layer_providers(*, files, blob, metadata, listing, media_type):
    """The providers of a target that is one layer.

    Args:
        files: list of File: the default outputs.
        blob: File: the layer.
        metadata: File: its metadata.
        listing: File or None: its listing.
        media_type: string: its media type.

    Returns:
        list of providers.
    """
    groups = {"layer": depset([blob]), "metadata": depset([metadata])}
    if listing:
        groups["mtree"] = depset([listing])
    return [
        DefaultInfo(files = depset(files)),
        OutputGroupInfo(**groups),
        LayersInfo(layers = [SingleLayerInfo(
            blob = blob,
            media_type = media_type,
            metadata = metadata,
            mtree = listing,
            sources = [],
        )]),
    ]
