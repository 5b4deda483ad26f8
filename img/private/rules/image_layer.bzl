"""The rule `image_layer`: a layer made of files, executables with their runfiles, directories and symlinks."""

load("//img/private:file_metadata.bzl", "decode_metadata")
load("//img/private/actions:builder.bzl", "BUILDER_TOOLCHAIN")
load("//img/private/config:settings.bzl", "SETTINGS_ATTRS", "settings_of")
load("//img/private/providers:layer.bzl", "LayersInfo")
load("//img/private/rules:layer_attrs.bzl", "LAYER_ATTRS", "declare_layer", "layer_providers")
load("//img/private/rules:placement.bzl", "image_path", "place", "problem_with_path")

visibility([
    "//img",
    "//tests/...",
])

_ATTRS = LAYER_ATTRS | SETTINGS_ATTRS | {
    "default_metadata": attr.string(
        doc = "Metadata of all regular files, made by `file_metadata()`.",
    ),
    "file_metadata": attr.string_dict(
        doc = "Metadata of single files: path in the image -> what `file_metadata()` returns. " +
              "What is set here wins over `default_metadata`. A path that is not in the layer is an error.",
    ),
    "multi_file_layout": attr.string(
        doc = "How several outputs of a target that is no executable are laid out below their key. " +
              "`package_relative`: as they lie in the package that made them. `flatten`: side by side.",
        default = "package_relative",
        values = ["package_relative", "flatten"],
    ),
    "srcs": attr.string_keyed_label_dict(
        doc = "What goes into the layer: path in the image -> target. An executable goes to the path itself, with its runfiles in " +
              "`<path>.runfiles/`; the single output of another target too; several outputs go below the path. " +
              "A slash at the end of the path asks for the file's own name below it.",
        allow_files = True,
    ),
    "symlinks": attr.string_dict(
        doc = "Symlinks: path in the image -> target. The target is stored as it is written.",
    ),
}

def _check_path(ctx, attribute, key):
    path = image_path(key)
    problem = problem_with_path(path)
    if problem:
        fail("{}: attribute `{}`: path {}: {}".format(ctx.label, attribute, repr(key), problem))
    return path

def _sources(ctx):
    """Places every entry of `srcs`."""
    files = []
    runfiles = []
    for key, target in ctx.attr.srcs.items():
        placement = place(
            _check_path(ctx, "srcs", key),
            target,
            include_runfiles = ctx.attr.include_runfiles,
            layout = ctx.attr.multi_file_layout,
            workspace = ctx.workspace_name,
        )
        if placement.problem:
            fail("{}: attribute `srcs`: {} at {}: {}".format(ctx.label, target.label, repr(key), placement.problem))
        files += placement.files
        runfiles += placement.runfiles
    return files, runfiles

def _symlinks(ctx, files):
    """Checks every entry of `symlinks`; what is at a path already is known here, except for runfiles."""
    if not ctx.attr.symlinks:
        return []
    taken = {placed.destination: str(placed.file.owner) for placed in files}
    symlinks = []
    for key, target in ctx.attr.symlinks.items():
        path = _check_path(ctx, "symlinks", key)
        if "\0" in target or "\n" in target or not target:
            fail("{}: attribute `symlinks`: {}: expected a target on one line, found {}".format(ctx.label, repr(key), repr(target)))
        if path in taken:
            fail("{}: attribute `symlinks`: {}: the layer has {} at this path already; leave out one of the two".format(
                ctx.label,
                repr(key),
                taken[path],
            ))
        taken[path] = "a symlink"
        symlinks.append(struct(destination = path, target = target))
    return symlinks

def _metadata(ctx, attribute, text):
    metadata, problem = decode_metadata(text)
    if problem:
        fail("{}: attribute `{}`: {}".format(ctx.label, attribute, problem))
    return metadata

def _metadata_values(ctx):
    per_path = {}
    for key, text in ctx.attr.file_metadata.items():
        path = _check_path(ctx, "file_metadata", key)
        if path in per_path:
            fail("{}: attribute `file_metadata`: {}: the same path is there with and without a slash in front; leave out one of the two".format(
                ctx.label,
                repr(key),
            ))
        per_path[path] = _metadata(ctx, "file_metadata[{}]".format(repr(key)), text)
    default = ctx.attr.default_metadata
    return {
        "default_metadata": _metadata(ctx, "default_metadata", default) if default else {},
        "file_metadata": per_path,
    }

def _image_layer_impl(ctx):
    files, runfiles = _sources(ctx)
    layer = declare_layer(
        ctx,
        name = ctx.label.name,
        content = struct(files = files, links = [], runfiles = runfiles, symlinks = _symlinks(ctx, files)),
        settings = settings_of(ctx),
        metadata_values = _metadata_values(ctx),
    )
    return layer_providers([layer])

image_layer = rule(
    implementation = _image_layer_impl,
    doc = """Makes a layer of files, executables with their runfiles, directories and symlinks.

Equal files are stored once. Files have mode 0755 and belong to root unless metadata says otherwise.

```starlark
image_layer(
    name = "app_layer",
    srcs = {
        "/app/bin/server": "//cmd/server",
        "/app/config.json": ":config.json",
    },
    file_metadata = {"/app/config.json": file_metadata(mode = "0444")},
    symlinks = {"/usr/bin/server": "/app/bin/server"},
)
```
""",
    attrs = _ATTRS,
    provides = [LayersInfo],
    toolchains = [BUILDER_TOOLCHAIN],
)
