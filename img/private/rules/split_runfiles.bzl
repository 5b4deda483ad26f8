"""Sorts the runfiles of a binary that offers no groups into parts that change for different reasons.

docs/design/splitting.md says why these parts, and what they are stable against.
"""

visibility([
    "//img/private/rules",
    "//tests/...",
])

# Programs that run others. A repository with one of them in a folder `bin` is an interpreter and what comes with it.
_INTERPRETERS = {
    name: None
    for name in ["bun", "deno", "java", "julia", "lua", "node", "perl", "php", "pypy", "python", "Rscript", "ruby"]
}

# Folders that package managers fill, also inside of the main repository.
_PACKAGE_FOLDERS = ["node_modules", "site-packages"]

_INTERPRETER = "interpreter"
_PACKAGES = "packages"
_OWN = "app"

def _repository_of(short_path):
    """The repository of a file; empty for the main repository."""
    return short_path.split("/", 2)[1] if short_path.startswith("../") else ""

def is_interpreter(short_path):
    """Whether a file is a program that runs others.

    Args:
        short_path: string: path of the file.

    Returns:
        bool: whether it is.
    """
    folder, _, name = short_path.rpartition("/")
    return name.rstrip("0123456789.") in _INTERPRETERS and folder.endswith("/bin")

def package_of(short_path):
    """The third-party package that a file of the main repository belongs to.

    Args:
        short_path: string: path of the file.

    Returns:
        string: the name of the package's folder; empty if the file belongs to none.
    """
    for folder in _PACKAGE_FOLDERS:
        if folder not in short_path:
            continue
        _, found, below = ("/" + short_path).rpartition("/" + folder + "/")
        if found:
            segments = below.split("/")
            return "/".join(segments[:2]) if segments[0].startswith(("@", ".")) else segments[0]
    return ""

def part_name(short_path, *, interpreters, budget):
    """The part that a file belongs to.

    Args:
        short_path: string: path of the file; `../` in front of it leads to an external repository.
        interpreters: dict: its keys are the repositories of interpreters.
        budget: int: how many parts there may be, at least 2.

    Returns:
        string: the name of the part.
    """
    repository = _repository_of(short_path)
    package = repository or package_of(short_path)
    if not package:
        return _OWN
    if budget == 2:
        return _PACKAGES
    if repository in interpreters:
        return _INTERPRETER
    if budget == 3:
        return _PACKAGES

    # Where a package goes depends on its name alone, so that another one coming or going moves none.
    return "{}_{}".format(_PACKAGES, hash(package) % (budget - 2))

def part_names(budget):
    """All parts that there may be.

    Args:
        budget: int: how many, at least 2.

    Returns:
        list of string: what changes least first, the user's own code last.
    """
    if budget == 2:
        return [_PACKAGES, _OWN]
    if budget == 3:
        return [_INTERPRETER, _PACKAGES, _OWN]
    return [_INTERPRETER] + ["{}_{}".format(_PACKAGES, number) for number in range(budget - 2)] + [_OWN]

def _short_path_of_root_symlink(symlink, workspace):
    """The path of what lies below the runfiles folder, as `short_path` would say it."""
    repository, _, path = symlink.path.partition("/")
    return path if repository == workspace or not path else "../" + symlink.path

def split_runfiles(runfiles, *, workspace, budget):
    """Sorts runfiles into parts.

    Flattens all four depsets. Only so can the files of one part be inputs of one action and no other, and only so is a layer
    of dependencies left alone when own code changes. It happens for binaries whose `layer_budget` asks for it, once each.

    Args:
        runfiles: runfiles: those of the binary.
        workspace: string: what the main repository is called in runfiles.
        budget: int: how many parts there may be, at least 2.

    Returns:
        list of struct(name = string, runfiles = struct, is_executable = bool): the parts that hold anything, and always the last
        one, which the executable goes to. The inner struct has the four depsets of a runfiles object.
    """
    by_repository = {}
    for file in runfiles.files.to_list():
        by_repository.setdefault(_repository_of(file.short_path), []).append(file)
    own_files = by_repository.pop("", [])
    interpreters = {
        repository: None
        for repository, files in by_repository.items()
        if any([is_interpreter(file.short_path) for file in files if "/bin/" in file.short_path])
    }
    parts = {
        name: struct(empty_filenames = [], files = [], root_symlinks = [], symlinks = [])
        for name in part_names(budget)
    }

    def part(short_path):
        return parts[part_name(short_path, interpreters = interpreters, budget = budget)]

    # All files of an external repository go to one part, so it is asked for once. In the order of names, because the order of a depset
    # changes with each dependency.
    for repository in sorted(by_repository):
        part("../{}/".format(repository)).files.extend(by_repository[repository])
    for file in own_files:
        part(file.short_path).files.append(file)
    for path in runfiles.empty_filenames.to_list():
        part(path).empty_filenames.append(path)
    for symlink in runfiles.symlinks.to_list():
        part(symlink.path).symlinks.append(symlink)
    for symlink in runfiles.root_symlinks.to_list():
        part(_short_path_of_root_symlink(symlink, workspace)).root_symlinks.append(symlink)
    return [
        struct(is_executable = name == _OWN, name = name, runfiles = _as_depsets(lists))
        for name, lists in parts.items()
        if name == _OWN or lists.files or lists.empty_filenames or lists.symlinks or lists.root_symlinks
    ]

def _as_depsets(lists):
    return struct(
        empty_filenames = depset(lists.empty_filenames),
        files = depset(lists.files),
        root_symlinks = depset(lists.root_symlinks),
        symlinks = depset(lists.symlinks),
    )
