"""The rule `image_optimize`: an image with all its layers compressed anew."""

load("//img/private/actions:builder.bzl", "BUILDER_TOOLCHAIN", "label_string")
load("//img/private/actions:compression.bzl", "blob_extension", "compression_of", "layer_media_type")
load("//img/private/actions:optimize.bzl", "optimize_index", "optimize_layer", "optimize_manifest")
load("//img/private/config:settings.bzl", "SETTINGS_ATTRS", "resolve_auto", "settings_of")
load("//img/private/config:target_platform.bzl", "TARGET_PLATFORM_ATTRS", "target_platform_of")
load("//img/private/providers:image.bzl", "ImageIndexInfo", "ImageManifestInfo")
load("//img/private/providers:layer.bzl", "SingleLayerInfo")
load("//img/private/rules:image_outputs.bzl", "declare_layouts")
load("//img/private/rules:layer_attrs.bzl", "ESTARGZ_ATTR", "is_estargz")

visibility([
    "//img",
    "//tests/...",
])

_ATTRS = SETTINGS_ATTRS | TARGET_PLATFORM_ATTRS | {
    "compress": attr.string(
        doc = "How the layers are compressed. `auto`: as `//img/settings:compress` says.",
        default = "auto",
        values = ["auto", "gzip", "zstd", "none"],
    ),
    "estargz": ESTARGZ_ATTR,
    "image": attr.label(
        doc = "The image. All its layers have to be part of the build, so a shallowly pulled base has to be pulled in another way.",
        mandatory = True,
        providers = [[ImageManifestInfo], [ImageIndexInfo]],
    ),
}

# The end of a layer's media type -> how the layer is compressed.
_FORMATS = {
    ".gzip": "gzip",
    ".tar": "none",
    "+gzip": "gzip",
    "+zstd": "zstd",
}

def _source_format(ctx, layer):
    for ending, format in _FORMATS.items():
        if layer.media_type.endswith(ending):
            return format
    return fail("{}: attribute `image`: a layer of {} is no tar archive, but {}; only images of archives can be compressed anew".format(
        ctx.label,
        ctx.attr.image.label,
        repr(layer.media_type),
    ))

def _optimized_layer(ctx, layer, prefix, compression):
    if not layer.blob:
        fail(("{}: attribute `image`: layers of {} are not part of the build; " +
              "write `layer_handling = \"eager\"` or `\"lazy\"` at the `pull` of its base").format(ctx.label, ctx.attr.image.label))
    blob = ctx.actions.declare_file(prefix + blob_extension(compression.format))
    metadata = ctx.actions.declare_file(prefix + "_metadata.json")
    media_type = layer_media_type(compression.format)
    optimize_layer(
        ctx,
        src = layer.blob,
        source_format = _source_format(ctx, layer),
        blob = blob,
        metadata = metadata,
        compression = compression,
        settings = settings_of(ctx),
        values = {"label": label_string(ctx.label), "media_type": media_type},
    )
    return SingleLayerInfo(
        blob = blob,
        estargz = compression.estargz,
        media_type = media_type,
        metadata = metadata,
        mtree = layer.mtree,
        sources = [],
    )

def _optimized_manifest(ctx, source, name, compression):
    layers = [
        _optimized_layer(ctx, layer, "{}_layer_{}".format(name, position), compression)
        for position, layer in enumerate(source.layers)
    ]
    outputs = struct(
        config = ctx.actions.declare_file(name + "_config.json"),
        descriptor = ctx.actions.declare_file(name + "_descriptor.json"),
        digest = ctx.actions.declare_file(name + "_digest"),
        manifest = ctx.actions.declare_file(name + "_manifest.json"),
    )
    optimize_manifest(ctx, source = source, outputs = outputs, layers = [layer.metadata for layer in layers])
    fields = dict(
        architecture = source.architecture,
        base = source.base,
        config = outputs.config,
        descriptor = outputs.descriptor,
        layers = layers,
        manifest = outputs.manifest,
        mtree = source.mtree,
        os = source.os,
        pulled = [],
        variant = source.variant,
    )
    return struct(digest = outputs.digest, fields = fields)

def _single(ctx, settings, compression):
    made = _optimized_manifest(ctx, ctx.attr.image[ImageManifestInfo], ctx.label.name, compression)
    layouts = declare_layouts(ctx, struct(**made.fields), settings, target_platform_of(ctx))
    info = ImageManifestInfo(sparse_oci_layout = layouts.sparse, **made.fields)
    mtree = {"mtree": depset([info.mtree])} if info.mtree else {}
    return [
        DefaultInfo(files = depset([info.manifest, info.config])),
        info,
        OutputGroupInfo(
            descriptor = depset([info.descriptor]),
            digest = depset([made.digest]),
            root_blob = depset([info.manifest]),
            **(layouts.groups | mtree)
        ),
    ]

def _several(ctx, settings, compression):
    source = ctx.attr.image[ImageIndexInfo]
    if source.inner_indexes:
        fail("{}: attribute `image`: {} is an index of indexes; name one of the inner ones".format(ctx.label, ctx.attr.image.label))
    manifests = []
    changed = []
    for position, manifest in enumerate(source.manifests):
        # What is no image, such as an attestation, stays as it is.
        if not manifest.config:
            manifests.append(manifest)
            continue
        made = _optimized_manifest(ctx, manifest, "{}_manifest_{}".format(ctx.label.name, position), compression)
        manifests.append(ImageManifestInfo(sparse_oci_layout = None, **made.fields))
        changed.append(struct(new = made.fields["descriptor"], old = manifest.descriptor))
    outputs = struct(
        descriptor = ctx.actions.declare_file(ctx.label.name + "_descriptor.json"),
        digest = ctx.actions.declare_file(ctx.label.name + "_digest"),
        index = ctx.actions.declare_file(ctx.label.name + "_index.json"),
    )
    optimize_index(ctx, source = source, outputs = outputs, manifests = changed)
    fields = dict(descriptor = outputs.descriptor, index = outputs.index, inner_indexes = [], manifests = manifests)
    layouts = declare_layouts(ctx, struct(**fields), settings, target_platform_of(ctx))
    info = ImageIndexInfo(sparse_oci_layout = layouts.sparse, **fields)
    return [
        DefaultInfo(files = depset([info.index])),
        info,
        OutputGroupInfo(
            descriptor = depset([info.descriptor]),
            digest = depset([outputs.digest]),
            root_blob = depset([info.index]),
            **layouts.groups
        ),
    ]

def _image_optimize_impl(ctx):
    settings = settings_of(ctx)
    format = resolve_auto(ctx.attr.compress, settings.compress)
    compression = compression_of(ctx, format, settings, estargz = is_estargz(ctx, settings, format))
    if ImageIndexInfo in ctx.attr.image:
        return _several(ctx, settings, compression)
    return _single(ctx, settings, compression)

image_optimize = rule(
    implementation = _image_optimize_impl,
    doc = """Compresses all layers of an image anew. Nothing else of the image changes, not even fields that nobody knows.

```starlark
image_optimize(
    name = "app_zstd",
    compress = "zstd",
    image = ":app",
)
```
""",
    attrs = _ATTRS,
    toolchains = [BUILDER_TOOLCHAIN],
)
