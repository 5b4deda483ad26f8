"""Tests of the parts of `pull` that need no registry: attributes and the generated files."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//img/private/repo:pull_attrs.bzl", "is_digest", "problem_with_attributes")
load("//img/private/repo:pulled_build.bzl", "build_file", "purl_of")

_DIGEST = "sha256:" + 64 * "0"

def _digest_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.true(env, is_digest(_DIGEST))
    for text in [
        "",
        "sha256:",
        64 * "0",
        _DIGEST + "0",
        _DIGEST[:-1],
        "sha256:" + 64 * "A",
        "sha256:" + 64 * "g",
        "sha512:" + 64 * "0",
        "sha256:sha256:" + 57 * "0",
    ]:
        asserts.false(env, is_digest(text), text)
    return unittest.end(env)

digest_test = unittest.make(_digest_test_impl)

def _attributes(**kwargs):
    attributes = {
        "digest": _DIGEST,
        "downloader": "img_tool",
        "layer_handling": "shallow",
        "repository": "library/ubuntu",
        "tag": "",
    }
    return struct(**(attributes | kwargs))

def _attributes_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, None, problem_with_attributes(_attributes()))
    asserts.equals(env, None, problem_with_attributes(_attributes(digest = "", tag = "24.04")))
    for attribute, attributes in {
        "digest": _attributes(digest = "sha256:1234"),
        "downloader": _attributes(downloader = "bazel"),
        "layer_handling": _attributes(layer_handling = "eager"),
        "repository": _attributes(repository = ""),
    }.items():
        asserts.equals(env, attribute, problem_with_attributes(attributes).attribute)
    asserts.equals(env, "digest", problem_with_attributes(_attributes(digest = "")).attribute)
    return unittest.end(env)

attributes_test = unittest.make(_attributes_test_impl)

def _purl_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(
        env,
        "pkg:docker/library/ubuntu@" + _DIGEST + "?repository_url=index.docker.io",
        purl_of(["index.docker.io"], "library/ubuntu", "24.04", _DIGEST),
    )
    asserts.equals(env, "pkg:docker/library/ubuntu@24.04", purl_of(["a", "b"], "library/ubuntu", "24.04", ""))
    return unittest.end(env)

purl_test = unittest.make(_purl_test_impl)

def _build_file_test_impl(ctx):
    env = unittest.begin(ctx)
    image = {
        "config": "blobs/sha256/cc",
        "descriptor": "blobs/sha256/aa.descriptor.json",
        "layers": ["application/vnd.oci.image.layer.v1.tar+gzip"],
        "manifest": "blobs/sha256/aa",
        "platform": {"architecture": "amd64", "os": "linux", "variant": ""},
    }
    attestation = image | {"config": "", "manifest": "blobs/sha256/bb"}
    build = build_file(
        name = "ubuntu",
        digest = _DIGEST,
        images = [image, attestation],
        index = {"descriptor": "blobs/sha256/00.descriptor.json", "index": "blobs/sha256/00", "inner": ["blobs/sha256/11"]},
        registries = ["index.docker.io", "mirror.example.com"],
        sources = ["mirror.example.com", "index.docker.io"],
        repository = "library/ubuntu",
        tag = "24.04",
        platforms = ["linux_amd64"],
    )
    for part in [
        "name = \"image\"",
        "name = \"ubuntu\"",
        "name = \"final\"",
        "name = \"load\",\n    image = \":final\",\n    registry = \"index.docker.io\",\n    repository = \"library/ubuntu\",\n    tag = \"24.04\"",
        "\"blobs/sha256/11\", \"blobs/sha256/aa\", \"blobs/sha256/cc\"",
        "//img/constraints:linux_amd64\": []",
        "registries = [\"index.docker.io\", \"mirror.example.com\"]",
        "sources = [\"mirror.example.com\", \"index.docker.io\"]",
    ]:
        asserts.true(env, part in build, "expected {} in:\n{}".format(part, build))

    unnamed = build_file(
        name = "image",
        digest = _DIGEST,
        images = [image],
        index = None,
        registries = ["index.docker.io"],
        sources = ["index.docker.io"],
        repository = "library/ubuntu",
        tag = "",
        platforms = [],
    )
    asserts.equals(env, 1, unnamed.count("name = \"image\""), "a repository may be called like one of its targets")
    asserts.true(env, "target_compatible_with = []" in unnamed)
    return unittest.end(env)

build_file_test = unittest.make(_build_file_test_impl)

def pull_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    unittest.suite(name, digest_test, attributes_test, purl_test, build_file_test)
