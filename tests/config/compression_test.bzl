"""Tests of compression levels, and of what file names say about archives."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//img/private/actions:compression.bzl", "compression_level", "is_tar", "tar_format")

# (format, setting, mode) -> level.
_LEVELS = {
    ("gzip", "-1", "opt"): None,
    ("gzip", "0", "opt"): 0,
    ("gzip", "6", "fastbuild"): 6,
    ("gzip", "auto", "dbg"): None,
    ("gzip", "auto", "fastbuild"): 1,
    ("gzip", "auto", "opt"): 9,
    ("gzip", "best", "fastbuild"): 9,
    ("gzip", "fastest", "opt"): 1,
    ("none", "9", "opt"): None,
    ("none", "auto", "fastbuild"): None,
    ("zstd", "auto", "dbg"): None,
    ("zstd", "auto", "fastbuild"): 1,
    ("zstd", "auto", "opt"): 4,
    ("zstd", "best", "fastbuild"): 4,
    ("zstd", "fastest", "opt"): 1,
}

def _levels_test_impl(ctx):
    env = unittest.begin(ctx)
    for (format, setting, mode), expected in _LEVELS.items():
        asserts.equals(env, (expected, None), compression_level(format, setting, mode), "{} {} {}".format(format, setting, mode))
    for setting in ["0", "5", "9"]:
        _, problem = compression_level("zstd", setting, "fastbuild")
        asserts.true(env, problem and "levels of zstd go from 1 to 4" in problem, setting)
    return unittest.end(env)

levels_test = unittest.make(_levels_test_impl)

_ARCHIVES = {
    "a.tar": "none",
    "a.tar.gz": "gzip",
    "a.tar.zst": "zstd",
    "a.tgz": "gzip",
    "a.tzst": "zstd",
}

def _archives_test_impl(ctx):
    env = unittest.begin(ctx)
    for name, format in _ARCHIVES.items():
        file = struct(basename = name, extension = name.rpartition(".")[2])
        asserts.true(env, is_tar(file), name)
        asserts.equals(env, format, tar_format(file), name)
    for name in ["a.gz", "a.zst", "a.tar.xz", "tar", "a.tar.bz2"]:
        asserts.false(env, is_tar(struct(basename = name)), name)
    return unittest.end(env)

archives_test = unittest.make(_archives_test_impl)

def compression_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    unittest.suite(name, levels_test, archives_test)
