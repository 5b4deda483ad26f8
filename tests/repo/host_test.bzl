"""Tests of how repository rules name machines and programs."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//img/private/repo:host.bzl", "parse_host_platform", "program_file_name")

_PLATFORMS = {
    ("Linux", "amd64"): ("linux", "amd64"),
    ("Linux", "riscv64"): ("linux", "riscv64"),
    ("Mac OS X", "aarch64"): ("darwin", "arm64"),
    ("Windows Server 2022", "x86_64"): ("windows", "amd64"),
    ("linux", "s390x"): ("linux", "s390x"),
    ("mac os x", "x86_64"): ("darwin", "amd64"),
    ("windows 11", "arm64"): ("windows", "arm64"),
}

def _platforms_test_impl(ctx):
    env = unittest.begin(ctx)
    for (os, arch), expected in _PLATFORMS.items():
        asserts.equals(env, expected, parse_host_platform(os, arch))
    return unittest.end(env)

platforms_test = unittest.make(_platforms_test_impl)

def _file_names_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, "builder", program_file_name("builder", "linux"))
    asserts.equals(env, "builder.exe", program_file_name("builder", "windows"))
    return unittest.end(env)

file_names_test = unittest.make(_file_names_test_impl)

def host_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    unittest.suite(name, platforms_test, file_names_test)
