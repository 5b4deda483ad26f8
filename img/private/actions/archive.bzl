"""How archives are read, which all verbs that read one share."""

visibility(["//img/private/actions"])

def add_archive(args, settings):
    """Adds the flags about archives that somebody else made.

    Args:
        args: Args: the arguments.
        settings: SettingsInfo: the build settings.
    """
    if settings.allow_any_compression_ratio == "enabled":
        args.add("--allow-any-ratio")
