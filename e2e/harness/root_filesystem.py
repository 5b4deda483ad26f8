"""A root folder out of the test-bed's own programs, enough to run what is built there: a shell, bash, Python, the C++ library."""

import pathlib
import re
import subprocess
import sysconfig
import tarfile

# What bash, Python and C++ programs are linked with.
LIBRARIES = ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "libtinfo.so.6", "libz.so.1", "libexpat.so.1"]
# Commands that scripts call; busybox is all of them.
APPLETS = ["bin/sh", "bin/cat", "bin/dirname", "usr/bin/env", "usr/bin/cut", "usr/bin/grep", "usr/bin/readlink", "usr/bin/which"]
# Parts of Python's library that no program here needs.
LEFT_OUT = re.compile(r"/(__pycache__|test|tests|idlelib|ensurepip|pydoc_data|turtledemo|lib2to3|tkinter|config-[^/]*)(/|$)")


def root_filesystem(folder):
    """Writes the tar, once for each folder."""
    path = folder / "rootfs.tar"
    machine = subprocess.run(["gcc", "-dumpmachine"], check=True, capture_output=True, text=True).stdout.strip()
    library = pathlib.Path(sysconfig.get_path("stdlib"))
    python = pathlib.Path("/usr/bin/python3").resolve()
    loader = next(pathlib.Path("/lib64").glob("ld-linux*"))
    with tarfile.open(path, "w", dereference=True) as tar:
        def add(name, source):
            tar.add(source, name, filter=ordinary)

        add("bin/busybox", "/bin/busybox")
        add("bin/bash", "/bin/bash")
        add(f"usr/bin/{python.name}", python)
        add(f"lib64/{loader.name}", loader)
        for name in LIBRARIES:
            add(f"usr/lib/{machine}/{name}", f"/usr/lib/{machine}/{name}")
        add(str(library)[1:], library)
        link(tar, "usr/bin/python3", python.name)
        for applet in APPLETS:
            link(tar, applet, "/bin/busybox")
    return path


def ordinary(entry):
    """An entry that belongs to nobody and has no age; None leaves it out."""
    if LEFT_OUT.search("/" + entry.name):
        return None
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


def link(tar, name, target):
    """Adds a symlink."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    tar.addfile(entry)
