"""The rule `image_index`: an image for several platforms."""

load("//img/private/actions:builder.bzl", "BUILDER_TOOLCHAIN", "label_string")
load("//img/private/actions:index.bzl", "write_index")
load("//img/private/config:settings.bzl", "SETTINGS_ATTRS", "settings_of")
load("//img/private/config:target_platform.bzl", "TARGET_PLATFORM_ATTRS", "target_platform_of")
load("//img/private/config:templates.bzl", "TEMPLATE_ATTRS", "build_settings_of", "is_template", "stamp_files")
load("//img/private/config:transitions.bzl", "split_platforms_transition")
load("//img/private/providers:image.bzl", "ImageIndexInfo", "ImageManifestInfo")
load("//img/private/providers:pull.bzl", "PullInfo")
load("//img/private/rules:build_time_push.bzl", "BUILD_TIME_PUSH_TOOLCHAINS")
load("//img/private/rules:image_outputs.bzl", "declare_layouts")
load("//img/private/rules:image_specs.bzl", "SPEC_ATTRS", "declare_deployment")
load("//img/private/rules:subject.bzl", "subject_descriptor")

visibility([
    "//img",
    "//tests/...",
])

_ATTRS = SETTINGS_ATTRS | TARGET_PLATFORM_ATTRS | TEMPLATE_ATTRS | SPEC_ATTRS | {
    "annotations": attr.string_dict(
        doc = "Annotations of the index. Values can be templates; `.base` is then the base of the first image that has one.",
    ),
    "annotations_file": attr.label(
        doc = "A file with annotations: lines `KEY=VALUE`, or a JSON object. They win over `annotations`. Values can be templates.",
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
    "subject": attr.label(
        doc = "The image that this one is about, e.g. the one that an SBOM describes. A registry lists this one as a referrer of it.",
        providers = [[ImageManifestInfo], [ImageIndexInfo]],
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

def _template_base(ctx, manifests):
    """The image that templates can ask about; None if no template does."""
    texts = [text for text in ctx.attr.annotations.values() if is_template(text)]
    if not texts and not ctx.file.annotations_file:
        return None
    bases = [manifest.base for manifest in manifests if manifest.base]
    return bases[0] if bases else None

def _image_index_impl(ctx):
    settings = settings_of(ctx)
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
        subject = subject_descriptor(ctx),
        stamp_files = stamp_files(
            ctx,
            settings,
            files = [ctx.file.annotations_file] if ctx.file.annotations_file else [],
            templates = ctx.attr.annotations.values(),
        ),
        base = _template_base(ctx, manifests),
        values = {
            "annotations": ctx.attr.annotations,
            "build_settings": build_settings_of(ctx),
            "label": label_string(ctx.label),
        },
    )
    fields = dict(
        descriptor = outputs.descriptor,
        index = outputs.index,
        inner_indexes = [],
        manifests = manifests,
    )
    layouts = declare_layouts(ctx, struct(**fields), settings, target_platform_of(ctx))
    info = ImageIndexInfo(sparse_oci_layout = layouts.sparse, **fields)
    pulls = [target[PullInfo] for target in targets if PullInfo in target][:1]
    deployment = declare_deployment(ctx, info, pulls[0] if pulls else None)
    return deployment.providers + pulls + [
        DefaultInfo(files = depset([outputs.index])),
        info,
        OutputGroupInfo(
            descriptor = depset([outputs.descriptor]),
            digest = depset([outputs.digest]),
            root_blob = depset([outputs.index]),
            **(layouts.groups | deployment.groups)
        ),
    ]

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
    provides = [ImageIndexInfo],
    toolchains = [BUILDER_TOOLCHAIN] + BUILD_TIME_PUSH_TOOLCHAINS,
)
