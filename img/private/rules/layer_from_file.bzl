"""The rule `layer_from_file`: a file of any kind becomes a layer, byte for byte."""

load("//img:media_types.bzl", "UNCOMPRESSED_LAYER")
load("//img/private/actions:blob.bzl", "describe_blob")
load("//img/private/actions:builder.bzl", "BUILDER_TOOLCHAIN", "label_string")
load("//img/private/actions:copy_layer.bzl", "declare_copy")
load("//img/private/config:settings.bzl", "SETTINGS_ATTRS", "settings_of")
load("//img/private/providers:layer.bzl", "LayersInfo", "SingleLayerInfo")
load("//img/private/rules:layer_attrs.bzl", "layer_providers")

visibility([
    "//img",
    "//tests/...",
])

_ATTRS = SETTINGS_ATTRS | {
    "annotations": attr.string_dict(
        doc = "Annotations of the layer's descriptor. They win over `base_name_annotations`.",
    ),
    "base_name_annotations": attr.string_list(
        doc = "Names of annotations whose value is the file's name.",
    ),
    "diff_id": attr.bool(
        doc = "Whether the file is a tar archive, compressed or not, whose diff id is wanted. For archives, see also `layer_from_tar`.",
    ),
    "diff_id_annotations": attr.string_list(
        doc = "Names of annotations whose value is the diff id. Needs `diff_id = True`.",
    ),
    "media_type": attr.string(
        doc = "The media type of the layer.",
        default = UNCOMPRESSED_LAYER,
    ),
    "src": attr.label(
        doc = "The file.",
        allow_single_file = True,
        mandatory = True,
    ),
}

def _check_diff_id_annotations(ctx):
    if ctx.attr.diff_id_annotations and not ctx.attr.diff_id:
        fail("{}: attribute `diff_id_annotations`: there is no diff id to put there; write `diff_id = True`".format(ctx.label))
    for name in ctx.attr.diff_id_annotations:
        if ":" in name:
            fail("{}: attribute `diff_id_annotations`: expected names of annotations without `:`, found {}".format(
                ctx.label,
                repr(name),
            ))

def _layer_from_file_impl(ctx):
    _check_diff_id_annotations(ctx)
    media_type = ctx.attr.media_type or UNCOMPRESSED_LAYER
    metadata = ctx.actions.declare_file(ctx.label.name + "_metadata.json")
    describe_blob(
        ctx,
        src = ctx.file.src,
        metadata = metadata,
        diff_id = ctx.attr.diff_id,
        settings = settings_of(ctx),
        values = {
            "annotations": ctx.attr.annotations,
            "base_name": ctx.file.src.basename,
            "base_name_annotations": ctx.attr.base_name_annotations,
            "diff_id_annotations": ctx.attr.diff_id_annotations,
            "history": "bazel build " + label_string(ctx.label),
            "label": label_string(ctx.label),
            "media_type": media_type,
        },
    )
    layer = SingleLayerInfo(
        blob = ctx.file.src,
        copy = declare_copy(ctx, name = ctx.label.name, blob = ctx.file.src, metadata = metadata),
        media_type = media_type,
        metadata = metadata,
    )
    return layer_providers([layer], files = [ctx.file.src, metadata])

layer_from_file = rule(
    implementation = _layer_from_file_impl,
    doc = """Makes a layer of any file, byte for byte: Helm charts, WASM modules and other artifacts.

```starlark
layer_from_file(
    name = "chart_layer",
    src = ":chart.tgz",
    media_type = "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
)
```
""",
    attrs = _ATTRS,
    provides = [LayersInfo],
    toolchains = [BUILDER_TOOLCHAIN],
)
