"""The attributes of the rule `image_manifest`."""

load("//img/private:inherit.bzl", "INHERIT_FROM_BASE")
load("//img/private/config:settings.bzl", "SETTINGS_ATTRS")
load("//img/private/config:target_platform.bzl", "TARGET_PLATFORM_ATTRS")
load("//img/private/config:templates.bzl", "TEMPLATE_ATTRS")
load("//img/private/providers:image.bzl", "ImageIndexInfo", "ImageManifestInfo")
load("//img/private/rules:image_specs.bzl", "SPEC_ATTRS")

visibility(["//img/private/rules"])

# The attributes of `image_manifest`.
IMAGE_MANIFEST_ATTRS = TARGET_PLATFORM_ATTRS | SETTINGS_ATTRS | TEMPLATE_ATTRS | SPEC_ATTRS | {
    "annotations": attr.string_dict(
        doc = "Annotations of the manifest. Values can be templates. `org.opencontainers.image.base.name` and " +
              "`org.opencontainers.image.base.digest` are set by themselves where there is a base, unless they are set here.",
    ),
    "annotations_file": attr.label(
        doc = "A file with annotations: lines `KEY=VALUE`, or a JSON object. They win over `annotations`. Values can be templates.",
        allow_single_file = True,
    ),
    "artifact_type": attr.string(
        doc = "The artifact type of the manifest, for artifacts that are not images.",
    ),
    "base": attr.label(
        doc = "The image to build on; of an image for several platforms, the one for the target platform. Not set: from scratch.",
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
    "created": attr.label(
        doc = "A file with the time at which the image was made, in RFC 3339, e.g. `2024-02-29T12:00:00Z`. Instead of `created_timestamp`.",
        allow_single_file = True,
    ),
    "created_timestamp": attr.string(
        doc = "The time at which the image was made, in RFC 3339. Can be a template. Empty, also after expansion: the image names no time.",
    ),
    "entrypoint": attr.string_list(
        doc = "The command that the image runs. Setting it removes the inherited `cmd`. `[]` removes that of the base; " +
              "an element INHERIT_FROM_BASE stands for all of it.",
        default = [INHERIT_FROM_BASE],
    ),
    "env": attr.string_dict(
        doc = "Environment variables, in addition to those of the base. Values can be templates, e.g. `{{$PATH}}:/app/bin`.",
    ),
    "env_file": attr.label(
        doc = "A file with environment variables: lines `KEY=VALUE`, or a JSON object. `env` and layers win over it.",
        allow_single_file = True,
    ),
    "label_files": attr.label_list(
        doc = "Files with labels: lines `KEY=VALUE`, or JSON objects. Later files win over earlier ones, and all over `labels`. " +
              "Values can be templates.",
        allow_files = True,
    ),
    "labels": attr.string_dict(
        doc = "Labels, in addition to those of the base. Values can be templates.",
    ),
    "layers": attr.label_list(
        doc = "The layers to put on the base, the lowest first: layer targets, or targets whose outputs are tar archives.",
        allow_files = True,
    ),
    "platform": attr.label(
        doc = "The platform to build the image for, whatever the command line says.",
        providers = [platform_common.PlatformInfo],
    ),
    "stamp_created": attr.string(
        doc = "Whether the time of the build is the time at which the image was made, as far as this is stamped: short for " +
              "`created_timestamp = \"{{.BUILD_TIMESTAMP_RFC3339}}\"`. `auto`: as `//img/settings:stamp_created` says. " +
              "Without effect beside `created` or `created_timestamp`.",
        default = "auto",
        values = ["auto", "enabled", "disabled"],
    ),
    "stop_signal": attr.string(
        doc = "The signal that stops a container. Empty: none.",
        default = INHERIT_FROM_BASE,
    ),
    "subject": attr.label(
        doc = "The image that this one is about, e.g. the one that an SBOM describes. A registry lists this one as a referrer of it.",
        providers = [[ImageManifestInfo], [ImageIndexInfo]],
    ),
    "user": attr.string(
        doc = "The user, and maybe group, to run as. Empty: none.",
        default = INHERIT_FROM_BASE,
    ),
    "working_dir": attr.string(
        doc = "The folder to start in. Empty: none.",
        default = INHERIT_FROM_BASE,
    ),
    "_additional_labels_file": attr.label(
        doc = "Labels for every image.",
        allow_files = True,
        default = Label("//img/settings:additional_image_labels_file"),
    ),
}
