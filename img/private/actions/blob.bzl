"""The action `LayerMetadata` for a file of any kind that is a layer as it is."""

load("//img/private/actions:archive.bzl", "add_archive")
load("//img/private/actions:builder.bzl", "add_values", "lines_args", "run_builder")

visibility([
    "//img/private/rules",
    "//tests/...",
])

def describe_blob(ctx, *, src, metadata, diff_id, settings, values):
    """Declares the action.

    Args:
        ctx: the rule context.
        src: File: the file.
        metadata: File: the layer metadata to write.
        diff_id: bool: whether the file is a tar archive, compressed or not, whose diff id is wanted.
        settings: SettingsInfo: the build settings.
        values: dict: what users typed, see docs/design/architecture.md.
    """
    args = lines_args(ctx)
    args.add("--input", src)
    args.add("--metadata", metadata)
    if diff_id:
        args.add("--diff-id")
        add_archive(args, settings)
    add_values(args, values)
    run_builder(
        ctx,
        verb = ["blob"],
        arguments = [args],
        mnemonic = "LayerMetadata",
        inputs = [src],
        outputs = [metadata],
        progress_message = "Reading layer %{label}",
    )
