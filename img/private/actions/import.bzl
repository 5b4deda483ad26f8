"""The actions `LayerMetadata`, `LayerCompress` and `LayerOptimize`: a tar archive becomes a layer."""

load("//img/private/actions:archive.bzl", "add_archive")
load("//img/private/actions:builder.bzl", "add_values", "lines_args", "run_builder")
load("//img/private/actions:compression.bzl", "add_compression", "compression_resources")

visibility([
    "//img/private/rules",
    "//tests/...",
])

def import_layer(
        ctx,
        *,
        src,
        source_format,
        metadata,
        settings,
        values,
        blob = None,
        compression = None,
        optimize = False):
    """Declares the action.

    Args:
        ctx: the rule context.
        src: File: the archive.
        source_format: string: how it is compressed: `gzip`, `zstd` or `none`.
        metadata: File: the layer metadata to write.
        settings: SettingsInfo: the build settings.
        values: dict: what users typed, see docs/design/architecture.md.
        blob: File or None: the layer to write; None: the archive is the layer, as it is.
        compression: struct or None: with a blob, what compression_of() returned.
        optimize: bool: whether to rewrite the archive without duplicate contents.
    """
    args = lines_args(ctx)
    args.add("--input", src)
    args.add("--source-format", source_format)
    args.add("--metadata", metadata)
    add_archive(args, settings)
    outputs = [metadata]
    mnemonic = "LayerMetadata"
    progress_message = "Reading layer %{label}"
    if blob:
        mnemonic = "LayerOptimize" if optimize else "LayerCompress"
        progress_message = "Rewriting layer %{label}" if optimize else "Compressing layer %{label}"
        args.add("--output", blob)
        outputs.append(blob)
        add_compression(args, compression)
        if optimize:
            args.add("--optimize")
    add_values(args, values)
    run_builder(
        ctx,
        verb = ["import"],
        arguments = [args],
        mnemonic = mnemonic,
        inputs = [src],
        outputs = outputs,
        progress_message = progress_message,
        resource_set = compression_resources(compression) if blob else None,
    )
