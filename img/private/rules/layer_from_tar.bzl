"""The rule `layer_from_tar`: a tar archive becomes a layer."""

load("//img/private/actions:builder.bzl", "BUILDER_TOOLCHAIN")
load("//img/private/actions:compression.bzl", "TAR_EXTENSIONS", "blob_extension", "compression_of", "tar_format")
load("//img/private/actions:copy_layer.bzl", "declare_copy")
load("//img/private/actions:import.bzl", "import_layer")
load("//img/private/actions:layer_listing.bzl", "list_layer")
load("//img/private/config:settings.bzl", "SETTINGS_ATTRS", "resolve_auto", "settings_of")
load("//img/private/providers:layer.bzl", "LayersInfo", "SingleLayerInfo")
load("//img/private/rules:layer_attrs.bzl", "ESTARGZ_ATTR", "is_estargz", "layer_providers", "layer_values")

visibility([
    "//img",
    "//tests/...",
])

_ATTRS = SETTINGS_ATTRS | {
    "annotations": attr.string_dict(
        doc = "Annotations of the layer's descriptor.",
    ),
    "compress": attr.string(
        doc = "How the layer is compressed. `auto`: as the archive is, or as `//img/settings:compress` says if it is optimized or eStargz.",
        default = "auto",
        values = ["auto", "gzip", "zstd", "none"],
    ),
    "estargz": ESTARGZ_ATTR,
    "media_type": attr.string(
        doc = "The media type of the layer. Empty: the one of a tar archive that is compressed like this layer.",
    ),
    "optimize": attr.bool(
        doc = "Whether to rewrite the archive so that equal files are stored once.",
    ),
    "src": attr.label(
        doc = "The archive. Its name says how it is compressed.",
        allow_single_file = TAR_EXTENSIONS,
        mandatory = True,
    ),
}

def _format(ctx, settings, source_format):
    """How the layer is compressed."""
    estargz = resolve_auto(ctx.attr.estargz, settings.estargz) == "enabled"
    return resolve_auto(ctx.attr.compress, settings.compress if ctx.attr.optimize or estargz else source_format)

def _layer_from_tar_impl(ctx):
    settings = settings_of(ctx)
    source_format = tar_format(ctx.file.src)
    format = _format(ctx, settings, source_format)
    estargz = is_estargz(ctx, settings, format)

    # An archive cannot be known to be eStargz already, so it is always rewritten for that.
    rewrite = ctx.attr.optimize or estargz or format != source_format

    blob = ctx.actions.declare_file(ctx.label.name + blob_extension(format)) if rewrite else None
    metadata = ctx.actions.declare_file(ctx.label.name + "_metadata.json")
    listing = ctx.actions.declare_file(ctx.label.name + ".mtree")
    values = layer_values(ctx, format)
    import_layer(
        ctx,
        src = ctx.file.src,
        source_format = source_format,
        metadata = metadata,
        blob = blob,
        compression = compression_of(ctx, format, settings, estargz = estargz) if rewrite else None,
        optimize = ctx.attr.optimize,
        settings = settings,
        values = values,
    )
    blob = blob or ctx.file.src
    list_layer(ctx, blob = blob, format = format, listing = listing, settings = settings)
    layer = SingleLayerInfo(
        blob = blob,
        copy = declare_copy(ctx, name = ctx.label.name, blob = blob, metadata = metadata),
        estargz = estargz,
        media_type = values["media_type"],
        metadata = metadata,
        mtree = listing,
    )
    return layer_providers([layer], files = [layer.blob, metadata])

layer_from_tar = rule(
    implementation = _layer_from_tar_impl,
    doc = """Makes a layer of a tar archive, which is used as it is if possible.

```starlark
layer_from_tar(
    name = "third_party_layer",
    src = "@third_party_lib//:lib.tar.gz",
)
```
""",
    attrs = _ATTRS,
    provides = [LayersInfo],
    toolchains = [BUILDER_TOOLCHAIN],
)
