"""The content of entries: a depset of File, or a runfiles object."""

load(":entries.bzl", "check_entry")

visibility("//runfiles_group/...")

def files(entry):
    """The files of an entry, without symlinks and empty files.

    Args:
      entry: the entry.

    Returns:
      depset of File.
    """
    check_entry("files", entry)
    return entry.content if type(entry.content) == "depset" else entry.content.files

def runfiles(ctx, entry):
    """The content of an entry as a runfiles object, not to be kept in a provider.

    Args:
      ctx: the rule's context.
      entry: the entry.

    Returns:
      runfiles object.
    """
    check_entry("runfiles", entry)
    return _as_runfiles(ctx, entry.content)

def union(ctx, contents):
    """One content out of several.

    Args:
      ctx: the rule's context.
      contents: list of depsets of File and runfiles objects.

    Returns:
      depset of File if all contents are, else a runfiles object.
    """
    for content in contents:
        if type(content) not in ["depset", "runfiles"]:
            fail("union: expected a depset or runfiles, got %s" % type(content))
    if all([type(content) == "depset" for content in contents]):
        return depset(transitive = contents)
    return ctx.runfiles().merge_all([_as_runfiles(ctx, content) for content in contents])

def _as_runfiles(ctx, content):
    return ctx.runfiles(transitive_files = content) if type(content) == "depset" else content
