"""The providers of runfiles groups."""

load("//runfiles_group/private:names.bzl", "check_group_name")

visibility("public")

def _runfiles_group_info_init(*, entries, executable_group = None):
    if type(entries) != "depset":
        fail("RunfilesGroupInfo: entries: expected a depset, got %s" % type(entries))
    if executable_group != None:
        check_group_name("RunfilesGroupInfo: executable_group", executable_group)
    return {"entries": entries, "executable_group": executable_group}

RunfilesGroupInfo, _new_runfiles_group_info = provider(
    doc = "Which parts of a target's runfiles belong together.",
    fields = {
        "entries": "depset of entries: their union equals the default runfiles; names may repeat.",
        "executable_group": "Label, string or None: the group for the executable and its extras.",
    },
    init = _runfiles_group_info_init,
)

def _runfiles_group_transform_info_init(*, transform):
    if type(transform) != "function":
        fail("RunfilesGroupTransformInfo: transform: expected a function, got %s" % type(transform))
    return {"transform": transform}

RunfilesGroupTransformInfo, _new_runfiles_group_transform_info = provider(
    doc = "Provided by targets in a binary's `aspect_hints` that rearrange its groups.",
    fields = {"transform": "function: from a resolved set to a resolved set."},
    init = _runfiles_group_transform_info_init,
)
