"""What rules need that provide groups."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("//runfiles_group:providers.bzl", "RunfilesGroupInfo")
load(":entries.bzl", "check_entry", "entry")

visibility("//runfiles_group/...")

RULE_ATTRS = {
    "_runfiles_group_enabled": attr.label(
        default = Label("//runfiles_group:enabled"),
        providers = [BuildSettingInfo],
    ),
}

def is_enabled(ctx):
    """Whether rules are to provide groups; fails in a rule without `RULE_ATTRS`.

    Args:
      ctx: the rule's context.

    Returns:
      bool.
    """
    if not hasattr(ctx.attr, "_runfiles_group_enabled"):
        fail("is_enabled: %s: the rule does not have the attributes RULE_ATTRS" % ctx.label)
    return ctx.attr._runfiles_group_enabled[BuildSettingInfo].value

def entries(direct = [], transitive = []):
    """A depset of entries.

    Args:
      direct: list of entries.
      transitive: list of depsets of entries.

    Returns:
      depset of entries.
    """
    for value in direct:
        check_entry("entries", value)
    return depset(direct, transitive = transitive)

def data_entry(ctx, dep):
    """The entry of a target that provides no groups: its files and runfiles, under its label.

    Args:
      ctx: the rule's context.
      dep: Target.

    Returns:
      entry.
    """
    info = dep[DefaultInfo]
    content = ctx.runfiles(transitive_files = info.files)
    if info.default_runfiles != None:
        content = content.merge(info.default_runfiles)
    return entry(name = dep.label, content = content)

def collect(ctx, *, deps, data, own = [], transitive = []):
    """The entries of a target: its own and those of its dependencies.

    Args:
      ctx: the rule's context.
      deps: values of `ctx.attr`; targets without groups are ignored.
      data: values of `ctx.attr`; targets without groups become one entry each.
      own: list of entries.
      transitive: list of depsets of entries.

    Returns:
      depset of entries.
    """
    direct = list(own)
    inherited = list(transitive)
    for dep in _targets("deps", deps):
        if RunfilesGroupInfo in dep:
            inherited.append(dep[RunfilesGroupInfo].entries)
    for dep in _targets("data", data):
        if RunfilesGroupInfo in dep:
            inherited.append(dep[RunfilesGroupInfo].entries)
        else:
            direct.append(data_entry(ctx, dep))
    return entries(direct, inherited)

def _targets(argument, values):
    if type(values) not in ["list", "tuple"]:
        fail("collect: %s: expected a list of values of ctx.attr, got %s" % (argument, type(values)))
    targets = []
    for value in values:
        _append_targets(targets, argument, value)
    return targets

def _append_targets(targets, argument, value):
    if type(value) == "Target":
        targets.append(value)
    elif type(value) in ["list", "tuple"]:
        for item in value:
            _append_target(targets, argument, item)
    elif type(value) == "dict":
        for key, item in value.items():
            for part in [key] + (item if type(item) == "list" else [item]):
                if type(part) != "string":
                    _append_target(targets, argument, part)
    elif value != None:  # None: an optional label attribute that is not set
        fail("collect: %s: expected a value of ctx.attr, got %s" % (argument, type(value)))

def _append_target(targets, argument, value):
    if type(value) != "Target":
        fail("collect: %s: expected a Target, got %s" % (argument, type(value)))
    targets.append(value)
