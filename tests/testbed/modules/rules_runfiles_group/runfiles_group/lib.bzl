"""The functions of runfiles groups, as one struct.

Not here: `runfiles_group_analysis_test`, which the published module has in a file of that name.
"""

load("//runfiles_group/private:contents.bzl", "files", "runfiles", "union")
load("//runfiles_group/private:entries.bzl", "DEFAULT_METADATA", "KINDS", "derive", "entry")
load("//runfiles_group/private:limit.bzl", "limit")
load("//runfiles_group/private:names.bzl", "name_str")
load(
    "//runfiles_group/private:producer.bzl",
    "RULE_ATTRS",
    "collect",
    "data_entry",
    "entries",
    "is_enabled",
)
load(
    "//runfiles_group/private:resolve.bzl",
    "group_names",
    "index_by_name_str",
    "resolve",
    "resolved",
)

visibility("public")

runfiles_groups = struct(
    DEFAULT_METADATA = DEFAULT_METADATA,
    KINDS = KINDS,
    RANK_EXECUTABLE = 0,
    RANK_FOUNDATION = -1000,
    RANK_SHARED_DEPS = -100,
    RULE_ATTRS = RULE_ATTRS,
    collect = collect,
    data_entry = data_entry,
    derive = derive,
    entries = entries,
    entry = entry,
    files = files,
    group_names = group_names,
    index_by_name_str = index_by_name_str,
    is_enabled = is_enabled,
    limit = limit,
    name_str = name_str,
    resolve = resolve,
    resolved = resolved,
    runfiles = runfiles,
    union = union,
)
