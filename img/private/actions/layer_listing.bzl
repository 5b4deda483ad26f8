"""The action `LayerMtree`: what is in a layer. It runs only where a listing is asked for."""

load("//img/private/actions:builder.bzl", "lines_args", "run_builder")

visibility([
    "//img/private/rules",
    "//tests/...",
])

def list_layer(ctx, *, blob, format, listing, settings):
    """Declares the action.

    Args:
        ctx: the rule context.
        blob: File: the layer.
        format: string: how it is compressed: `gzip`, `zstd` or `none`.
        listing: File: the listing to write.
        settings: SettingsInfo: the build settings, which say how it looks.
    """
    args = lines_args(ctx)
    args.add("--input", blob)
    args.add("--source-format", format)
    args.add("--output", listing)

    # An empty prefix is a value, too, and an empty line of a parameter file is easily lost.
    args.add(settings.mtree_path_prefix, format = "--mtree-path-prefix=%s")
    args.add("--mtree-options", settings.mtree_options)
    args.add("--mtree-layout", settings.mtree_layer_layout)
    run_builder(
        ctx,
        verb = ["layer-listing"],
        arguments = [args],
        mnemonic = "LayerMtree",
        inputs = [blob],
        outputs = [listing],
        progress_message = "Listing layer %{label}",
    )
