"""The actions `ImageOptimizeLayer`, `ImageOptimizeManifest` and `ImageOptimizeIndex`: an image is compressed anew."""

load("//img/private/actions:archive.bzl", "add_archive")
load("//img/private/actions:builder.bzl", "add_values", "lines_args", "run_builder")
load("//img/private/actions:compression.bzl", "add_compression", "compression_resources")

visibility([
    "//img/private/rules",
    "//tests/...",
])

def optimize_layer(ctx, *, src, source_format, blob, metadata, compression, settings, values):
    """Declares the action that compresses a layer.

    Args:
        ctx: the rule context.
        src: File: the layer as it is.
        source_format: string: how it is compressed: `gzip`, `zstd` or `none`.
        blob: File: the layer to write.
        metadata: File: its metadata.
        compression: struct: what compression_of() returned.
        settings: SettingsInfo: the build settings.
        values: dict: what users typed, see docs/design/architecture.md.
    """
    args = lines_args(ctx)
    args.add("--input", src)
    args.add("--source-format", source_format)
    args.add("--metadata", metadata)
    args.add("--output", blob)
    add_archive(args, settings)
    add_compression(args, compression)
    add_values(args, values)
    run_builder(
        ctx,
        verb = ["import"],
        arguments = [args],
        mnemonic = "ImageOptimizeLayer",
        inputs = [src],
        outputs = [blob, metadata],
        progress_message = "Compressing layer %{output}",
        resource_set = compression_resources(compression),
    )

def optimize_manifest(ctx, *, source, outputs, layers):
    """Declares the action that writes the documents of an image for one platform.

    Args:
        ctx: the rule context.
        source: ImageManifestInfo: the image as it is.
        outputs: struct(manifest = File, config = File, descriptor = File, digest = File): what the action writes.
        layers: list of File: metadata of its layers as they will be, the lowest first.
    """
    args = lines_args(ctx)
    args.add("--manifest", outputs.manifest)
    args.add("--config", outputs.config)
    args.add("--descriptor", outputs.descriptor)
    args.add("--digest", outputs.digest)
    args.add("--source-manifest", source.manifest)
    args.add("--source-config", source.config)
    args.add("--source-descriptor", source.descriptor)
    args.add_all(layers, before_each = "--layer")
    run_builder(
        ctx,
        verb = ["optimize", "manifest"],
        arguments = [args],
        mnemonic = "ImageOptimizeManifest",
        inputs = [source.manifest, source.config, source.descriptor] + layers,
        outputs = [outputs.manifest, outputs.config, outputs.descriptor, outputs.digest],
        progress_message = "Writing image manifest %{output}",
    )

def optimize_index(ctx, *, source, outputs, manifests):
    """Declares the action that writes the index of an image for several platforms.

    Args:
        ctx: the rule context.
        source: ImageIndexInfo: the image as it is.
        outputs: struct(index = File, descriptor = File, digest = File): what the action writes.
        manifests: list of struct(old = File, new = File): descriptors of images that changed.
    """
    args = lines_args(ctx)
    args.add("--index", outputs.index)
    args.add("--descriptor", outputs.descriptor)
    args.add("--digest", outputs.digest)
    args.add("--source-index", source.index)
    args.add("--source-descriptor", source.descriptor)
    args.add_all([pair.old for pair in manifests], before_each = "--source-manifest")
    args.add_all([pair.new for pair in manifests], before_each = "--manifest")
    run_builder(
        ctx,
        verb = ["optimize", "index"],
        arguments = [args],
        mnemonic = "ImageOptimizeIndex",
        inputs = [source.index, source.descriptor] + [file for pair in manifests for file in [pair.old, pair.new]],
        outputs = [outputs.index, outputs.descriptor, outputs.digest],
        progress_message = "Writing image index %{label}",
    )
