"""Tests of the environment of what `bazel run` starts."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//img/private/rules:run_environment.bzl", "run_environment")

def _settings(**kwargs):
    settings = {
        "blob_cache": "",
        "credential_helper": "",
        "credential_helper_oci_registry": "",
        "credential_helper_remote_cache": "",
        "docker_config_path": "",
        "insecure": "disabled",
        "remote_cache": "",
        "remote_instance_name": "",
    }
    return struct(**(settings | kwargs))

def _defaults_test_impl(ctx):
    env = unittest.begin(ctx)
    info = run_environment(_settings())
    asserts.equals(env, {}, info.environment)
    asserts.equals(env, [
        "CONTAINERD_ADDRESS",
        "DOCKER_CONFIG",
        "DOCKER_CONTEXT",
        "DOCKER_DEFAULT_PLATFORM",
        "DOCKER_HOST",
        "IMG_AUTH_DEBUG",
        "IMG_BLOB_CACHE_ENDPOINT",
        "IMG_CREDENTIAL_HELPER",
        "IMG_CREDENTIAL_HELPER_OCI_REGISTRY",
        "IMG_CREDENTIAL_HELPER_REMOTE_CACHE",
        "IMG_DISK_CACHE",
        "IMG_INSECURE",
        "IMG_REAPI_ENDPOINT",
        "IMG_REAPI_INSTANCE_NAME",
        "LOADER_BINARY",
        "REGISTRY_AUTH_FILE",
        "XDG_RUNTIME_DIR",
    ], info.inherited_environment)
    return unittest.end(env)

defaults_test = unittest.make(_defaults_test_impl)

def _settings_win_test_impl(ctx):
    env = unittest.begin(ctx)
    info = run_environment(_settings(docker_config_path = "/secrets/config.json", insecure = "enabled"))
    asserts.equals(env, {"IMG_INSECURE": "1", "REGISTRY_AUTH_FILE": "/secrets/config.json"}, info.environment)
    asserts.false(env, "REGISTRY_AUTH_FILE" in info.inherited_environment)
    return unittest.end(env)

settings_win_test = unittest.make(_settings_win_test_impl)

def run_environment_test_suite(name):
    """Declares the tests.

    Args:
        name: string: name of the suite.
    """
    unittest.suite(name, defaults_test, settings_win_test)
