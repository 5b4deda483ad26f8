"""How listings of layers look, which all verbs that write one share."""

visibility(["//img/private/actions"])

def add_listing(args, listing, settings):
    """Adds the flags about a listing.

    Args:
        args: Args: the arguments.
        listing: File: the listing to write.
        settings: SettingsInfo: the build settings.
    """
    args.add("--listing", listing)

    # An empty prefix is a value, too, and an empty line of a parameter file is easily lost.
    args.add(settings.mtree_path_prefix, format = "--mtree-path-prefix=%s")
    args.add("--mtree-options", settings.mtree_options)
    args.add("--mtree-layout", settings.mtree_layer_layout)
