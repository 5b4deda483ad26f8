"""What a binary says about how it is run: its `args`, its `env`, its `aspect_hints`.

A rule sees only the providers of a target, an aspect its attributes as well. This one looks at the binary itself and never further.

    attrs = {"binary": attr.label(aspects = [binary_config_aspect])}
    config = ctx.attr.binary[BinaryConfigInfo]
"""

visibility([
    "//img/private/rules",
    "//tests/...",
])

BinaryConfigInfo = provider(
    doc = "How a binary is run.",
    fields = {
        "args": "list of string: its arguments; labels and variables in them are replaced.",
        "aspect_hints": "list of Target: its `aspect_hints`.",
        "env": "dict of string to string: its environment variables; labels and variables in them are replaced.",
    },
)

# `args` and `env` speak of what a program finds in its runfiles. There $(location) is the path below the runfiles of the main repository.
_LOCATIONS = {
    "$(location ": "$(rootpath ",
    "$(locations ": "$(rootpaths ",
}

def _label_targets(target, ctx):
    """The targets that `$(location)` may name: the binary and its `data`."""
    targets = {target.label: target}
    data = getattr(ctx.rule.attr, "data", [])
    for dependency in data if type(data) == "list" else []:
        if type(dependency) == "Target":
            targets[dependency.label] = dependency
    return targets.values()

def _expand(ctx, attribute, text, targets):
    for old, new in _LOCATIONS.items():
        text = text.replace(old, new)
    return ctx.expand_make_variables(attribute, ctx.expand_location(text, targets), {})

def _attribute(ctx, name, type_name, default):
    value = getattr(ctx.rule.attr, name, None)
    if value == None:
        return default
    if type(value) != type_name:
        fail("{}: attribute `{}` of a `{}`: expected a {} of strings, found {}; layer_from_binary cannot read it".format(
            ctx.label,
            name,
            ctx.rule.kind,
            type_name,
            repr(value),
        ))
    return value

def _env(target, ctx, targets):
    if RunEnvironmentInfo in target:
        return dict(target[RunEnvironmentInfo].environment)
    return {
        name: _expand(ctx, "env", value, targets)
        for name, value in _attribute(ctx, "env", "dict", {}).items()
    }

def _binary_config_impl(target, ctx):
    targets = _label_targets(target, ctx)
    return [BinaryConfigInfo(
        args = [_expand(ctx, "args", text, targets) for text in _attribute(ctx, "args", "list", [])],
        aspect_hints = getattr(ctx.rule.attr, "aspect_hints", []),
        env = _env(target, ctx, targets),
    )]

binary_config_aspect = aspect(
    implementation = _binary_config_impl,
    doc = "Reads `args`, `env` and `aspect_hints` of the target that it is applied to.",
    attr_aspects = [],
    provides = [BinaryConfigInfo],
)
