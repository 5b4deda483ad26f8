"""The strategy `bes`: what a target has to build so that a build event service can push it, see docs/design/bes.md."""

visibility(["//img/private/rules"])

# Bazel builds this group whenever no group is asked for, and downloads nothing of it. Other rules use it for the same purpose.
_BUILT_AND_NOT_DOWNLOADED = "_hidden_top_level_INTERNAL_"

def bes_outputs(*, strategies, plan, blobs):
    """What the strategies of a target's pushes add to its outputs; nothing if none is `bes`.

    Args:
        strategies: list of string: of all pushes.
        plan: File: the plan of the pushes.
        blobs: list of File: the layers that the build makes.

    Returns:
        struct(
            files = list of File: default outputs of a target whose own output is to be pushed, since Bazel reports those without being
                asked for `deploy_manifest`,
            groups = dict: output group -> depset of File,
        )
    """
    if "bes" not in strategies:
        return struct(files = [], groups = {})
    return struct(files = [plan], groups = {_BUILT_AND_NOT_DOWNLOADED: depset(blobs)})
