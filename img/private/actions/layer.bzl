"""The action `LayerTar`: files become a layer and its metadata, in one go.

An entry of a layer is a line `destination NUL kind NUL source`. Lines are made while Bazel expands the parameter file, from
depsets that stay as they are: nothing here flattens runfiles.
"""

load("//img/private/actions:builder.bzl", "add_values", "lines_args", "run_builder")
load("//img/private/actions:compression.bzl", "add_compression", "compression_resources")

visibility([
    "//img/private/rules",
    "//tests/...",
])

_MAIN_WORKSPACE = "_main"

def _kind_and_source(file):
    if file.is_directory:
        return "d\0" + file.path

    # Bazel 7 does not tell which files are unresolved symlinks; there they are read through.
    if getattr(file, "is_symlink", False):
        return "l\0" + file.path
    return "f\0" + file.path

def _placed_file_line(placed):
    return placed.destination + "\0" + _kind_and_source(placed.file)

def _symlink_line(symlink):
    return symlink.destination + "\0s\0" + symlink.target

def _runfiles_path(short_path, workspace):
    """The path of a file below a runfiles folder."""
    return short_path[len("../"):] if short_path.startswith("../") else workspace + "/" + short_path

def _runfile_line(file):
    return _runfiles_path(file.short_path, _MAIN_WORKSPACE) + "\0" + _kind_and_source(file)

def _empty_runfile_line(path):
    return _runfiles_path(path, _MAIN_WORKSPACE) + "\0e\0"

def _runfiles_symlink_line(symlink):
    return _runfiles_path(symlink.path, _MAIN_WORKSPACE) + "\0" + _kind_and_source(symlink.target_file)

def _root_symlink_line(symlink):
    return symlink.path + "\0" + _kind_and_source(symlink.target_file)

def _lines_of_workspace(workspace):
    """The functions that make lines of runfiles.

    The main repository is called `_main` except in WORKSPACE builds, and only for these are closures worth their memory.
    """
    if workspace == _MAIN_WORKSPACE:
        return struct(
            closure = False,
            empty = _empty_runfile_line,
            file = _runfile_line,
            symlink = _runfiles_symlink_line,
        )
    return struct(
        closure = True,
        empty = lambda path: _runfiles_path(path, workspace) + "\0e\0",
        file = lambda file: _runfiles_path(file.short_path, workspace) + "\0" + _kind_and_source(file),
        symlink = lambda symlink: _runfiles_path(symlink.path, workspace) + "\0" + _kind_and_source(symlink.target_file),
    )

def runfiles_path_of(file, workspace):
    """The path of a file below a runfiles folder.

    Args:
        file: File: any file.
        workspace: string: what the main repository is called there.

    Returns:
        string: e.g. `_main/pkg/file`.
    """
    return _runfiles_path(file.short_path, workspace)

def _below(folder):
    """A format for paths in a folder. A percent sign of the folder would be read as a placeholder."""
    return folder.replace("%", "%%") + "/%s"

def _files_of(tree):
    """The files of a runfiles folder. The executable is one of them, and not every rule says so."""
    if not tree.executable:
        return tree.runfiles.files
    return depset([tree.executable], transitive = [tree.runfiles.files])

def _add_runfiles(entries, tree, workspace):
    """Adds the lines of one runfiles folder."""
    lines = _lines_of_workspace(workspace)
    below = _below(tree.folder)
    runfiles = tree.runfiles
    for values, line in [
        (_files_of(tree), lines.file),
        (runfiles.empty_filenames, lines.empty),
        (runfiles.symlinks, lines.symlink),
    ]:
        entries.add_all(
            values,
            allow_closure = lines.closure,
            expand_directories = False,
            format_each = below,
            map_each = line,
        )
    entries.add_all(runfiles.root_symlinks, format_each = below, map_each = _root_symlink_line)

def _add_links(entries, links, workspace):
    """Adds a symlink for each folder at the top of runfiles that are somewhere else."""
    upwards = "../" * len(links.folder.split("/")) + links.target + "/"
    runfiles = links.runfiles

    def link(path):
        top = path.partition("/")[0]
        return top + "\0s\0" + upwards + top

    for values, line in [
        (_files_of(links), lambda file: link(_runfiles_path(file.short_path, workspace))),
        (runfiles.empty_filenames, lambda path: link(_runfiles_path(path, workspace))),
        (runfiles.symlinks, lambda symlink: link(_runfiles_path(symlink.path, workspace))),
        (runfiles.root_symlinks, lambda symlink: link(symlink.path)),
    ]:
        # What one depset says again that another has said is dropped by the builder.
        entries.add_all(
            values,
            allow_closure = True,
            expand_directories = False,
            format_each = _below(links.folder),
            map_each = line,
            uniquify = True,
        )

def _entries(ctx, content):
    """The list of entries, in a parameter file of its own."""
    entries = lines_args(ctx, "--entries=%s")
    entries.add_all(content.files, map_each = _placed_file_line)
    entries.add_all(content.symlinks, map_each = _symlink_line)
    for tree in content.runfiles:
        _add_runfiles(entries, tree, ctx.workspace_name)
    for links in content.links:
        _add_links(entries, links, ctx.workspace_name)
    return entries

def _symlink_targets(runfiles):
    """Files that only symlinks of the runfiles refer to. Few rules make any, so flattening costs nothing."""
    return [
        symlink.target_file
        for symlinks in [runfiles.symlinks, runfiles.root_symlinks]
        for symlink in symlinks.to_list()
    ]

def _input_depset(content, annotations_file):
    direct = [placed.file for placed in content.files]
    transitive = []
    for tree in content.runfiles:
        direct += _symlink_targets(tree.runfiles)
        transitive.append(_files_of(tree))
    if annotations_file:
        direct.append(annotations_file)
    return depset(direct, transitive = transitive)

def write_layer(
        ctx,
        *,
        content,
        outputs,
        compression,
        create_parent_directories,
        tree_artifacts,
        annotations_file,
        values):
    """Declares the action.

    Args:
        ctx: the rule context.
        content: struct(
            files = list of struct(destination = string, file = File),
            symlinks = list of struct(destination = string, target = string),
            runfiles = list of struct(folder = string, executable = File or None, runfiles = runfiles),
            links = list of struct(folder = string, target = string, executable = File or None, runfiles = runfiles),
        ): what goes into the layer, with paths in the image. `links` makes a runfiles folder of symlinks into the folder `target`,
        which another layer may hold. In place of a runfiles object there may be a struct with its four depsets.
        outputs: struct(blob = File, metadata = File): what the action writes.
        compression: struct: what compression_of() returned.
        create_parent_directories: bool: whether to add entries for missing parent directories.
        tree_artifacts: string: `full` or `deduplicate_symlink`.
        annotations_file: File or None: further annotations.
        values: dict: what users typed, see docs/design/architecture.md.
    """
    args = lines_args(ctx)
    args.add("--output", outputs.blob)
    args.add("--metadata", outputs.metadata)
    add_compression(args, compression)
    if create_parent_directories:
        args.add("--create-parent-directories")
    args.add("--tree-artifacts", tree_artifacts)
    if annotations_file:
        args.add("--annotations-file", annotations_file)
    add_values(args, values)

    run_builder(
        ctx,
        verb = ["layer"],
        arguments = [args, _entries(ctx, content)],
        mnemonic = "LayerTar",
        inputs = _input_depset(content, annotations_file),
        outputs = [outputs.blob, outputs.metadata],
        progress_message = "Writing layer %{label}",
        resource_set = compression_resources(compression),
    )
