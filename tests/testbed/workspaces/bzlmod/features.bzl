"""What bazel_features says must be right for the Bazel of the test-bed, which is a 7."""

load("@bazel_features//:features.bzl", "bazel_features")

_EXPECTED = {
    "external_deps.extension_metadata_has_reproducible": (
        bazel_features.external_deps.extension_metadata_has_reproducible,
        True,
    ),
    "external_deps.is_bzlmod_enabled": (bazel_features.external_deps.is_bzlmod_enabled, True),
    "external_deps.repo_metadata_has_reproducible (Bazel 8)": (
        bazel_features.external_deps.repo_metadata_has_reproducible,
        False,
    ),
    "cc.swift_fragment_removed (Bazel 8)": (bazel_features.cc.swift_fragment_removed, False),
    "globals.macro is None (Bazel 8)": (bazel_features.globals.macro == None, True),
    "globals.PyInfo is None": (bazel_features.globals.PyInfo == None, False),
    "globals.RunEnvironmentInfo is None": (bazel_features.globals.RunEnvironmentInfo == None, False),
}

def _features_impl(ctx):
    wrong = [
        "%s is %s, expected %s" % (name, found, expected)
        for name, (found, expected) in _EXPECTED.items()
        if found != expected
    ]
    if wrong:
        fail("bazel_features: " + "; ".join(wrong))
    stamp = ctx.actions.declare_file(ctx.label.name + ".stamp")
    ctx.actions.write(stamp, "")
    return [DefaultInfo(files = depset([stamp]))]

features = rule(implementation = _features_impl)
