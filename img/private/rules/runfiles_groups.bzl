"""The groups that a binary sorts its runfiles into, by the providers of rules_runfiles_group.

The only file that loads that module, whose API moved with every release. Written against version 0.1.0.
"""

load("@rules_runfiles_group//runfiles_group:lib.bzl", "runfiles_groups")
load("@rules_runfiles_group//runfiles_group:providers.bzl", "RunfilesGroupInfo")

visibility([
    "//img/private/rules",
    "//tests/...",
])

def _limit(ctx, groups, budget):
    """Merges groups until there are as few as the budget asks for, if they can be merged."""
    if budget == 0:
        return groups

    # What belongs to no group needs a layer of its own, unless a group takes it in.
    return runfiles_groups.limit(ctx, groups, max_groups = budget if groups.executable_group else budget - 1)

def groups_of(ctx, binary, *, aspect_hints, budget):
    """The groups of a binary, the lowest first.

    Args:
        ctx: the rule context.
        binary: Target: the binary.
        aspect_hints: list of Target: its `aspect_hints`; those with a transform rearrange the groups.
        budget: int: how many layers are wanted; 0 for one per group.

    Returns:
        list of struct(name = string, runfiles = runfiles, is_executable = bool): what each holds, and whether the executable
        goes there, too. Empty: the binary offers no groups, or the budget leaves no room for them.
    """
    if RunfilesGroupInfo not in binary:
        return []
    groups = runfiles_groups.resolve(ctx, binary, aspect_hints = aspect_hints)
    if not groups or not groups.groups:
        return []
    if budget == 1 and not groups.executable_group:
        return []
    limited = _limit(ctx, groups, budget)
    return [
        struct(
            is_executable = group.name == limited.executable_group,
            name = runfiles_groups.name_str(group),
            runfiles = runfiles_groups.runfiles(ctx, group),
        )
        for group in limited.groups
    ]
