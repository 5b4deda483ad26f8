"""Providers about what `bazel run` does with images."""

visibility([
    "//img",
    "//img/private/...",
    "//tests/...",
])

DeployInfo = provider(
    doc = "What is to be done with an image: something that a `bazel run` does, or that an image with `push_specs` asks for.",
    fields = {
        "deploy_manifest": "File: JSON plan of the operations.",
        "image": "ImageManifestInfo or ImageIndexInfo: the image.",
        "include_layers": "bool: whether the operations need the layer blobs on the machine that runs Bazel.",
    },
)

_STAMP_SETTINGS = "struct(bazel_setting = bool, user_preference = string): whether Bazel was called with `--stamp`, and what " + \
                  "`//img/settings:stamp` says, where the target is."

PushConfigInfo = provider(
    doc = "Where an image is to be pushed to, and how; not which image. Checked, and without `auto`.",
    fields = {
        "build_settings": "dict of string to string, int, bool or list of string: variables of templates.",
        "cross_mount_strategy": "string: when layers may be mounted from other repositories: `same_registry`, `cross_registry` or `disabled`.",
        "destination_file": "File or None: one line, `registry/repository`. None: `registry` and `repository` say it.",
        "registry": "string: the registry, or a template of it. Empty: `destination_file` says it.",
        "repository": "string: the repository, or a template of it. Empty: `destination_file` says it.",
        "stamp": "string: `auto`, `force` or `disabled`: whether templates may use the workspace status.",
        "stamp_settings": _STAMP_SETTINGS,
        "strategy": "string: how layers get to the registry: `eager`.",
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
