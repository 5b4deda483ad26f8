"""Tests of `file_metadata` and of the check of its result."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//img:layer.bzl", "file_metadata")
load("//img/private:file_metadata.bzl", "decode_metadata")

def _encode_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, "{}", file_metadata())
    asserts.equals(env, "{\"mode\":\"0755\",\"uid\":0}", file_metadata(mode = "0755", uid = 0))
    metadata = {
        "gid": 2,
        "gname": "g",
        "mode": "0644",
        "mtime": "2024-01-01T00:00:00Z",
        "pax_records": {"SCHILY.xattr.user.a": "b"},
        "uid": 1,
        "uname": "u",
    }
    asserts.equals(env, (metadata, None), decode_metadata(file_metadata(**metadata)))
    return unittest.end(env)

encode_test = unittest.make(_encode_test_impl)

_BAD = {
    "[]": "expected what file_metadata() returns",
    "nonsense": "expected what file_metadata() returns",
    "{\"mode\":\"0799\"}": "octal digits",
    "{\"mode\":\"rwxr-xr-x\"}": "octal digits",
    "{\"mode\":755}": "expected string",
    "{\"owner\":\"root\"}": "unknown field \"owner\"",
    "{\"uid\":-1}": "at least 0",
    "{\"uid\":\"0\"}": "expected int",
}

def _decode_test_impl(ctx):
    env = unittest.begin(ctx)
    for text, expected in _BAD.items():
        _, problem = decode_metadata(text)
        asserts.true(env, problem and expected in problem, "{}: {}".format(text, problem))
    return unittest.end(env)

decode_test = unittest.make(_decode_test_impl)

def file_metadata_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    unittest.suite(name, encode_test, decode_test)
