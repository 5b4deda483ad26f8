"""What images call operating systems and processors, and the constraint values that this stands for."""

visibility(["//img/constraints"])

# Operating systems.
OSES = {
    "android": "@platforms//os:android",
    "darwin": "@platforms//os:macos",
    "freebsd": "@platforms//os:freebsd",
    "ios": "@platforms//os:ios",
    "linux": "@platforms//os:linux",
    "netbsd": "@platforms//os:netbsd",
    "openbsd": "@platforms//os:openbsd",
    "windows": "@platforms//os:windows",
}

# Processors.
CPUS = {
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
