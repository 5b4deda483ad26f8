"""The action `ImageIndex`: an image for several platforms."""

load("//img/private/actions:builder.bzl", "add_values", "lines_args", "run_builder")

visibility([
    "//img/private/rules",
    "//tests/...",
])

def write_index(ctx, *, outputs, descriptors, annotations_file, values):
    """Declares the action.

    Args:
        ctx: the rule context.
        outputs: struct(index = File, descriptor = File, digest = File): what the action writes.
        descriptors: list of File: descriptors of the manifests, in order.
        annotations_file: File or None: further annotations.
        values: dict: what users typed, see docs/design/architecture.md.
    """
    args = lines_args(ctx)
    args.add("--index", outputs.index)
    args.add("--descriptor", outputs.descriptor)
    args.add("--digest", outputs.digest)

    # Two platforms can have one and the same image; each is an entry of its own.
    args.add_all(descriptors, before_each = "--manifest")
    inputs = list(descriptors)
    if annotations_file:
        args.add("--annotations-file", annotations_file)
        inputs.append(annotations_file)
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
