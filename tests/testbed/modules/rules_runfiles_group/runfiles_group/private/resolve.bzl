"""From the entries that targets collected to an ordered set of groups with unique names."""

load("//runfiles_group:providers.bzl", "RunfilesGroupInfo", "RunfilesGroupTransformInfo")
load(":contents.bzl", "union")
load(":entries.bzl", "check_entry", "derive")
load(":names.bzl", "check_group_name", "name_key", "name_str")

visibility("//runfiles_group/...")

def resolve(ctx, source, *, aspect_hints):
    """Flattens, folds, transforms and orders the groups of a target.

    Args:
      ctx: the rule's context.
      source: Target, `RunfilesGroupInfo` or depset of entries.
      aspect_hints: the targets in the binary's `aspect_hints`. No default, for it is easily forgotten.

    Returns:
      `struct(groups, by_name, executable_group)`, or None if there are no groups at all.
    """
    depset_of_entries, executable_group = _entries_of(source)
    flat = depset_of_entries.to_list() if depset_of_entries else []
    if not flat:
        return None
    for value in flat:
        check_entry("resolve", value)
    result = resolved(_fold(ctx, flat), executable_group = executable_group)
    for hint in aspect_hints:
        if RunfilesGroupTransformInfo in hint:
            result = _transform(hint, result)
    return result

def _entries_of(source):
    if type(source) == "Target":
        if RunfilesGroupInfo not in source:
            return None, None
        source = source[RunfilesGroupInfo]
    if type(source) == "depset":
        return source, None
    if type(source) == "struct" and hasattr(source, "entries") and hasattr(source, "executable_group"):
        return source.entries, source.executable_group
    fail("resolve: expected a Target, a RunfilesGroupInfo or a depset of entries, got %s" % type(source))

def _fold(ctx, flat):
    by_name = {}
    for value in flat:
        same = by_name.setdefault(value.name, [])
        if value not in same:
            same.append(value)
    return [_fold_same(ctx, same) for same in by_name.values()]

def _fold_same(ctx, same):
    if len(same) == 1:
        return same[0]
    weights = [value.weight for value in same if value.weight != None]
    return derive(
        same[0],
        content = union(ctx, [value.content for value in same]),
        kind = _smallest_set([value.kind for value in same]),
        rank = min([value.rank for value in same]),
        do_not_merge = any([value.do_not_merge for value in same]),
        weight = max(weights) if weights else None,
        merge_affinity = _smallest_set([value.merge_affinity for value in same]),
    )

def _smallest_set(strings):
    strings = [string for string in strings if string]
    return min(strings) if strings else ""

def _transform(hint, before):
    after = hint[RunfilesGroupTransformInfo].transform(before)
    if type(after) != "struct" or not hasattr(after, "groups"):
        fail("resolve: the transform of %s returned no struct with groups" % hint.label)
    return resolved(after.groups, executable_group = getattr(after, "executable_group", None))

def resolved(groups, *, executable_group = None):
    """Makes an ordered set of groups.

    Args:
      groups: list of entries with unique names.
      executable_group: Label, string or None: the name of one of them.

    Returns:
      `struct(groups, by_name, executable_group)`.
    """
    if type(groups) not in ["list", "tuple"]:
        fail("resolved: groups: expected a list of entries, got %s" % type(groups))
    by_name = {}
    for group in groups:
        check_entry("resolved", group)
        if group.name in by_name:
            fail("resolved: there are two groups named %s" % group.name)
        by_name[group.name] = group
    if executable_group != None:
        check_group_name("resolved: executable_group", executable_group)
        if executable_group not in by_name:
            fail("resolved: executable_group: there is no group named %s" % executable_group)
    return struct(
        groups = sorted(groups, key = lambda group: (group.rank, name_key(group.name))),
        by_name = by_name,
        executable_group = executable_group,
    )

def group_names(resolved):
    """The names of all groups.

    Args:
      resolved: a resolved set.

    Returns:
      sorted list of strings.
    """
    return sorted([name_str(group) for group in resolved.groups])

def index_by_name_str(resolved):
    """The groups by their rendered names.

    Args:
      resolved: a resolved set.

    Returns:
      dict from string to entry.
    """
    index = {}
    for group in resolved.groups:
        name = name_str(group)
        if name in index:
            fail("index_by_name_str: two names render as %s" % name)
        index[name] = group
    return index
