"""Where the outputs of a target go in an image.

The functions here know paths and files, and nothing of layers. A path in an image has no leading slash.
"""

load("//img/private/actions:layer.bzl", "runfiles_path_of")

visibility([
    "//img/private/rules",
    "//tests/...",
])

def problem_with_path(path):
    """Says what is wrong with a path that a user typed.

    Args:
        path: string: the path, without its leading slash.

    Returns:
        string or None: None if nothing is wrong.
    """
    if not path:
        return "expected a path below the root of the image, found the root itself"
    for character, name in [("\0", "a NUL character"), ("\n", "a line break")]:
        if character in path:
            return "a path cannot hold {}".format(name)
    for segment in path.split("/"):
        if segment in [".", ".."]:
            return "expected a path without `{}`".format(segment)
    return None

def image_path(path):
    """Drops the one leading slash that a path may have.

    Args:
        path: string: the path as a user typed it.

    Returns:
        string: the path as the image has it.
    """
    return path.removeprefix("/")

def _parent(path):
    return path.rpartition("/")[0]

def _join(folder, name):
    return folder + "/" + name if folder else name

def relocate(source, executable, destination):
    """Moves a file along with the executable that it belongs to.

    Args:
        source: string: path of the file below the runfiles folder.
        executable: string: path of the executable there.
        destination: string: path of the executable in the image.

    Returns:
        string or None: path of the file in the image; None if it would be outside of the image.
    """
    from_parts = _parent(executable).split("/") if _parent(executable) else []
    to_parts = source.split("/")
    shared = 0
    for index in range(min(len(from_parts), len(to_parts) - 1)):
        if from_parts[index] != to_parts[index]:
            break
        shared = index + 1
    folder = _parent(destination).split("/") if _parent(destination) else []
    up = len(from_parts) - shared
    if up > len(folder):
        return None
    return "/".join(folder[:len(folder) - up] + to_parts[shared:])

def place_executable(destination, target, *, workspace):
    """Decides where an executable and the other outputs of its target go, without runfiles.

    Args:
        destination: string: path of the executable in the image.
        target: Target: an executable target.
        workspace: string: what the main repository is called in runfiles.

    Returns:
        struct(problem = string or None, files = list of struct(destination = string, file = File)): if there is a problem,
        there are no files.
    """
    default = target[DefaultInfo]
    executable = default.files_to_run.executable
    files = [struct(destination = destination, file = executable)]
    own_path = runfiles_path_of(executable, workspace)

    # Bounded: the outputs of one target, not what it depends on.
    for file in default.files.to_list():
        if file == executable:
            continue
        beside = relocate(runfiles_path_of(file, workspace), own_path, destination)
        if not beside:
            return struct(files = [], problem = ("its output {} lies outside of the image when the executable is at `/{}`; " +
                                                 "place the executable deeper").format(file.short_path, destination))
        files.append(struct(destination = beside, file = file))
    return struct(files = files, problem = None)

def place_repo_mapping(destination, folder, target):
    """Decides where the file goes that tells a program the names of repositories.

    Args:
        destination: string: path of the executable in the image.
        folder: string: path of its runfiles folder there.
        target: Target: an executable target.

    Returns:
        list of struct(destination = string, file = File): empty if Bazel made no such file.
    """
    repo_mapping = getattr(target[DefaultInfo].files_to_run, "repo_mapping_manifest", None)
    if not repo_mapping:
        return []
    return [
        struct(destination = destination + ".repo_mapping", file = repo_mapping),
        struct(destination = folder + "/_repo_mapping", file = repo_mapping),
    ]

def executable_path(path, executable):
    """Where an executable goes.

    Args:
        path: string: path in the image; a slash at the end asks for the executable's own name below it.
        executable: File: the executable.

    Returns:
        string: path in the image.
    """
    return path + executable.basename if path.endswith("/") else path

def _place_with_runfiles(path, target, *, include_runfiles, workspace):
    """An executable at its path, its other outputs around it, its runfiles beside it."""
    default = target[DefaultInfo]
    executable = default.files_to_run.executable
    destination = executable_path(path, executable)
    placed = place_executable(destination, target, workspace = workspace)
    if placed.problem or not include_runfiles:
        return struct(files = placed.files, problem = placed.problem, runfiles = [])
    folder = destination + ".runfiles"
    return struct(
        files = placed.files + place_repo_mapping(destination, folder, target),
        problem = None,
        runfiles = [struct(executable = executable, folder = folder, runfiles = default.default_runfiles)],
    )

def _package_relative(file, label):
    """The path of an output relative to the package of the target that made it."""
    path = file.short_path
    owner = file.owner or label
    prefix = ""
    if path.startswith("../"):
        prefix = "/".join(path.split("/")[:2]) + "/"
    if owner.package:
        prefix += owner.package + "/"
    return path.removeprefix(prefix) if path.startswith(prefix) else file.basename

def _place_files(path, target, *, layout):
    """One output at the path, or several below it."""

    # Bounded: the outputs of one target, not what it depends on.
    files = target[DefaultInfo].files.to_list()
    if len(files) == 1:
        destination = path + files[0].basename if path.endswith("/") else path
        return struct(
            files = [struct(destination = destination, file = files[0])],
            problem = None,
            runfiles = [],
        )
    folder = path.removesuffix("/")
    placed = []
    for file in files:
        name = file.basename if layout == "flatten" else _package_relative(file, target.label)
        placed.append(struct(destination = _join(folder, name), file = file))
    return struct(files = placed, problem = None, runfiles = [])

def place(path, target, *, include_runfiles, layout, workspace):
    """Decides where everything goes that a target brings into a layer.

    Args:
        path: string: path in the image; a slash at the end asks for the target's own file name below it.
        target: Target: what to place.
        include_runfiles: bool: whether an executable brings its runfiles along.
        layout: string: `package_relative` or `flatten`: names below the path if a target that is no executable has several outputs.
        workspace: string: what the main repository is called in runfiles.

    Returns:
        struct(
            problem = string or None: why it cannot be placed; if set, there are no other fields,
            files = list of struct(destination = string, file = File),
            runfiles = list of struct(folder = string, executable = File, runfiles = runfiles),
        ).
    """
    executable = target[DefaultInfo].files_to_run.executable

    # A source file is executable when its owner may run it, which says nothing about runfiles.
    if executable and not executable.is_source:
        return _place_with_runfiles(path, target, include_runfiles = include_runfiles, workspace = workspace)
    return _place_files(path, target, layout = layout)
