"""Merges groups until there are few enough of them."""

load(":contents.bzl", "union")
load(":entries.bzl", "derive")
load(":names.bzl", "check_group_name", "name_key")
load(":resolve.bzl", _make_resolved = "resolved")

visibility("//runfiles_group/...")

def limit(ctx, resolved, *, max_groups, default_weight = 0, merged_group_name = None):
    """Merges the lightest pairs of groups until `max_groups` are left, or none can be merged.

    Args:
      ctx: the rule's context.
      resolved: a resolved set.
      max_groups: int; may be out of reach.
      default_weight: int that is not negative: the weight of groups that have none.
      merged_group_name: function from the lighter group's name and weight and the heavier one's to
        the name of their union; without it, the heavier group's name.

    Returns:
      `struct(groups, by_name, executable_group, group_count)`.
    """
    _check_arguments(resolved, max_groups, default_weight)
    groups = list(resolved.groups)
    executable_group = resolved.executable_group
    for _ in range(len(groups)):
        if len(groups) <= max_groups:
            break
        pair = _best_pair(groups, default_weight)
        if pair == None:
            break
        merged = _merge(ctx, pair, default_weight, merged_group_name, groups)
        if executable_group in [pair.lighter.name, pair.heavier.name]:
            executable_group = merged.name
        groups = [
            group
            for group in groups
            if group.name not in [pair.lighter.name, pair.heavier.name]
        ] + [merged]
    result = _make_resolved(groups, executable_group = executable_group)
    return struct(
        groups = result.groups,
        by_name = result.by_name,
        executable_group = result.executable_group,
        group_count = len(result.groups),
    )

def _check_arguments(resolved, max_groups, default_weight):
    if type(resolved) != "struct" or not hasattr(resolved, "groups"):
        fail("limit: expected a resolved set, got %s" % type(resolved))
    if type(max_groups) != "int":
        fail("limit: max_groups: expected an int, got %s" % type(max_groups))
    if type(default_weight) != "int" or default_weight < 0:
        fail("limit: default_weight: expected an int that is not negative, got %r" % default_weight)

def _weight(group, default_weight):
    return default_weight if group.weight == None else group.weight

def _best_pair(groups, default_weight):
    candidates = [group for group in groups if not group.do_not_merge]
    return (
        _best_pair_in(candidates, default_weight, lambda group: (group.rank, group.merge_affinity)) or
        _best_pair_in(candidates, default_weight, lambda group: group.rank)
    )

def _best_pair_in(candidates, default_weight, bucket_of):
    buckets = {}
    for group in candidates:
        buckets.setdefault(bucket_of(group), []).append(group)
    pairs = []
    for bucket in buckets.values():
        if len(bucket) < 2:
            continue
        lightest = sorted(
            bucket,
            key = lambda group: (_weight(group, default_weight), name_key(group.name)),
        )
        pairs.append(struct(lighter = lightest[0], heavier = lightest[1]))
    pairs = sorted(pairs, key = lambda pair: (
        _weight(pair.lighter, default_weight) + _weight(pair.heavier, default_weight),
        pair.lighter.rank,
        name_key(pair.lighter.name),
        name_key(pair.heavier.name),
    ))
    return pairs[0] if pairs else None

def _merge(ctx, pair, default_weight, merged_group_name, groups):
    lighter_weight = _weight(pair.lighter, default_weight)
    heavier_weight = _weight(pair.heavier, default_weight)
    name = pair.heavier.name
    if merged_group_name != None:
        name = merged_group_name(pair.lighter.name, lighter_weight, pair.heavier.name, heavier_weight)
        check_group_name("limit: merged_group_name", name)
        if str(name) in [str(group.name) for group in groups]:
            fail("limit: merged_group_name returned %s, and there is a group of this name" % name)
    return derive(
        pair.heavier,
        name = name,
        content = union(ctx, [pair.lighter.content, pair.heavier.content]),
        weight = lighter_weight + heavier_weight,
        do_not_merge = False,
    )
