"""The action `ImageIndex`: an image for several platforms."""

load("//img/private/actions:builder.bzl", "add_templates", "add_values", "lines_args", "run_builder")

visibility([
    "//img/private/rules",
    "//tests/...",
])

def write_index(ctx, *, outputs, descriptors, annotations_file, subject, stamp_files, base, values):
    """Declares the action.

    Args:
        ctx: the rule context.
        outputs: struct(index = File, descriptor = File, digest = File): what the action writes.
        descriptors: list of File: descriptors of the manifests, in order.
        annotations_file: File or None: further annotations.
        subject: File or None: descriptor of the image that this one is about.
        stamp_files: list of File: workspace status files for templates; empty if nothing is stamped.
        base: ImageManifestInfo or None: the image whose documents templates may use.
        values: dict: what users typed, see docs/design/architecture.md.
    """
    args = lines_args(ctx)
    args.add("--index", outputs.index)
    args.add("--descriptor", outputs.descriptor)
    args.add("--digest", outputs.digest)

    # Two platforms can have one and the same image; each is an entry of its own.
    args.add_all(descriptors, before_each = "--manifest")
    inputs = descriptors + add_templates(args, stamp_files = stamp_files, base = base)
    for flag, file in [("--annotations-file", annotations_file), ("--subject-descriptor", subject)]:
        if file:
            args.add(flag, file)
            inputs.append(file)
    add_values(args, values)
    run_builder(
        ctx,
        verb = ["index"],
        arguments = [args],
        mnemonic = "ImageIndex",
        inputs = inputs,
        outputs = [outputs.index, outputs.descriptor, outputs.digest],
        progress_message = "Writing image index %{label}",
    )
