"""Platforms and program names, as repository rules see them: before any platform target exists.

An operating system and a processor are written as in OCI images (`linux`, `amd64`). Example:

    os, cpu = host_platform(rctx)
    program = program_file_name("fetcher", os)
"""

visibility([
    "//extensions",
    "//img/private/repo",
    "//tests/repo",
])

# The programs that every platform's repository holds.
PROGRAMS = ["builder", "fetcher", "pusher", "tester"]

# The platforms that programs are made for.
PLATFORMS = [
    ("darwin", "amd64"),
    ("darwin", "arm64"),
    ("linux", "amd64"),
    ("linux", "arm64"),
    ("linux", "s390x"),
    ("windows", "amd64"),
    ("windows", "arm64"),
]

# What Java calls a processor, and what images call it.
_CPUS = {
    "aarch64": "arm64",
    "amd64": "amd64",
    "arm64": "arm64",
    "s390x": "s390x",
    "x86_64": "amd64",
}

def platform_name(os, cpu):
    """The platform as one word, as in repository names and folders.

    Args:
        os: string: the operating system, e.g. `linux`.
        cpu: string: the processor, e.g. `amd64`.

    Returns:
        string: e.g. `linux_amd64`.
    """
    return os + "_" + cpu

def parse_host_platform(java_os, java_arch):
    """Translates the names that Java has for a machine.

    Args:
        java_os: string: e.g. `Mac OS X`, in any case.
        java_arch: string: e.g. `x86_64`, in any case.

    Returns:
        (string, string): operating system and processor; a name that is not known is returned as it is.
    """
    os = java_os.lower()
    if os.startswith("mac"):
        os = "darwin"
    elif os.startswith("windows"):
        os = "windows"
    cpu = java_arch.lower()
    return os, _CPUS.get(cpu, cpu)

def host_platform(rctx):
    """The platform of the machine that runs Bazel.

    Args:
        rctx: the context of a repository rule or module extension.

    Returns:
        (string, string): operating system and processor.
    """
    return parse_host_platform(rctx.os.name, rctx.os.arch)

def program_file_name(program, os):
    """The file name of a program.

    Args:
        program: string: one of `PROGRAMS`.
        os: string: the operating system that it is made for.

    Returns:
        string: the name, with the extension that the operating system asks for.
    """
    return program + ".exe" if os == "windows" else program
