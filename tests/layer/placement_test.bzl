"""Tests of paths in images."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//img/private/rules:placement.bzl", "image_path", "problem_with_path", "relocate")

_EXECUTABLE = "_main/app/bin/server"

# (file, destination of the executable) -> destination of the file.
_MOVED = {
    ("_main/app/bin/nested/x", "srv/run"): "srv/nested/x",
    ("_main/app/bin/x", "run"): "x",
    ("_main/app/bin/x", "srv/run"): "srv/x",
    ("_main/app/lib/x", "run"): None,
    ("_main/app/lib/x", "srv/bin/run"): "srv/lib/x",
    ("_main/x", "a/b/run"): "x",
    ("_main/x", "a/run"): None,
    ("other/x", "a/b/c/d/run"): "a/other/x",
}

def _relocate_test_impl(ctx):
    env = unittest.begin(ctx)
    for (source, destination), expected in _MOVED.items():
        asserts.equals(env, expected, relocate(source, _EXECUTABLE, destination), "{} at {}".format(source, destination))
    asserts.equals(env, "srv/sub/x", relocate("_main/sub/x", "_main/server", "srv/run"))
    return unittest.end(env)

relocate_test = unittest.make(_relocate_test_impl)

def _paths_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, "app/x", image_path("/app/x"))
    asserts.equals(env, "app/x", image_path("app/x"))
    for path in ["app", "app/", "app/..x", "a b", "..."]:
        asserts.equals(env, None, problem_with_path(path), path)
    for path in ["", "..", "../app", "app/../x", "./app", "app/.", "a\nb", "a\0b"]:
        asserts.true(env, problem_with_path(path) != None, repr(path))
    return unittest.end(env)

paths_test = unittest.make(_paths_test_impl)

def placement_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    unittest.suite(name, relocate_test, paths_test)
