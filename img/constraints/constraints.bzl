"""Declares the constraint values for the variants of a processor; used in the BUILD files below this folder."""

load("//img/private/config:variants.bzl", "ALIASES", "CONSTRAINT_VALUES")

visibility(["//img/constraints/..."])

def variant_constraint_values():
    """Declares the constraint values of the processor that the package is named after."""
    cpu = native.package_name().rpartition("/")[2]
    for value in CONSTRAINT_VALUES[cpu]:
        native.constraint_value(
            name = value,
            constraint_setting = "//img/constraints:variant",
            visibility = ["//visibility:public"],
        )
    for name, value in ALIASES.get(cpu, {}).items():
        native.alias(
            name = name,
            actual = value,
            visibility = ["//visibility:public"],
        )

# Operating systems and processors in OCI terms, and the constraint values that they stand for.
_OSES = {
    "android": "@platforms//os:android",
    "darwin": "@platforms//os:macos",
    "freebsd": "@platforms//os:freebsd",
    "ios": "@platforms//os:ios",
    "linux": "@platforms//os:linux",
    "netbsd": "@platforms//os:netbsd",
    "openbsd": "@platforms//os:openbsd",
    "windows": "@platforms//os:windows",
}

_CPUS = {
    "386": "@platforms//cpu:x86_32",
    "amd64": "@platforms//cpu:x86_64",
    "arm": "@platforms//cpu:armv7",
    "arm64": "@platforms//cpu:aarch64",
    "mips64": "@platforms//cpu:mips64",
    "ppc64le": "@platforms//cpu:ppc64le",
    "riscv64": "@platforms//cpu:riscv64",
    "s390x": "@platforms//cpu:s390x",
    "wasm": "@platforms//cpu:wasm32",
}

def platform_config_settings():
    """Declares a config setting `<os>_<architecture>` for every pair that images have names for."""
    for os, os_constraint in _OSES.items():
        for cpu, cpu_constraint in _CPUS.items():
            native.config_setting(
                name = "{}_{}".format(os, cpu),
                constraint_values = [os_constraint, cpu_constraint],
                visibility = ["//visibility:public"],
            )
