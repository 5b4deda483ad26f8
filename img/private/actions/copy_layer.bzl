"""The action `LayerCopy`: a layer that is a source file, as an output of an action.

Bazel puts outputs of actions into a remote cache, and source files only where actions run remotely. So pushes that read layers out of
the cache ask for the copy, and all others for the file itself.
"""

load("//img/private/actions:builder.bzl", "lines_args", "run_builder")

visibility(["//img/private/rules"])

def declare_copy(ctx, *, name, blob, metadata):
    """Declares the action, which nobody runs who needs neither of its outputs.

    Both are outputs of one action, so that a plan, which reads the metadata, has the layer in the cache and never on this disk.

    Args:
        ctx: the rule context.
        name: string: what the names of the outputs begin with.
        blob: File: the layer.
        metadata: File: what it says about itself.

    Returns:
        struct(blob = File, metadata = File) or None: the same bytes; None if the layer is an output of an action already.
    """
    if not blob.is_source:
        return None
    copy = struct(
        blob = ctx.actions.declare_file("{}_copy/{}".format(name, blob.basename)),
        metadata = ctx.actions.declare_file(name + "_copy_metadata.json"),
    )
    args = lines_args(ctx)
    args.add("--input", blob)
    args.add("--metadata", metadata)
    args.add("--output", copy.blob)
    args.add("--output-metadata", copy.metadata)
    run_builder(
        ctx,
        verb = ["copy"],
        arguments = [args],
        mnemonic = "LayerCopy",
        inputs = [blob, metadata],
        outputs = [copy.blob, copy.metadata],
        progress_message = "Copying layer %{label}",
    )
    return copy
