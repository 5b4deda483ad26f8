"""The actions that read OCI layouts: `ConvertOCILayoutToImageManifest` and `ConvertOCILayoutToImageIndex` take images out of one,
`OCILayoutStructureMeta` what can be checked of them.
"""

load("//img/private/actions:archive.bzl", "add_archive")
load("//img/private/actions:builder.bzl", "add_values", "label_string", "lines_args", "run_builder")

visibility([
    "//img/private/rules",
    "//tests/...",
])

def _image_lines(image):
    head = "\0".join(["manifest", image.platform, image.manifest.path, image.config.path, image.descriptor.path])
    return [head] + [
        "\0".join(["layer", layer.media_type, layer.blob.path, layer.metadata.path, layer.mtree.path])
        for layer in image.layers
    ]

def convert_layout(ctx, *, src, images, digest, settings, index = None):
    """Declares the action.

    Args:
        ctx: the rule context.
        src: File: the layout, a directory.
        images: list of struct(
            platform = string: `os/architecture[/variant]`,
            manifest = File, config = File, descriptor = File,
            layers = list of SingleLayerInfo: what to write, the lowest layer first,
        ): the images to take.
        digest: File: digest of the index, or else of the only image.
        settings: SettingsInfo: the build settings.
        index: struct(index = File, descriptor = File) or None: the index over the images to write, if one is wanted.
    """
    args = lines_args(ctx)

    # The directory itself, not the files in it.
    args.add_all([src], before_each = "--layout", expand_directories = False)
    args.add("--digest", digest)
    add_archive(args, settings)
    outputs = [digest]
    if index:
        args.add("--index", index.index)
        args.add("--index-descriptor", index.descriptor)
        outputs += [index.index, index.descriptor]
    add_values(args, {"label": label_string(ctx.label)})
    entries = lines_args(ctx, "--entries=%s")
    entries.add_all(images, map_each = _image_lines)
    for image in images:
        outputs += [image.manifest, image.config, image.descriptor]
        outputs += [file for layer in image.layers for file in [layer.blob, layer.metadata, layer.mtree]]
    run_builder(
        ctx,
        verb = ["convert"],
        arguments = [args, entries],
        mnemonic = "ConvertOCILayoutToImageIndex" if index else "ConvertOCILayoutToImageManifest",
        inputs = [src],
        outputs = outputs,
        progress_message = "Reading OCI layout %{label}",
    )

def extract_layout(ctx, *, src, output, settings):
    """Declares the action that writes configs and listings of all images in a layout.

    Args:
        ctx: the rule context.
        src: File: the layout, a directory.
        output: File: a directory, with a list of the images in `images.json`.
        settings: SettingsInfo: the build settings.
    """
    args = lines_args(ctx)

    # The directories themselves, not the files in them.
    args.add_all([src], before_each = "--layout", expand_directories = False)
    args.add_all([output], before_each = "--output", expand_directories = False)
    add_archive(args, settings)
    add_values(args, {"label": label_string(ctx.label)})
    run_builder(
        ctx,
        verb = ["extract"],
        arguments = [args],
        mnemonic = "OCILayoutStructureMeta",
        inputs = [src],
        outputs = [output],
        progress_message = "Reading OCI layout %{label}",
    )
