"""The globals of the published module that Debian's older one does not know, yet."""

load(":globals_packaged.bzl", _PACKAGED = "GLOBALS")

GLOBALS = _PACKAGED | {
    "CcSharedLibraryInfo": "7.0.0",
    "PackageSpecificationInfo": "6.4.0",
    "macro": "8.0.0",
    # Bazel 8 removed these; the test-bed has a 7.
    "JavaInfo": "0.0.1",
    "JavaPluginInfo": "0.0.1",
    "ProtoInfo": "0.0.1",
    "PyCcLinkParamsProvider": "0.0.1",
    "PyInfo": "0.0.1",
    "PyRuntimeInfo": "0.0.1",
}
