"""The rule `image_index`: an image for several platforms."""

load("//img/private/actions:builder.bzl", "BUILDER_TOOLCHAIN", "label_string")
load("//img/private/actions:index.bzl", "write_index")
load("//img/private/config:transitions.bzl", "original_platforms_transition", "split_platforms_transition")
load("//img/private/providers:image.bzl", "ImageIndexInfo", "ImageManifestInfo")
load("//img/private/providers:pull.bzl", "PullInfo")

visibility([
    "//img",
    "//tests/...",
])

_ATTRS = {
    "annotations": attr.string_dict(
        doc = "Annotations of the index.",
    ),
    "annotations_file": attr.label(
        doc = "A file with annotations: lines `KEY=VALUE`, or a JSON object. They win over `annotations`.",
        allow_single_file = True,
    ),
    "manifests": attr.label_list(
        doc = "The images, each for one platform.",
        cfg = split_platforms_transition,
        providers = [ImageManifestInfo],
    ),
    "platforms": attr.label_list(
        doc = "The platforms to build every one of `manifests` for. Empty: each is built once, as it is.",
        providers = [platform_common.PlatformInfo],
    ),
}

def _manifests(ctx):
    """The images in the order of the index: platforms outside, images inside."""
    branches = ctx.split_attr.manifests or {}
    if not ctx.attr.platforms:
        return [target for targets in branches.values() for target in targets]

    # A branch is called by its position in `platforms`.
    return [
        target
        for position in range(len(ctx.attr.platforms))
        for target in branches.get(str(position), [])
    ]

def _image_index_impl(ctx):
    targets = _manifests(ctx)
    manifests = [target[ImageManifestInfo] for target in targets]
    outputs = struct(
        descriptor = ctx.actions.declare_file(ctx.label.name + "_descriptor.json"),
        digest = ctx.actions.declare_file(ctx.label.name + "_digest"),
        index = ctx.actions.declare_file(ctx.label.name + "_index.json"),
    )
    write_index(
        ctx,
        outputs = outputs,
        descriptors = [manifest.descriptor for manifest in manifests],
        annotations_file = ctx.file.annotations_file,
        values = {"annotations": ctx.attr.annotations, "label": label_string(ctx.label)},
    )
    pulls = [target[PullInfo] for target in targets if PullInfo in target]
    return [
        DefaultInfo(files = depset([outputs.index])),
        ImageIndexInfo(
            descriptor = outputs.descriptor,
            index = outputs.index,
            manifests = manifests,
        ),
        OutputGroupInfo(
            descriptor = depset([outputs.descriptor]),
            digest = depset([outputs.digest]),
            root_blob = depset([outputs.index]),
        ),
    ] + pulls[:1]

image_index = rule(
    implementation = _image_index_impl,
    doc = """Makes an image for several platforms of images for one platform each.

```starlark
image_index(
    name = "app_all_platforms",
    manifests = [":app"],
    platforms = ["//platforms:linux_amd64", "//platforms:linux_arm64"],
)
```
""",
    attrs = _ATTRS,
    cfg = original_platforms_transition,
    provides = [ImageIndexInfo],
    toolchains = [BUILDER_TOOLCHAIN],
)
