"""Tests of which image of an index fits a platform."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//img/private/config:platforms.bzl", "platform_string", "select_manifest", "variant_candidates")

_CANDIDATES = {
    ("386", ""): [""],
    ("amd64", ""): [""],
    ("amd64", "v3"): ["v3", "v2", "v1", ""],
    ("arm", ""): ["", "v7", "v6", "v5"],
    ("arm", "v7"): ["v7", "v6", "v5"],
    ("arm64", ""): ["v8"],
    ("arm64", "v8"): ["v8"],
    ("arm64", "v8.2"): ["v8.2", "v8.1", "v8"],
    ("arm64", "v9"): ["v9", "v8"],
    ("arm64", "v9.2"): ["v9.2", "v9.1", "v9", "v8"],
    ("ppc64le", "power9"): ["power9", ""],
}

def _candidates_test_impl(ctx):
    env = unittest.begin(ctx)
    for (architecture, variant), expected in _CANDIDATES.items():
        asserts.equals(env, expected, variant_candidates(architecture, variant), platform_string("linux", architecture, variant))
    return unittest.end(env)

candidates_test = unittest.make(_candidates_test_impl)

def _manifest(os, architecture, variant):
    return struct(architecture = architecture, os = os, variant = variant)

_AMD64 = _manifest("linux", "amd64", "")
_AMD64_V2 = _manifest("linux", "amd64", "v2")
_ARM64 = _manifest("linux", "arm64", "")
_ARM_V6 = _manifest("linux", "arm", "v6")
_ARM_V7 = _manifest("linux", "arm", "v7")
_WINDOWS = _manifest("windows", "amd64", "")
_ATTESTATION = _manifest("unknown", "unknown", "")
_ALL = [_ATTESTATION, _WINDOWS, _ARM_V6, _ARM_V7, _AMD64, _AMD64_V2, _ARM64]

_SELECTIONS = {
    ("linux", "amd64", ""): _AMD64,
    ("linux", "amd64", "v1"): _AMD64,
    ("linux", "amd64", "v3"): _AMD64_V2,
    ("linux", "arm", ""): _ARM_V7,
    ("linux", "arm", "v5"): None,
    ("linux", "arm", "v6"): _ARM_V6,
    ("linux", "arm64", "v8"): _ARM64,
    ("linux", "arm64", "v9.1"): _ARM64,
    ("linux", "s390x", ""): None,
    ("windows", "amd64", ""): _WINDOWS,
}

def _selection_test_impl(ctx):
    env = unittest.begin(ctx)
    for (os, architecture, variant), expected in _SELECTIONS.items():
        asserts.equals(
            env,
            expected,
            select_manifest(_ALL, os, architecture, variant),
            platform_string(os, architecture, variant),
        )
    return unittest.end(env)

selection_test = unittest.make(_selection_test_impl)

def platforms_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    unittest.suite(name, candidates_test, selection_test)
