"""The environment that `bazel run` gives to a program of this ruleset."""

visibility([
    "//img/private/rules",
    "//tests/...",
])

# Setting -> the environment variable that says the same. The setting wins; without it, the user's environment counts.
_VARIABLES = {
    "blob_cache": "IMG_BLOB_CACHE_ENDPOINT",
    "credential_helper": "IMG_CREDENTIAL_HELPER",
    "credential_helper_oci_registry": "IMG_CREDENTIAL_HELPER_OCI_REGISTRY",
    "credential_helper_remote_cache": "IMG_CREDENTIAL_HELPER_REMOTE_CACHE",
    "docker_config_path": "REGISTRY_AUTH_FILE",
    "remote_cache": "IMG_REAPI_ENDPOINT",
    "remote_instance_name": "IMG_REAPI_INSTANCE_NAME",
}

_INHERITED = [
    "CONTAINERD_ADDRESS",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_DEFAULT_PLATFORM",
    "DOCKER_HOST",
    "IMG_AUTH_DEBUG",
    "IMG_DISK_CACHE",
    "IMG_INSECURE",
    "LOADER_BINARY",
    "XDG_RUNTIME_DIR",
]

def run_environment(settings):
    """Turns settings into environment variables.

    Args:
        settings: SettingsInfo: the build settings.

    Returns:
        RunEnvironmentInfo: for an executable target.
    """
    environment = {
        variable: getattr(settings, setting)
        for setting, variable in _VARIABLES.items()
        if getattr(settings, setting)
    }
    inherited = [variable for variable in _VARIABLES.values() if variable not in environment]
    if settings.insecure == "enabled":
        environment["IMG_INSECURE"] = "1"
    return RunEnvironmentInfo(
        environment = environment,
        inherited_environment = sorted(inherited + _INHERITED),
    )
