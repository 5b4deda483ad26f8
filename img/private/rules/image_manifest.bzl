"""The rule `image_manifest`: an image for one platform."""

load("//img/private:inherit.bzl", "INHERIT_FROM_BASE", "inherited_list", "inherited_string")
load("//img/private/actions:builder.bzl", "BUILDER_TOOLCHAIN", "label_string")
load("//img/private/actions:manifest.bzl", "write_manifest")
load("//img/private/config:target_platform.bzl", "TARGET_PLATFORM_ATTRS", "target_platform_of")
load("//img/private/config:transitions.bzl", "forget_original_transition", "single_platform_transition")
load("//img/private/providers:image.bzl", "ImageIndexInfo", "ImageManifestInfo")
load("//img/private/providers:pull.bzl", "PullInfo")
load("//img/private/rules:base_image.bzl", "base_name", "base_target", "select_base")
load("//img/private/rules:image_layers.bzl", "collect_layers", "layer_config")

visibility([
    "//img",
    "//tests/...",
])

# Config media types whose blob is an image config, made by the builder.
_IMAGE_CONFIG_MEDIA_TYPES = ["", "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"]

# The config without content, which needs no fragment.
_EMPTY_CONFIG_MEDIA_TYPE = "application/vnd.oci.empty.v1+json"

_ATTRS = TARGET_PLATFORM_ATTRS | {
    "annotations": attr.string_dict(
        doc = "Annotations of the manifest.",
    ),
    "annotations_file": attr.label(
        doc = "A file with annotations: lines `KEY=VALUE`, or a JSON object. They win over `annotations`.",
        allow_single_file = True,
    ),
    "artifact_type": attr.string(
        doc = "The artifact type of the manifest, for artifacts that are not images.",
    ),
    "base": attr.label(
        doc = "The image to build on; of an image for several platforms, the one for the target platform. Not set: from scratch.",
        cfg = forget_original_transition,
        providers = [[ImageManifestInfo], [ImageIndexInfo]],
    ),
    "cmd": attr.string_list(
        doc = "The default arguments of the entrypoint. `[]` removes those of the base; " +
              "an element INHERIT_FROM_BASE stands for all of them.",
        default = [INHERIT_FROM_BASE],
    ),
    "config_fragment": attr.label(
        doc = "A JSON file laid over the config of the base. With a config media type that is not that of an image, the config itself.",
        allow_single_file = True,
    ),
    "config_media_type": attr.string(
        doc = "The media type of the config, for artifacts that are not images. `application/vnd.oci.empty.v1+json` is a config " +
              "without content; any other needs `config_fragment`.",
    ),
    "entrypoint": attr.string_list(
        doc = "The command that the image runs. Setting it removes the inherited `cmd`. `[]` removes that of the base; " +
              "an element INHERIT_FROM_BASE stands for all of it.",
        default = [INHERIT_FROM_BASE],
    ),
    "env": attr.string_dict(
        doc = "Environment variables, in addition to those of the base.",
    ),
    "env_file": attr.label(
        doc = "A file with environment variables: lines `KEY=VALUE`, or a JSON object. `env` and layers win over it.",
        allow_single_file = True,
    ),
    "label_files": attr.label_list(
        doc = "Files with labels: lines `KEY=VALUE`, or JSON objects. Later files win over earlier ones, and all over `labels`.",
        allow_files = True,
    ),
    "labels": attr.string_dict(
        doc = "Labels, in addition to those of the base.",
    ),
    "layers": attr.label_list(
        doc = "The layers to put on the base, the lowest first: layer targets, or targets whose outputs are tar archives.",
        allow_files = True,
        cfg = forget_original_transition,
    ),
    "platform": attr.label(
        doc = "The platform to build the image for, whatever the command line says.",
        providers = [platform_common.PlatformInfo],
    ),
    "stop_signal": attr.string(
        doc = "The signal that stops a container. Empty: none.",
        default = INHERIT_FROM_BASE,
    ),
    "user": attr.string(
        doc = "The user, and maybe group, to run as. Empty: none.",
        default = INHERIT_FROM_BASE,
    ),
    "working_dir": attr.string(
        doc = "The folder to start in. Empty: none.",
        default = INHERIT_FROM_BASE,
    ),
}

def _check_config(ctx):
    media_type = ctx.attr.config_media_type
    if media_type in _IMAGE_CONFIG_MEDIA_TYPES or media_type == _EMPTY_CONFIG_MEDIA_TYPE or ctx.file.config_fragment:
        return
    fail(("{}: attribute `config_media_type`: {} is not the type of an image config, so its content has to come from a file; " +
          "name it in `config_fragment`").format(ctx.label, repr(media_type)))

def _values(ctx, platform, base_label):
    """What the builder gets to know, see docs/design/architecture.md. Rule attributes win over what layers say."""
    layers = layer_config(ctx.attr.layers)
    entrypoint = inherited_list(ctx.attr.entrypoint)
    cmd = inherited_list(ctx.attr.cmd)
    working_dir = inherited_string(ctx.attr.working_dir)
    return {
        "annotations": ctx.attr.annotations,
        "architecture": platform.cpu,
        "artifact_type": ctx.attr.artifact_type,
        "base_name": base_label,
        "cmd": layers.cmd if cmd == None else cmd,
        "config_media_type": ctx.attr.config_media_type,
        "entrypoint": layers.entrypoint if entrypoint == None else entrypoint,
        "env": ctx.attr.env,
        "label": label_string(ctx.label),
        "labels": ctx.attr.labels,
        "layer_env": layers.env,
        "os": platform.os,
        "stop_signal": inherited_string(ctx.attr.stop_signal),
        "user": inherited_string(ctx.attr.user),
        "variant": platform.variant,
        "working_dir": layers.working_dir if working_dir == None else working_dir,
    }

def _declare_outputs(ctx):
    name = ctx.label.name
    return struct(
        config = ctx.actions.declare_file(name + "_config.json"),
        descriptor = ctx.actions.declare_file(name + "_descriptor.json"),
        digest = ctx.actions.declare_file(name + "_digest"),
        manifest = ctx.actions.declare_file(name + "_manifest.json"),
    )

def _image_manifest_impl(ctx):
    _check_config(ctx)
    platform = target_platform_of(ctx)
    base = select_base(ctx, platform)
    layers = collect_layers(ctx)
    outputs = _declare_outputs(ctx)
    write_manifest(
        ctx,
        outputs = outputs,
        base = base,
        layers = [layer.metadata for layer in layers],
        config_fragment = ctx.file.config_fragment,
        env_file = ctx.file.env_file,
        label_files = ctx.files.label_files,
        annotations_file = ctx.file.annotations_file,
        values = _values(ctx, platform, base_name(base_target(ctx))),
    )
    providers = [
        DefaultInfo(files = depset([outputs.manifest, outputs.config])),
        ImageManifestInfo(
            architecture = platform.cpu,
            config = outputs.config,
            descriptor = outputs.descriptor,
            layers = (base.layers if base else []) + layers,
            manifest = outputs.manifest,
            os = platform.os,
            pulled = base.pulled if base else [],
            variant = platform.variant,
        ),
        OutputGroupInfo(
            descriptor = depset([outputs.descriptor]),
            digest = depset([outputs.digest]),
            root_blob = depset([outputs.manifest]),
        ),
    ]
    target = base_target(ctx)
    if target and PullInfo in target:
        providers.append(target[PullInfo])
    return providers

image_manifest = rule(
    implementation = _image_manifest_impl,
    doc = """Makes an image for one platform: layers on a base, and a config.

```starlark
image_manifest(
    name = "app",
    base = "@ubuntu",
    entrypoint = ["/app/bin/server"],
    layers = [":app_layer"],
)
```
""",
    attrs = _ATTRS,
    cfg = single_platform_transition,
    provides = [ImageManifestInfo],
    toolchains = [BUILDER_TOOLCHAIN],
)
