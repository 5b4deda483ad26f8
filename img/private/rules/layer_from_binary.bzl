"""The rule `layer_from_binary`: a program with its runfiles, in one layer or several, and how to run it."""

load("//img/private/actions:builder.bzl", "BUILDER_TOOLCHAIN")
load("//img/private/actions:layer.bzl", "runfiles_path_of")
load("//img/private/config:settings.bzl", "SETTINGS_ATTRS", "resolve_auto", "settings_of")
load("//img/private/providers:layer.bzl", "ImageLayerConfigInfo", "LayersInfo")
load("//img/private/rules:binary_config.bzl", "BinaryConfigInfo", "binary_config_aspect")
load("//img/private/rules:layer_attrs.bzl", "LAYER_ATTRS", "declare_layer", "layer_providers")
load(
    "//img/private/rules:placement.bzl",
    "executable_path",
    "image_path",
    "place_executable",
    "place_repo_mapping",
    "problem_with_path",
)
load("//img/private/rules:runfiles_groups.bzl", "groups_of")
load("//img/private/rules:split_runfiles.bzl", "split_runfiles")

visibility([
    "//img",
    "//tests/...",
])

_ATTRS = LAYER_ATTRS | SETTINGS_ATTRS | {
    "binary": attr.label(
        doc = "The program: any executable target, built for the target platform. Its `args` become the image's `cmd`, its `env` the image's `env`. " +
              "In both, `$(location)` of the program and of its `data`, and Make variables, are replaced as `bazel run` does it.",
        aspects = [binary_config_aspect],
        cfg = "target",
        executable = True,
        mandatory = True,
    ),
    "layer_budget": attr.int(
        doc = """How many layers there should be at most. 0: one for each group of runfiles that the program offers (`RunfilesGroupInfo` of
rules_runfiles_group), and one layer if it offers none.

A program with groups: they are merged until there are so many, as far as they allow it; more layers may remain. One group may take in
the executable; if none does, the executable has a layer of its own, which counts.

A program without groups: 1 is one layer. 2 sets apart what external repositories and package managers bring from what the main
repository holds, so that an edit of the latter leaves a layer of dependencies as it is. From 3 on, the repositories of interpreters have a
layer, and the packages share the others by their names, so that a new one changes one layer. Layers that would be empty are left out.""",
        default = 0,
    ),
    "path": attr.string(
        doc = "Path of the executable in the image. A slash at the end asks for its own name below the path. Empty: its path below a runfiles folder, " +
              "such as `_main/cmd/server/server`. Keep the name of a C++ program that has shared libraries among its runfiles: it is part of where it looks for them.",
    ),
    "runfiles_path": attr.string(
        doc = "Path of the runfiles folder in the image. Empty: `<path>.runfiles`, where programs look by themselves; they find another folder by the environment variable `RUNFILES_DIR`.",
    ),
    "runfiles_shared_path": attr.string(
        doc = "Path in the image of the folder that programs share runfiles in. Empty: as `//img/settings:runfiles_shared_path` says.",
    ),
    "runfiles_sharing_mode": attr.string(
        doc = "Where runfiles are. `private`: in the program's own runfiles folder. `shared`: in a folder that all programs of the image share, with symlinks " +
              "to it in the program's own, so that two programs with the same dependencies have the same layers of them. " +
              "`auto`: as `//img/settings:runfiles_sharing_mode` says; if that is `auto`, too, shared if the program offers groups of runfiles.",
        default = "auto",
        values = ["auto", "shared", "private"],
    ),
}

def _path(ctx, attribute, value):
    path = image_path(value)
    problem = problem_with_path(path)
    if problem:
        fail("{}: attribute `{}`: path {}: {}".format(ctx.label, attribute, repr(value), problem))
    return path

def _folder(ctx, attribute, value):
    return _path(ctx, attribute, value).removesuffix("/")

def _locations(ctx, settings):
    """Where everything goes, apart from whether runfiles are shared."""
    executable = ctx.executable.binary
    own_path = runfiles_path_of(executable, ctx.workspace_name)
    path = executable_path(_path(ctx, "path", ctx.attr.path), executable) if ctx.attr.path else own_path
    runfiles = _folder(ctx, "runfiles_path", ctx.attr.runfiles_path) if ctx.attr.runfiles_path else path + ".runfiles"
    shared = _folder(ctx, "runfiles_shared_path", ctx.attr.runfiles_shared_path or settings.runfiles_shared_path)
    return struct(executable = path, runfiles = runfiles, shared = shared)

def _is_shared(ctx, settings, has_groups):
    mode = resolve_auto(ctx.attr.runfiles_sharing_mode, settings.runfiles_sharing_mode)
    return has_groups if mode == "auto" else mode == "shared"

def _executable_part(binary, groups):
    """Groups, and behind them a part for the executable if no group takes it in."""
    if not groups or any([group.is_executable for group in groups]):
        return groups
    nothing = struct(empty_filenames = depset(), files = depset(), root_symlinks = depset(), symlinks = depset())
    return groups + [struct(is_executable = True, name = str(binary.label), runfiles = nothing)]

def _parts(ctx, config):
    """What goes into which layer: the whole of the runfiles, and whether it is sorted into groups.

    Returns:
        (list of struct(suffix = string, runfiles = runfiles, is_executable = bool), bool)
    """
    binary = ctx.attr.binary
    if not ctx.attr.include_runfiles:
        return [struct(is_executable = True, runfiles = None, suffix = "")], False
    groups = _executable_part(binary, groups_of(
        ctx,
        binary,
        aspect_hints = config.aspect_hints,
        budget = ctx.attr.layer_budget,
    ))
    if groups:
        return [
            struct(is_executable = group.is_executable, runfiles = group.runfiles, suffix = "_" + str(number))
            for number, group in enumerate(groups)
        ], True
    runfiles = binary[DefaultInfo].default_runfiles
    if ctx.attr.layer_budget < 2:
        return [struct(is_executable = True, runfiles = runfiles, suffix = "")], False
    return [
        struct(is_executable = part.is_executable, runfiles = part.runfiles, suffix = "_" + part.name)
        for part in split_runfiles(runfiles, workspace = ctx.workspace_name, budget = ctx.attr.layer_budget)
    ], False

def _content(ctx, part, locations, is_shared, beside):
    """What one layer holds."""
    if not part.runfiles:
        return struct(files = beside, links = [], runfiles = [], symlinks = [])
    executable = ctx.executable.binary
    tree = struct(
        executable = executable if part.is_executable else None,
        folder = locations.shared if is_shared else locations.runfiles,
        runfiles = part.runfiles,
    )
    if not part.is_executable:
        return struct(files = [], links = [], runfiles = [tree], symlinks = [])
    links = struct(
        executable = executable,
        folder = locations.runfiles,
        runfiles = ctx.attr.binary[DefaultInfo].default_runfiles,
        target = locations.shared,
    )
    return struct(
        files = beside + place_repo_mapping(locations.executable, locations.runfiles, ctx.attr.binary),
        links = [links] if is_shared else [],
        runfiles = [tree],
        symlinks = [],
    )

def _check_budget(ctx):
    if ctx.attr.layer_budget < 0:
        fail("{}: attribute `layer_budget`: expected a number of layers, or 0 for no limit; found {}".format(ctx.label, ctx.attr.layer_budget))

def _layer_from_binary_impl(ctx):
    _check_budget(ctx)
    settings = settings_of(ctx)
    config = ctx.attr.binary[BinaryConfigInfo]
    locations = _locations(ctx, settings)
    placed = place_executable(locations.executable, ctx.attr.binary, workspace = ctx.workspace_name)
    if placed.problem:
        fail("{}: attribute `path`: {}: {}".format(ctx.label, ctx.attr.binary.label, placed.problem))
    parts, has_groups = _parts(ctx, config)
    is_shared = _is_shared(ctx, settings, has_groups)
    layers = [
        declare_layer(
            ctx,
            name = ctx.label.name + part.suffix,
            content = _content(ctx, part, locations, is_shared, placed.files),
            settings = settings,
        )
        for part in parts
    ]
    working_dir = "/{}/{}".format(locations.runfiles, ctx.workspace_name) if ctx.attr.include_runfiles else None
    return layer_providers(layers) + [ImageLayerConfigInfo(
        cmd = config.args,
        entrypoint = ["/" + locations.executable],
        env = config.env,
        working_dir = working_dir,
    )]

layer_from_binary = rule(
    implementation = _layer_from_binary_impl,
    doc = """Makes layers of a program and its runfiles, and tells images how to run it.

An image with such a layer takes over `entrypoint`, `cmd`, `env` and `working_dir` (the runfiles of the main repository, if there are runfiles). Of
several layers later ones win, `env` is merged, and what the image itself says wins over all.

Rules that offer groups of runfiles do so with `--@rules_runfiles_group//runfiles_group:enabled`; to write that, your MODULE.bazel needs a
`bazel_dep` on `rules_runfiles_group`.

```starlark
layer_from_binary(
    name = "server_layer",
    binary = "//cmd/server",
    path = "/usr/bin/",
    layer_budget = 3,
)

image_manifest(
    name = "image",
    base = "@python",
    layers = [":server_layer"],
)
```
""",
    attrs = _ATTRS,
    provides = [ImageLayerConfigInfo, LayersInfo],
    toolchains = [BUILDER_TOOLCHAIN],
)
