"""A root folder out of the test-bed's own programs, enough to run what is built there: a shell, bash, the C++ library, Python or Java."""

import pathlib
import re
import subprocess
import sysconfig
import tarfile

from harness import process

# What bash, Python, Java and C++ programs are linked with.
LIBRARIES = ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "libtinfo.so.6", "libz.so.1", "libexpat.so.1"]
# Commands that scripts call; busybox is all of them.
APPLETS = ["bin/sh", "bin/cat", "bin/dirname", "usr/bin/env", "usr/bin/cut", "usr/bin/grep", "usr/bin/readlink", "usr/bin/which"]
# Where the test-bed's rules have the runtime of a Java program.
JAVA_HOME = "usr/lib/jvm/default-java"
# Parts of Python's library that no program here needs.
LEFT_OUT = re.compile(r"/(__pycache__|test|tests|idlelib|ensurepip|pydoc_data|turtledemo|lib2to3|tkinter|config-[^/]*)(/|$)")


def smallest(folder):
    """Writes a tar with nothing but busybox as a shell."""
    path = folder / "busybox.tar"
    with tarfile.open(path, "w") as tar:
        add(tar, "bin/busybox", "/bin/busybox")
        for applet in ("bin/sh", "bin/cat"):
            link(tar, applet, "/bin/busybox")
    return path


def root_filesystem(folder, *, java=False):
    """Writes the tar, once for each folder; with a Java runtime in the place of Python if that is asked for."""
    path = folder / ("rootfs-java.tar" if java else "rootfs.tar")
    machine = subprocess.run(["gcc", "-dumpmachine"], check=True, capture_output=True, text=True).stdout.strip()
    loader = next(pathlib.Path("/lib64").glob("ld-linux*"))
    with tarfile.open(path, "w", dereference=True) as tar:
        add(tar, "bin/busybox", "/bin/busybox")
        add(tar, "bin/bash", "/bin/bash")
        add(tar, f"lib64/{loader.name}", loader)
        for name in LIBRARIES:
            add(tar, f"usr/lib/{machine}/{name}", f"/usr/lib/{machine}/{name}")
        for applet in APPLETS:
            link(tar, applet, "/bin/busybox")
        if java:
            add_java(tar, folder / "java-runtime")
        else:
            add_python(tar)
    return path


def add_python(tar):
    """The interpreter and its library."""
    library = pathlib.Path(sysconfig.get_path("stdlib"))
    python = pathlib.Path("/usr/bin/python3").resolve()
    add(tar, f"usr/bin/{python.name}", python)
    add(tar, str(library)[1:], library)
    link(tar, "usr/bin/python3", python.name)


def add_java(tar, folder):
    """The smallest runtime there is, at the path of the JDK that programs were built with."""
    process.run(["jlink", "--add-modules", "java.base", "--strip-java-debug-attributes", "--exclude-files", "**.debuginfo",
                 "--no-header-files", "--no-man-pages", "--output", folder])
    add(tar, JAVA_HOME, folder)


def add(tar, name, source):
    """Adds a file or a folder."""
    tar.add(source, name, filter=ordinary)


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
