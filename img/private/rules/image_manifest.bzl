"""The rule `image_manifest`: an image for one platform."""

load("//img/private:inherit.bzl", "inherited_list", "inherited_string")
load("//img/private/actions:builder.bzl", "BUILDER_TOOLCHAIN", "label_string")
load("//img/private/actions:manifest.bzl", "write_manifest")
load("//img/private/config:settings.bzl", "resolve_auto", "settings_of")
load("//img/private/config:target_platform.bzl", "target_platform_of")
load("//img/private/config:templates.bzl", "build_settings_of", "stamp_files")
load("//img/private/config:transitions.bzl", "single_platform_transition")
load("//img/private/providers:image.bzl", "ImageManifestInfo")
load("//img/private/rules:base_image.bzl", "base_name", "select_base")
load("//img/private/rules:build_time_push.bzl", "BUILD_TIME_PUSH_TOOLCHAINS")
load("//img/private/rules:image_layers.bzl", "collect_layers", "layer_config")
load("//img/private/rules:image_manifest_attrs.bzl", "IMAGE_MANIFEST_ATTRS")
load("//img/private/rules:image_outputs.bzl", "declare_layouts", "declare_listing")
load("//img/private/rules:image_specs.bzl", "declare_deployment")
load("//img/private/rules:push_plan.bzl", "original_of")
load("//img/private/rules:subject.bzl", "subject_descriptor")

visibility([
    "//img",
    "//tests/...",
])

# Config media types whose blob is an image config, made by the builder.
_IMAGE_CONFIG_MEDIA_TYPES = ["", "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"]

# The config without content, which needs no fragment.
_EMPTY_CONFIG_MEDIA_TYPE = "application/vnd.oci.empty.v1+json"

# A mount of overlayfs takes no more.
_MAX_LAYERS = 127

_TIME_OF_BUILD = "{{.BUILD_TIMESTAMP_RFC3339}}"

def _is_image(ctx):
    return ctx.attr.config_media_type in _IMAGE_CONFIG_MEDIA_TYPES and not ctx.attr.artifact_type

def _check_config(ctx):
    media_type = ctx.attr.config_media_type
    if media_type in _IMAGE_CONFIG_MEDIA_TYPES or media_type == _EMPTY_CONFIG_MEDIA_TYPE or ctx.file.config_fragment:
        return
    fail(("{}: attribute `config_media_type`: {} is not the type of an image config, so its content has to come from a file; " +
          "name it in `config_fragment`").format(ctx.label, repr(media_type)))

def _check_layers(ctx, layers):
    if _is_image(ctx) and len(layers) > _MAX_LAYERS:
        fail(("{}: attribute `layers`: the image would have {} layers, those of the base included, but containers can be started " +
              "from at most {}; put the files of several layers into one").format(ctx.label, len(layers), _MAX_LAYERS))

def _created_timestamp(ctx, settings):
    """The template of the time at which the image was made; empty if a file or nothing says it."""
    if ctx.file.created:
        if ctx.attr.created_timestamp:
            fail("{}: attributes `created` and `created_timestamp`: both say when the image was made; leave out one of them".format(ctx.label))
        return ""
    if ctx.attr.created_timestamp:
        return ctx.attr.created_timestamp
    stamped = resolve_auto(ctx.attr.stamp_created, settings.stamp_created) == "enabled"
    return _TIME_OF_BUILD if stamped else ""

def _additional_labels_file(ctx):
    files = ctx.files._additional_labels_file
    if len(files) > 1:
        fail("{}: --{}: expected a target with one file, found {}".format(
            ctx.label,
            Label("//img/settings:additional_image_labels_file"),
            ", ".join([file.basename for file in files]),
        ))
    return files[0] if files else None

def _files(ctx):
    return struct(
        additional_labels_file = _additional_labels_file(ctx),
        annotations_file = ctx.file.annotations_file,
        config_fragment = ctx.file.config_fragment,
        created = ctx.file.created,
        env_file = ctx.file.env_file,
        subject = subject_descriptor(ctx),
    )

def _stamp_files(ctx, settings, created_timestamp):
    annotations_files = [ctx.file.annotations_file] if ctx.file.annotations_file else []
    return stamp_files(
        ctx,
        settings,
        files = ctx.files.label_files + annotations_files,
        templates = ctx.attr.env.values() + ctx.attr.labels.values() + ctx.attr.annotations.values() + [created_timestamp],
    )

def _values(ctx, platform, base_label, created_timestamp):
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
        "build_settings": build_settings_of(ctx),
        "cmd": layers.cmd if cmd == None else cmd,
        "config_media_type": ctx.attr.config_media_type,
        "created_timestamp": created_timestamp,
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
    settings = settings_of(ctx)
    platform = target_platform_of(ctx)
    base = select_base(ctx, platform)
    layers = collect_layers(ctx, settings)
    all_layers = (base.layers if base else []) + layers
    _check_layers(ctx, all_layers)
    created_timestamp = _created_timestamp(ctx, settings)
    outputs = _declare_outputs(ctx)
    write_manifest(
        ctx,
        outputs = outputs,
        base = base,
        layers = [layer.metadata for layer in layers],
        files = _files(ctx),
        label_files = ctx.files.label_files,
        stamp_files = _stamp_files(ctx, settings, created_timestamp),
        values = _values(ctx, platform, base_name(ctx.attr.base), created_timestamp),
    )
    fields = dict(
        architecture = platform.cpu,
        base = base,
        config = outputs.config,
        descriptor = outputs.descriptor,
        layers = all_layers,
        manifest = outputs.manifest,
        mtree = declare_listing(ctx, all_layers, settings),
        os = platform.os,
        pulled = base.pulled if base else [],
        variant = platform.variant,
    )
    layouts = declare_layouts(ctx, struct(**fields), settings, platform)
    info = ImageManifestInfo(sparse_oci_layout = layouts.sparse, **fields)
    original = original_of(ctx.attr.base) if ctx.attr.base else None
    deployment = declare_deployment(ctx, info, original)
    groups = layouts.groups | deployment.groups
    if info.mtree:
        groups["mtree"] = depset([info.mtree])
    return deployment.providers + ([original] if original else []) + [
        DefaultInfo(files = depset([outputs.manifest, outputs.config])),
        info,
        OutputGroupInfo(
            descriptor = depset([outputs.descriptor]),
            digest = depset([outputs.digest]),
            root_blob = depset([outputs.manifest]),
            **groups
        ),
    ]

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

Values that can be templates are in the language of Go's `text/template`, see docs/guides/templates.md.
""",
    attrs = IMAGE_MANIFEST_ATTRS,
    cfg = single_platform_transition,
    provides = [ImageManifestInfo],
    toolchains = [BUILDER_TOOLCHAIN] + BUILD_TIME_PUSH_TOOLCHAINS,
)
