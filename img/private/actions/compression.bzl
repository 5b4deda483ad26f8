"""How layers are compressed: formats, levels, threads."""

load("//img:media_types.bzl", "GZIP_LAYER", "UNCOMPRESSED_LAYER", "ZSTD_LAYER")

visibility([
    "//img/private/actions",
    "//img/private/rules",
    "//tests/...",
])

# Format -> the extension of a blob.
_EXTENSIONS = {
    "gzip": ".tgz",
    "none": ".tar",
    "zstd": ".tar.zst",
}

_MEDIA_TYPES = {
    "gzip": GZIP_LAYER,
    "none": UNCOMPRESSED_LAYER,
    "zstd": ZSTD_LAYER,
}

# The last extension of a tar archive -> how it is compressed.
_FORMATS = {
    "gz": "gzip",
    "tar": "none",
    "tgz": "gzip",
    "tzst": "zstd",
    "zst": "zstd",
}

# File name endings of archives that can be layers.
TAR_EXTENSIONS = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst"]

# Format -> compilation mode -> level. No entry: the format's own default.
_MODE_LEVELS = {
    "gzip": {"fastbuild": 1, "opt": 9},
    "zstd": {"fastbuild": 1, "opt": 4},
}

_BEST_LEVELS = {"gzip": 9, "zstd": 4}
_LEVEL_RANGES = {"gzip": (0, 9), "zstd": (1, 4)}

def blob_extension(format):
    """The extension of a layer blob.

    Args:
        format: string: `gzip`, `zstd` or `none`.

    Returns:
        string: with the dot.
    """
    return _EXTENSIONS[format]

def layer_media_type(format):
    """The media type of a layer blob.

    Args:
        format: string: `gzip`, `zstd` or `none`.

    Returns:
        string: the media type.
    """
    return _MEDIA_TYPES[format]

def is_tar(file):
    """Whether a file's name says that it is a tar archive.

    Args:
        file: File: any file.

    Returns:
        bool: whether it can be a layer.
    """
    for extension in TAR_EXTENSIONS:
        if file.basename.endswith(extension):
            return True
    return False

def tar_format(file):
    """How a tar archive is compressed, by its name.

    Args:
        file: File: a file for which is_tar() holds.

    Returns:
        string: `gzip`, `zstd` or `none`.
    """
    return _FORMATS[file.extension]

def compression_level(format, setting, mode):
    """The level to compress with.

    Args:
        format: string: `gzip`, `zstd` or `none`.
        setting: string: the build setting `compression_level`.
        mode: string: the compilation mode.

    Returns:
        (int or None, string or None): the level, None for the format's default; and what is wrong with the setting, if anything is.
    """
    if format == "none" or setting == "-1":
        return None, None
    if setting == "auto":
        return _MODE_LEVELS[format].get(mode), None
    if setting == "fastest":
        return 1, None
    if setting == "best":
        return _BEST_LEVELS[format], None
    lowest, highest = _LEVEL_RANGES[format]
    level = int(setting)
    if level < lowest or level > highest:
        return None, "--{}={}: levels of {} go from {} to {}".format(
            Label("//img/settings:compression_level"),
            setting,
            format,
            lowest,
            highest,
        )
    return level, None

def compression_of(ctx, format, settings, *, estargz = False):
    """Everything about the compression of a layer.

    Args:
        ctx: the rule context.
        format: string: `gzip`, `zstd` or `none`.
        settings: SettingsInfo: the build settings.
        estargz: bool: whether the layer is to be read file by file; not if the format is `none`.

    Returns:
        struct(format = string, level = int or None, jobs = int or string, estargz = bool): level None for the builder's own choice;
        jobs is a number, `auto` or `nproc`, and never changes the result.
    """
    level, problem = compression_level(format, settings.compression_level, settings.compilation_mode)
    if problem:
        fail("{}: {}".format(ctx.label, problem))
    jobs = settings.compression_jobs
    if jobs in _RESOURCES_OF_WORDS:
        return struct(estargz = estargz, format = format, jobs = jobs, level = level)
    if not jobs.isdigit() or int(jobs) == 0:
        fail("{}: --{}={}: expected `auto`, `nproc` or a number of at least 1".format(
            ctx.label,
            Label("//img/settings:compression_jobs"),
            jobs,
        ))
    return struct(estargz = estargz, format = format, jobs = int(jobs), level = level)

def add_compression(args, compression):
    """Adds the flags about compression, which all verbs that compress share.

    Args:
        args: Args: the arguments.
        compression: struct: what compression_of() returned.
    """
    args.add("--format", compression.format)
    if compression.level != None:
        args.add("--level", str(compression.level))
    if compression.jobs != "auto":
        args.add("--jobs", str(compression.jobs))
    if compression.estargz:
        args.add("--estargz")

# Each of these claims as many processors as the builder uses compressing threads. Bazel knows how many inputs an action has, and not how large they
# are. A layer of few files is small more often than not, and one of less than 8 MiB is compressed by one thread; if two processors were claimed for each, 500 small
# images took two and a half times as long on two processors, because every layer waited until both were free. Few files that are large use one more than was claimed.
_MANY_INPUTS = 64

def _resources_of_auto(_os, inputs):
    return {"cpu": 2 if inputs >= _MANY_INPUTS else 1, "memory": 128}

# Bazel lets an action that asks for more than there is run alone.
_ALL_PROCESSORS = 256

def _resources_of_all(_os, _inputs):
    return {"cpu": _ALL_PROCESSORS, "memory": 512}

def _resources_of_1(_os, _inputs):
    return {"cpu": 1, "memory": 128}

def _resources_of_2(_os, _inputs):
    return {"cpu": 2, "memory": 128}

def _resources_of_4(_os, _inputs):
    return {"cpu": 4, "memory": 128}

def _resources_of_8(_os, _inputs):
    return {"cpu": 8, "memory": 192}

def _resources_of_16(_os, _inputs):
    return {"cpu": 16, "memory": 256}

# A word for `compression_jobs` -> what Bazel is told.
_RESOURCES_OF_WORDS = {
    "auto": _resources_of_auto,
    "nproc": _resources_of_all,
}

# The most threads -> what Bazel is told. It takes functions at the top of a file only, so there is not one for each number.
_RESOURCES = {
    1: _resources_of_1,
    2: _resources_of_2,
    4: _resources_of_4,
    8: _resources_of_8,
    16: _resources_of_16,
}

def compression_resources(compression):
    """What an action that compresses needs of the machine: as many processors as it has compressing threads.

    Args:
        compression: struct: what compression_of() returned.

    Returns:
        function: for `resource_set`.
    """
    if compression.jobs in _RESOURCES_OF_WORDS:
        return _RESOURCES_OF_WORDS[compression.jobs]
    for most, resources in _RESOURCES.items():
        if compression.jobs <= most:
            return resources
    return _resources_of_all
