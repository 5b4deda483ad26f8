"""The attributes that `image_push` and `image_push_spec` share: where and how an image is pushed."""

load("//img/private/config:settings.bzl", "SETTINGS_ATTRS")
load("//img/private/config:templates.bzl", "TEMPLATE_ATTRS")
load("//img/private/providers:deploy.bzl", "DeployInfo")
load("//img/private/providers:image.bzl", "ImageIndexInfo", "ImageManifestInfo")

visibility(["//img/private/rules"])

# How layers get to the registry; `auto` leaves it to the setting.
STRATEGIES = ["auto", "eager", "lazy", "cas_registry", "bes"]

# What an attribute has that leaves a repository to its setting; the empty string is none.
GLOBAL_SETTING = "<use global setting>"

# What a rule has that says where an image is pushed to.
PUSH_ATTRS = SETTINGS_ATTRS | TEMPLATE_ATTRS | {
    "cross_mount_from": attr.label(
        doc = "Another push: an `image_push` target, or an image with `push_specs`. Layers that it put into the same registry are mounted " +
              "instead of uploaded, as far as `//img/settings:cross_mount` allows it. Push it first; nothing here does.",
        providers = [DeployInfo],
    ),
    "deduplicated_push": attr.string(
        doc = "Whether layers that several repositories of a registry need, in one `multi_deploy`, are uploaded to one of them and mounted " +
              "into the others. `enabled`: a registry that refuses to mount them fails the push. `best_effort`: they are uploaded once more " +
              "then. `auto`: as `//img/settings:deduplicated_push` says.",
        default = "auto",
        values = ["auto", "disabled", "best_effort", "enabled"],
    ),
    "deduplicated_push_blob_repository": attr.string(
        doc = "The repository of the registry that layers are uploaded to. Empty: one is chosen. As it stands: " +
              "`//img/settings:deduplicated_push_blob_repository` says it.",
        default = GLOBAL_SETTING,
    ),
    "deduplicated_push_content": attr.string(
        doc = "What is put there: the layers (`blobs`), or with each of them a manifest without a tag, for registries that delete what no " +
              "manifest names (`blobs_and_artificial_manifests`). `auto`: as `//img/settings:deduplicated_push_content` says.",
        default = "auto",
        values = ["auto", "blobs", "blobs_and_artificial_manifests"],
    ),
    "destination_file": attr.label(
        doc = "A file with one line, `registry/repository`. Instead of `registry` and `repository`.",
        allow_single_file = True,
    ),
    "forbid_layer_push": attr.string(
        doc = "`enabled`: the bytes of layers are never sent; each has to be in the repository already, or to be mounted, such as from where " +
              "the build has put it. `auto`: as `//img/settings:forbid_layer_push` says.",
        default = "auto",
        values = ["auto", "disabled", "enabled"],
    ),
    "manifest_tags": attr.string_list(
        doc = "Tags of each image in an index, beside those of the index itself: templates with `{{.os}}`, `{{.architecture}}` (also " +
              "`{{.arch}}` and `{{.cpu}}`) and `{{.variant}}`, e.g. `v1-{{.os}}-{{.architecture}}`. A tag belongs to one image.",
    ),
    "push_at_build_time": attr.string(
        doc = "Whether `bazel build` pushes the image, in validation actions. `enabled`: a push that fails, fails the build. `best_effort`: it is " +
              "reported, and the build goes on. `auto`: as `//img/settings:push_at_build_time` says.",
        default = "auto",
        values = ["auto", "disabled", "best_effort", "enabled"],
    ),
    "push_at_build_time_blob_repository": attr.string(
        doc = "The repository of the registry that the build uploads layers to, to be mounted from there. Empty: the destination itself. As it " +
              "stands: `//img/settings:push_at_build_time_blob_repository` says it.",
        default = GLOBAL_SETTING,
    ),
    "push_at_build_time_content": attr.string(
        doc = "What the build pushes: the image with its tags (`blobs_and_manifests`), or only layers and configs (`blobs`). " +
              "`auto`: as `//img/settings:push_at_build_time_content` says.",
        default = "auto",
        values = ["auto", "blobs", "blobs_and_manifests"],
    ),
    "push_at_build_time_exec_properties": attr.string_dict(
        doc = "Execution requirements of the actions that push. `requires-network` opens sandboxes that have no network; add `no-remote-cache` " +
              "where a registry forgets layers sooner than the cache forgets that they were pushed.",
        default = {"requires-network": "1"},
    ),
    "push_at_build_time_manifest_repository": attr.string(
        doc = "The repository of the registry that the build pushes the image to. Empty: the destination itself. As it stands: " +
              "`//img/settings:push_at_build_time_manifest_repository` says it.",
        default = GLOBAL_SETTING,
    ),
    "referrers": attr.label_list(
        doc = "Images about the image, such as an SBOM or an attestation: each has the image, or one in its index, as its `subject`. They are " +
              "pushed beside it, without a tag.",
        providers = [[ImageManifestInfo], [ImageIndexInfo]],
    ),
    "registry": attr.string(
        doc = "The registry to push to. Can be a template. Empty: as `//img/settings:destination_registry` says.",
    ),
    "repository": attr.string(
        doc = "The repository to push to. Can be a template, e.g. `team/{{.image_target_name}}`.",
    ),
    "strategy": attr.string(
        doc = "How layers get to the registry. `eager`: from the machine that runs Bazel. " +
              "`lazy`: from Bazel's remote cache or disk cache, whose address the program gets from `//img/settings:remote_cache`, " +
              "`--remote-cache` or `--disk-cache`; no layer is downloaded to be pushed. " +
              "`cas_registry`: not at all; the registry reads the remote cache itself and is told through `//img/settings:blob_cache`, or " +
              "`--blob-cache`, what to take over from there, see docs/guides/cas-registry.md. " +
              "`bes`: a build event service of rules_img pushes what `bazel build` builds, see docs/guides/bes.md. " +
              "`auto`: as `//img/settings:push_strategy` says.",
        default = "auto",
        values = STRATEGIES,
    ),
    "tag": attr.string(
        doc = "The tag. Can be a template. No tag in any of `tag`, `tag_list` and `tag_file`: the image is pushed by its digest only.",
    ),
    "tag_file": attr.label(
        doc = "A file with further tags, one a line. Each can be a template.",
        allow_single_file = True,
    ),
    "tag_list": attr.string_list(
        doc = "Several tags. Instead of `tag`. Each can be a template; one that expands to nothing is no tag.",
    ),
    "tracks_content": attr.bool(
        doc = "Whether templates have `{{.digest}}`, the digest of the image.",
    ),
}
