"""A Python package in a repository of its own, as pip would install it, and as large as the environment says."""

_BUILD = """
load("@rules_python//python:py_library.bzl", "py_library")

py_library(
    name = "package",
    srcs = glob(["site-packages/**/*.py"]),
    data = glob(["site-packages/**/*.bin"], allow_empty = True),
    imports = ["site-packages"],
    visibility = ["//visibility:public"],
)
"""

_WRITE_DATA = """
import pathlib, random, sys
folder, seed, count = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
source = random.Random(seed)
for number in range(count):
    (folder / f"{number}.bin").write_bytes(source.randbytes(1 << 20))
"""

def _package_impl(rctx):
    folder = "site-packages/" + rctx.attr.module
    rctx.file("BUILD.bazel", _BUILD)
    rctx.file(folder + "/__init__.py", "TEXT = {}\n".format(repr(rctx.attr.text)))
    megabytes = rctx.getenv("PACKAGE_MEGABYTES", "0")
    done = rctx.execute(["python3", "-c", _WRITE_DATA, folder, rctx.attr.module, megabytes])
    if done.return_code:
        fail("{}: {}".format(rctx.attr.module, done.stderr))

package = repository_rule(
    implementation = _package_impl,
    doc = "A Python package with a text, and with as many megabytes of data as PACKAGE_MEGABYTES says.",
    attrs = {
        "module": attr.string(
            doc = "Name of the Python module.",
            mandatory = True,
        ),
        "text": attr.string(
            doc = "What the module holds.",
            mandatory = True,
        ),
    },
)
