"""The rules `image_manifest_from_oci_layout` and `image_index_from_oci_layout`: images that other rules made."""

load("//img:media_types.bzl", "GZIP_LAYER", "UNCOMPRESSED_LAYER", "ZSTD_LAYER")
load("//img/private/actions:builder.bzl", "BUILDER_TOOLCHAIN")
load("//img/private/actions:convert.bzl", "convert_layout")
load("//img/private/config:platforms.bzl", "platform_string")
load("//img/private/config:settings.bzl", "SETTINGS_ATTRS", "settings_of")
load("//img/private/providers:image.bzl", "ImageIndexInfo", "ImageManifestInfo")
load("//img/private/providers:layer.bzl", "SingleLayerInfo")
load("//img/private/rules:image_outputs.bzl", "declare_listing", "declare_sparse_layout")

visibility([
    "//img",
    "//tests/...",
])

_ARCHITECTURES = ["386", "amd64", "arm", "arm64", "mips64", "ppc64le", "riscv64", "s390x"]
_SYSTEMS = ["android", "darwin", "freebsd", "ios", "linux", "netbsd", "openbsd", "wasip1", "windows"]

_EXTENSIONS = {
    GZIP_LAYER: ".tgz",
    UNCOMPRESSED_LAYER: ".tar",
    ZSTD_LAYER: ".tzst",
}

_COMMON_ATTRS = SETTINGS_ATTRS | {
    "layers": attr.string_list(
        doc = "The media types of the layers, the lowest first, as `@rules_img//img:media_types.bzl` names them.",
        allow_empty = False,
        mandatory = True,
    ),
    "src": attr.label(
        doc = "The OCI layout: a target whose output is one directory, or a directory of the source tree.",
        allow_single_file = True,
        mandatory = True,
    ),
}

def _layers(ctx, name):
    layers = []
    for position, media_type in enumerate(ctx.attr.layers):
        if media_type not in _EXTENSIONS:
            fail("{}: attribute `layers`: {} is not the media type of a layer; write one of {}".format(
                ctx.label,
                repr(media_type),
                ", ".join(_EXTENSIONS),
            ))
        layers.append(SingleLayerInfo(
            blob = ctx.actions.declare_file("{}_layer_blob_{}{}".format(name, position, _EXTENSIONS[media_type])),
            media_type = media_type,
            metadata = ctx.actions.declare_file("{}_metadata_{}.json".format(name, position)),
            mtree = ctx.actions.declare_file("{}_layer_{}.mtree".format(name, position)),
            sources = [],
        ))
    return layers

def _image(ctx, name, prefix, os, architecture, variant):
    """An image to take: what is written, and for whom."""
    if architecture == "arm64" and not variant:
        variant = "v8"
    return struct(
        architecture = architecture,
        config = ctx.actions.declare_file(prefix + "_config.json"),
        descriptor = ctx.actions.declare_file(prefix + "_descriptor.json"),
        layers = _layers(ctx, name),
        manifest = ctx.actions.declare_file(prefix + "_manifest.json"),
        os = os,
        platform = platform_string(os, architecture, variant),
        variant = variant,
    )

def _fields(image, mtree):
    return dict(
        architecture = image.architecture,
        base = None,
        config = image.config,
        descriptor = image.descriptor,
        layers = image.layers,
        manifest = image.manifest,
        mtree = mtree,
        os = image.os,
        pulled = [],
        variant = image.variant,
    )

def _manifest_impl(ctx):
    name = ctx.label.name
    image = _image(ctx, name, name + "_image", ctx.attr.os, ctx.attr.architecture, ctx.attr.variant)
    digest = ctx.actions.declare_file(name + "_digest")
    convert_layout(ctx, src = ctx.file.src, images = [image], digest = digest, settings = settings_of(ctx))
    fields = _fields(image, declare_listing(ctx, image.layers, settings_of(ctx)))
    info = ImageManifestInfo(sparse_oci_layout = declare_sparse_layout(ctx, struct(**fields)), **fields)
    return [
        DefaultInfo(files = depset([info.manifest, info.config])),
        info,
        OutputGroupInfo(
            descriptor = depset([info.descriptor]),
            digest = depset([digest]),
            mtree = depset([info.mtree]),
            oci_layout = depset([ctx.file.src]),
            sparse_oci_layout = depset([info.sparse_oci_layout]),
        ),
    ]

image_manifest_from_oci_layout = rule(
    implementation = _manifest_impl,
    doc = """Takes the image for one platform out of an OCI layout that another rule made.

```starlark
image_manifest_from_oci_layout(
    name = "app",
    src = ":layout_of_another_ruleset",
    architecture = "amd64",
    layers = [GZIP_LAYER],
    os = "linux",
)
```
""",
    attrs = _COMMON_ATTRS | {
        "architecture": attr.string(
            doc = "The processor of the image.",
            mandatory = True,
            values = _ARCHITECTURES,
        ),
        "os": attr.string(
            doc = "The operating system of the image.",
            mandatory = True,
            values = _SYSTEMS,
        ),
        "variant": attr.string(
            doc = "The variant of the processor. Empty for `arm64`: `v8`.",
        ),
    },
    provides = [ImageManifestInfo],
    toolchains = [BUILDER_TOOLCHAIN],
)

def _parse_platform(ctx, text):
    parts = text.split("/")
    if len(parts) not in [2, 3] or parts[0] not in _SYSTEMS or parts[1] not in _ARCHITECTURES:
        fail("{}: attribute `manifests`: expected `os/architecture` or `os/architecture/variant`, found {}; write e.g. \"linux/arm64\"".format(
            ctx.label,
            repr(text),
        ))
    os, architecture, variant = (parts + [""])[:3]
    return os, architecture, variant

def _index_impl(ctx):
    name = ctx.label.name
    images = []
    for position, text in enumerate(ctx.attr.manifests):
        os, architecture, variant = _parse_platform(ctx, text)
        prefix = "{}_{}".format(name, position)
        images.append(_image(ctx, prefix, prefix, os, architecture, variant))
    digest = ctx.actions.declare_file(name + "_digest")
    outputs = struct(
        descriptor = ctx.actions.declare_file(name + "_descriptor.json"),
        index = ctx.actions.declare_file(name + "_index.json"),
    )
    convert_layout(ctx, src = ctx.file.src, images = images, digest = digest, index = outputs, settings = settings_of(ctx))
    fields = dict(
        descriptor = outputs.descriptor,
        index = outputs.index,
        inner_indexes = [],
        manifests = [ImageManifestInfo(sparse_oci_layout = None, **_fields(image, None)) for image in images],
    )
    info = ImageIndexInfo(sparse_oci_layout = declare_sparse_layout(ctx, struct(**fields)), **fields)
    return [
        DefaultInfo(files = depset([info.index])),
        info,
        OutputGroupInfo(
            descriptor = depset([info.descriptor]),
            digest = depset([digest]),
            oci_layout = depset([ctx.file.src]),
            sparse_oci_layout = depset([info.sparse_oci_layout]),
        ),
    ]

image_index_from_oci_layout = rule(
    implementation = _index_impl,
    doc = """Takes the images for several platforms out of an OCI layout that another rule made.

```starlark
image_index_from_oci_layout(
    name = "app",
    src = ":layout_of_another_ruleset",
    layers = [GZIP_LAYER],
    manifests = ["linux/amd64", "linux/arm64"],
)
```
""",
    attrs = _COMMON_ATTRS | {
        "manifests": attr.string_list(
            doc = "The platforms of the images, `os/architecture` or `os/architecture/variant`, in the order of the index.",
            allow_empty = False,
            mandatory = True,
        ),
    },
    provides = [ImageIndexInfo],
    toolchains = [BUILDER_TOOLCHAIN],
)
