"""Entries: one named part of the runfiles, with what a packager may want to know about it."""

load(":names.bzl", "check_group_name")

visibility("//runfiles_group/...")

KINDS = ("", "foundation", "third_party", "first_party", "debug", "docs")

DEFAULT_METADATA = struct(
    kind = "",
    rank = 0,
    do_not_merge = False,
    weight = None,
    merge_affinity = "",
)

_FIELDS = ("content", "do_not_merge", "kind", "merge_affinity", "name", "rank", "weight")

# Fields that Bazel adds to every struct.
_STRUCT_METHODS = ("to_json", "to_proto")

_EntryInfo = provider(
    doc = "One entry. Made by `entry` and `derive` only.",
    fields = {field: "See `entry`." for field in _FIELDS},
)

def entry(
        *,
        name,
        content,
        kind = DEFAULT_METADATA.kind,
        rank = DEFAULT_METADATA.rank,
        do_not_merge = DEFAULT_METADATA.do_not_merge,
        weight = DEFAULT_METADATA.weight,
        merge_affinity = DEFAULT_METADATA.merge_affinity):
    """Makes an entry.

    Args:
      name: Label (what one target contributes) or string (a group shared by targets).
      content: depset of File, or runfiles object.
      kind: one of `KINDS`.
      rank: int; lower comes earlier.
      do_not_merge: whether `limit` leaves the group alone.
      weight: int that is not negative, or None; light groups are merged first.
      merge_affinity: string; groups that share it are merged first.

    Returns:
      the entry.
    """
    _check_fields(name, content, kind, rank, do_not_merge, weight, merge_affinity)
    return _EntryInfo(
        name = name,
        # Rewrapped, so that no order other than the default one gets into the depsets above it.
        content = depset(transitive = [content]) if type(content) == "depset" else content,
        kind = kind,
        rank = rank,
        do_not_merge = do_not_merge,
        weight = weight,
        merge_affinity = merge_affinity,
    )

def _check_fields(name, content, kind, rank, do_not_merge, weight, merge_affinity):
    check_group_name("entry: name", name)
    _check_type(name, "content", content, ["depset", "runfiles"])
    _check_type(name, "kind", kind, ["string"])
    _check_type(name, "rank", rank, ["int"])
    _check_type(name, "do_not_merge", do_not_merge, ["bool"])
    _check_type(name, "weight", weight, ["int", "NoneType"])
    _check_type(name, "merge_affinity", merge_affinity, ["string"])
    if kind not in KINDS:
        fail("entry %s: kind: %r is none of %s" % (name, kind, ", ".join([repr(k) for k in KINDS])))
    if weight != None and weight < 0:
        fail("entry %s: weight: %d is negative" % (name, weight))

def _check_type(name, field, value, types):
    if type(value) not in types:
        fail("entry %s: %s: expected %s, got %s" % (name, field, " or ".join(types), type(value)))

def check_entry(what, value):
    """Fails unless `value` is an entry.

    Args:
      what: what is checked, for the message.
      value: the value.
    """
    if type(value) != "struct":
        fail("%s: expected an entry, got %s" % (what, type(value)))
    fields = tuple(sorted([field for field in dir(value) if field not in _STRUCT_METHODS]))
    if fields != _FIELDS:
        fail("%s: expected an entry, got a struct with the fields %s" % (what, ", ".join(fields)))
    _check_fields(
        value.name,
        value.content,
        value.kind,
        value.rank,
        value.do_not_merge,
        value.weight,
        value.merge_affinity,
    )

def derive(base, **fields):
    """Copies an entry with some of its fields replaced.

    Args:
      base: the entry.
      **fields: the fields to replace.

    Returns:
      the new entry.
    """
    check_entry("derive", base)
    for field in fields:
        if field not in _FIELDS:
            fail("derive: an entry has no field %r" % field)
    return entry(**{field: fields.get(field, getattr(base, field)) for field in _FIELDS})
