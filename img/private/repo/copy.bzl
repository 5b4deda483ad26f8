"""Copies a program into a repository.

A link would do if nothing ever wrote to its target while Bazel uses it, and if every sandbox showed the folder it lies in; a folder below
/tmp is hidden by most.
"""

load("//img/private/repo:host.bzl", "host_platform")

visibility(["//img/private/repo"])

def copy_file(rctx, source, name):
    """Copies a file, its mode included.

    Args:
        rctx: the context of the repository rule.
        source: path: the file.
        name: string: what to call it in the repository.
    """
    host_os, _ = host_platform(rctx)
    if host_os == "windows":
        command = ["cmd.exe", "/c", "copy", "/y", str(source).replace("/", "\\"), name]
    else:
        command = ["cp", str(source), name]
    result = rctx.execute(command)
    if result.return_code != 0:
        fail("copying {} failed: {}{}".format(source, result.stdout, result.stderr))
