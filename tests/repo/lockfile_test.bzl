"""Tests of the lock file of prebuilt programs."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//img/private/repo:lockfile.bzl", "integrity_of_sha256", "parse_lockfile", "programs_for_platform")

# The digest of no bytes at all, in both forms.
_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_INTEGRITY = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

def _integrity_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, _INTEGRITY, integrity_of_sha256(_SHA256))
    asserts.equals(env, _INTEGRITY, integrity_of_sha256(_SHA256.upper()))
    asserts.equals(env, _INTEGRITY, integrity_of_sha256("sha256:" + _SHA256))
    asserts.equals(env, "sha256-" + 43 * "A" + "=", integrity_of_sha256(64 * "0"))
    asserts.equals(env, "sha256-" + 42 * "/" + "8=", integrity_of_sha256(64 * "f"))
    asserts.equals(env, None, integrity_of_sha256(_SHA256[1:]))
    asserts.equals(env, None, integrity_of_sha256("g" + _SHA256[1:]))
    return unittest.end(env)

integrity_test = unittest.make(_integrity_test_impl)

def _parse_test_impl(ctx):
    env = unittest.begin(ctx)
    entries = parse_lockfile(json.encode([
        {
            "cpu": "amd64",
            "os": "windows",
            "program": "builder",
            "sha256": _SHA256,
            "url_templates": ["https://example.com/v{version}/{program}_{os}_{cpu}{dot}{extension}"],
            "version": "1.2.3",
        },
        {
            "cpu": "arm64",
            "integrity": _INTEGRITY,
            "os": "linux",
            "program": "pusher",
            "urls": ["file:///programs/pusher"],
        },
    ]), name = "lock.json")
    asserts.equals(env, 2, len(entries))
    asserts.equals(env, ["https://example.com/v1.2.3/builder_windows_amd64.exe"], entries[0].urls)
    asserts.equals(env, _INTEGRITY, entries[0].integrity)
    asserts.equals(env, ["pusher"], programs_for_platform(entries, "linux", "arm64").keys())
    asserts.equals(
        env,
        {"integrity": _INTEGRITY, "urls": ["file:///programs/pusher"]},
        json.decode(programs_for_platform(entries, "linux", "arm64")["pusher"]),
    )
    asserts.equals(env, {}, programs_for_platform(entries, "linux", "amd64"))
    asserts.equals(env, [], parse_lockfile("[]", name = "lock.json"))
    return unittest.end(env)

parse_test = unittest.make(_parse_test_impl)

def lockfile_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    unittest.suite(name, integrity_test, parse_test)
