"""Providers about what `bazel run` does with images."""

visibility([
    "//img",
    "//img/private/...",
    "//tests/...",
])

_REFERRERS = "list of struct(label = Label, manifest_info = ImageManifestInfo or None, index_info = ImageIndexInfo or None): images about " + \
             "the image, that are pushed beside it."

DeployInfo = provider(
    doc = "What is to be done with an image: something that a `bazel run` does, or that an image with `push_specs` or `load_specs` asks for.",
    fields = {
        "deploy_manifest": "File: JSON plan of the operations.",
        "image": "ImageManifestInfo or ImageIndexInfo: the image.",
        "include_layers": "bool: whether the operations need the layer blobs on the machine that runs Bazel.",
        "kinds": "list of string: the kinds of the operations: `push`, `load` or both.",
        "referrers": _REFERRERS,
    },
)

DeployToolInfo = provider(
    doc = "A program that does what plans say.",
    fields = {
        "img_deploy_exe": "File: the program.",
        "launcher_template": "None: the program starts itself.",
    },
)

_STAMP_SETTINGS = "struct(bazel_setting = bool, user_preference = string): whether Bazel was called with `--stamp`, and what " + \
                  "`//img/settings:stamp` says, where the target is."

PushConfigInfo = provider(
    doc = "Where an image is to be pushed to, and how; not which image. Checked, and without `auto`.",
    fields = {
        "build_settings": "dict of string to string, int, bool or list of string: variables of templates.",
        "blob_repository": "string: the repository of the destination's registry that the build puts layers into. Empty: the destination, or " +
                           "the build pushes nothing.",
        "cross_mount_from": "DeployInfo or None: another push, whose destination may have the layers. None: there is none.",
        "cross_mount_strategy": "string: when layers may be mounted from other repositories: `same_registry`, `cross_registry` or `disabled`.",
        "deduplicated_push": "string: whether layers that several repositories need are uploaded once: `disabled`, `best_effort` or `enabled`.",
        "deduplicated_push_blob_repository": "string: the repository that they are uploaded to. Empty: one is chosen.",
        "deduplicated_push_content": "string: what is put there: `blobs` or `blobs_and_artificial_manifests`.",
        "destination_file": "File or None: one line, `registry/repository`. None: `registry` and `repository` say it.",
        "docker_config_path": "string: where credentials of pushes by the build are. Empty: where the program looks by itself.",
        "forbid_layer_push": "bool: whether layers may only be mounted, and never sent.",
        "gateways": "dict of string to string: variables in the environment of pushes by the build, that name gateways. Empty: there are none.",
        "insecure": "bool: whether pushes by the build use plain HTTP and do not check certificates.",
        "manifest_tags": "list of string: tags of each image in an index, or templates of them.",
        "push_at_build_time_content": "string: what the build pushes: `blobs` or `blobs_and_manifests`.",
        "push_at_build_time_exec_properties": "dict of string to string: execution requirements of the actions that push.",
        "push_at_build_time_manifest_repository": "string: the repository of the destination's registry that the build pushes images to. " +
                                                  "Empty: the destination.",
        "push_at_build_time_mode": "string: whether the build pushes: `disabled`, `best_effort` or `enabled`.",
        "referrers": _REFERRERS,
        "registry": "string: the registry, or a template of it. Empty: `destination_file` says it.",
        "repository": "string: the repository, or a template of it. Empty: `destination_file` says it.",
        "stamp": "string: `auto`, `force` or `disabled`: whether templates may use the workspace status.",
        "stamp_settings": _STAMP_SETTINGS,
        "strategy": "string: how layers get to the registry: `eager` or `lazy`.",
        "tag_file": "File or None: further tags, one a line; each can be a template. None: there is no such file.",
        "tags": "list of string: tags, or templates of them. Empty, and no `tag_file`: the image is pushed by its digest only.",
        "tracks_content": "bool: whether templates have `{{.digest}}`.",
    },
)

LoadConfigInfo = provider(
    doc = "What an image is to be loaded into, and what it is called there; not which image. Checked, and without `auto`.",
    fields = {
        "build_settings": "dict of string to string, int, bool or list of string: variables of templates.",
        "daemon": "string: `docker`, `containerd`, `podman`, `containerization`, `tar` or `generic`.",
        "registry": "string: the registry that the image is named after, or a template of it. Empty: `tags` are whole references.",
        "repository": "string: the repository that the image is named after, or a template of it. Empty: `tags` are whole references.",
        "stamp": "string: `auto`, `force` or `disabled`: whether templates may use the workspace status.",
        "stamp_settings": _STAMP_SETTINGS,
        "strategy": "string: where layers come from: `eager` or `lazy`.",
        "tag_file": "File or None: further tags or references, one a line; each can be a template. None: there is no such file.",
        "tags": "list of string: tags or, without `repository`, whole references; each can be a template.",
        "tracks_content": "bool: whether templates have `{{.digest}}`.",
    },
)
