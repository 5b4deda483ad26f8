"""Tests of how the documents of a pulled image are read."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//img/private/repo:documents.bzl", "constraint_names", "is_image_manifest", "media_type_of", "platform_of")

_OCI_INDEX = "application/vnd.oci.image.index.v1+json"
_OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"

_AMD64 = {"architecture": "amd64", "os": "linux", "variant": ""}
_ARM64 = {"architecture": "arm64", "os": "linux", "variant": "v8"}
_UNKNOWN = {"architecture": "unknown", "os": "unknown", "variant": ""}

def _media_type_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, _DOCKER_LIST, media_type_of({"mediaType": _DOCKER_LIST}, ""))
    asserts.equals(env, _OCI_MANIFEST, media_type_of({}, _OCI_MANIFEST))
    asserts.equals(env, _OCI_INDEX, media_type_of({"manifests": []}, ""))
    asserts.equals(env, _OCI_MANIFEST, media_type_of({"config": {}, "layers": []}, ""))
    asserts.equals(env, "", media_type_of({"schemaVersion": 1}, ""))
    return unittest.end(env)

media_type_test = unittest.make(_media_type_test_impl)

def _artifact_test_impl(ctx):
    env = unittest.begin(ctx)
    for media_type, expected in {
        "application/vnd.cncf.helm.config.v1+json": False,
        "application/vnd.docker.container.image.v1+json": True,
        "application/vnd.oci.empty.v1+json": False,
        "application/vnd.oci.image.config.v1+json": True,
    }.items():
        asserts.equals(env, expected, is_image_manifest({"config": {"mediaType": media_type}}), media_type)
    asserts.false(env, is_image_manifest({}))
    return unittest.end(env)

artifact_test = unittest.make(_artifact_test_impl)

def _platform_test_impl(ctx):
    env = unittest.begin(ctx)
    amd64 = {"architecture": "amd64", "os": "linux"}
    arm64 = {"architecture": "arm64", "os": "linux"}
    attestation = {"vnd.docker.reference.type": "attestation-manifest"}
    asserts.equals(env, _AMD64, platform_of({"platform": amd64}, None))
    asserts.equals(env, _ARM64, platform_of({"platform": arm64}, None))
    asserts.equals(env, _ARM64, platform_of({}, arm64 | {"variant": "v8"}), "platform from the config")
    asserts.equals(env, _AMD64, platform_of({"platform": amd64}, arm64), "the index wins over the config")
    asserts.equals(env, _UNKNOWN, platform_of({"platform": {"architecture": "unknown", "os": "unknown"}}, None))
    asserts.equals(env, _UNKNOWN, platform_of({"annotations": attestation, "platform": amd64}, None))
    asserts.equals(env, _UNKNOWN, platform_of({}, None))
    return unittest.end(env)

platform_test = unittest.make(_platform_test_impl)

def _constraints_test_impl(ctx):
    env = unittest.begin(ctx)
    unheard_of = {"architecture": "loong64", "os": "linux", "variant": ""}
    asserts.equals(
        env,
        ["linux_amd64", "linux_arm64"],
        constraint_names([_ARM64, _AMD64, _UNKNOWN, _AMD64, unheard_of]),
    )
    asserts.equals(env, [], constraint_names([_UNKNOWN]))
    return unittest.end(env)

constraints_test = unittest.make(_constraints_test_impl)

def documents_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    unittest.suite(name, media_type_test, artifact_test, platform_test, constraints_test)
