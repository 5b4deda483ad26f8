"""Unit tests of how runfiles without groups are sorted into parts."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//img/private/rules:split_runfiles.bzl", "is_interpreter", "package_of", "part_name", "part_names")

def _interpreters_test_impl(ctx):
    env = unittest.begin(ctx)
    for path in [
        "../python_3_11/bin/python3",
        "../python_3_11/bin/python3.11",
        "../nodejs_linux_amd64/bin/nodejs/bin/node",
        "../remotejdk21_linux/bin/java",
    ]:
        asserts.true(env, is_interpreter(path), path)
    for path in ["../a/bin/pythonic", "../a/python3", "../a/sbin/python3", "bin", "../a/bin/python3/x"]:
        asserts.false(env, is_interpreter(path), path)
    return unittest.end(env)

interpreters_test = unittest.make(_interpreters_test_impl)

def _packages_test_impl(ctx):
    env = unittest.begin(ctx)
    for path, package in {
        "app/.venv/lib/python3.11/site-packages/numpy/core.py": "numpy",
        "app/main.py": "",
        "node_modules/.aspect_rules_js/left@1.0/node_modules/left/index.js": "left",
        "node_modules/@scope/right/index.js": "@scope/right",
        "src/node_modules.js": "",
        "web/node_modules/left": "left",
    }.items():
        asserts.equals(env, package, package_of(path), path)
    return unittest.end(env)

packages_test = unittest.make(_packages_test_impl)

def _part(path, budget):
    return part_name(path, budget = budget, interpreters = {"python": None})

def _parts_test_impl(ctx):
    env = unittest.begin(ctx)
    for path, parts in {
        "../numpy/core.py": ["packages", "packages"],
        "../python/bin/python3": ["packages", "interpreter"],
        "../python/lib/os.py": ["packages", "interpreter"],
        "app/main.py": ["app", "app"],
        "app/node_modules/left/index.js": ["packages", "packages"],
    }.items():
        asserts.equals(env, parts, [_part(path, 2), _part(path, 3)], path)
    return unittest.end(env)

parts_test = unittest.make(_parts_test_impl)

def _spread_test_impl(ctx):
    """Packages are spread over all layers that there are for them, each by its own name."""
    env = unittest.begin(ctx)
    budget = 10
    parts = {_part("../package_{}/file".format(number), budget): None for number in range(200)}
    asserts.equals(env, part_names(budget)[1:-1], sorted(parts))
    for file in ["a", "b/c", "bin/python3"]:
        asserts.equals(env, _part("../numpy/file", budget), _part("../numpy/" + file, budget))
    asserts.equals(env, "interpreter", _part("../python/a", budget))
    asserts.equals(env, "app", _part("a", budget))
    for number in [2, 3, 4, 12]:
        asserts.equals(env, number, len(part_names(number)))
        asserts.equals(env, "app", part_names(number)[-1])
    return unittest.end(env)

spread_test = unittest.make(_spread_test_impl)

def split_runfiles_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    unittest.suite(name, interpreters_test, packages_test, parts_test, spread_test)
