"""From where an image is pushed to, to the plan of its push."""

load("//img/private/actions:builder.bzl", "label_string")
load("//img/private/actions:plan.bzl", "write_push_plan")
load("//img/private/config:templates.bzl", "status_files")
load("//img/private/providers:pull.bzl", "PullInfo")

visibility(["//img/private/rules"])

def original_of(target):
    """Where a target says that its image, or the base of it, comes from.

    Args:
        target: Target: an image.

    Returns:
        PullInfo or None: None if it was not pulled.
    """
    return target[PullInfo] if PullInfo in target else None

def original_in_plan(pull):
    """The same for a plan: layers of the base may be mounted or read from there.

    Args:
        pull: PullInfo or None: what original_of() returned.

    Returns:
        dict or None: as docs/design/architecture.md has it.
    """
    if not pull:
        return None
    return {"digest": pull.digest, "registries": pull.registries, "repository": pull.repository, "tag": pull.tag}

def _deduplicate(config):
    if config.deduplicated_push == "disabled":
        return None
    pinned = config.deduplicated_push_blob_repository
    return {
        "content": config.deduplicated_push_content,
        "mode": config.deduplicated_push,
    } | ({"repository": pinned} if pinned else {})

def _values(ctx, config, image_label, original, spec):
    """What both plans of a push say: that for `bazel run`, and that for the build."""
    return {
        "build_settings": config.build_settings,
        "cross_mount": config.cross_mount_strategy,
        "image_target_name": image_label.name,
        "image_target_package": image_label.package,
        "label": label_string(ctx.label),
        "original": original_in_plan(original),
        "registry": config.registry,
        "repository": config.repository,
        "spec": label_string(spec) if spec else "",
        "staging_repository": config.blob_repository,
        "tags": config.tags,
        "tracks_content": config.tracks_content,
    }

def _stamp_files(ctx, config):
    return status_files(
        ctx,
        config.stamp,
        config.stamp_settings,
        files = [config.tag_file] if config.tag_file else [],
        templates = [config.registry, config.repository] + config.tags + config.manifest_tags,
    )

def _check_manifest_tags(ctx, config, image, spec):
    if config.manifest_tags and not hasattr(image, "index"):
        fail("{}: {}attribute `manifest_tags`: {}: the image is for one platform; only an index has images to tag; use `tag` or `tag_list`".format(
            ctx.label,
            "{}: ".format(spec) if spec else "",
            config.manifest_tags,
        ))

def declare_push_plan(ctx, *, config, image, image_label, original, content, output, spec = None):
    """Declares the action that writes the plan of a push.

    Args:
        ctx: the rule context.
        config: PushConfigInfo: where to push to, and how.
        image: ImageManifestInfo or ImageIndexInfo: the image.
        image_label: Label: of the image, for templates.
        original: PullInfo or None: where the base of the image comes from.
        content: struct: what plan_content() returned for the image and its referrers.
        output: File: the plan.
        spec: Label or None: the target that `config` comes from, if that is another one than this.
    """
    _check_manifest_tags(ctx, config, image, spec)
    cross_mount_from = config.cross_mount_from
    write_push_plan(
        ctx,
        output = output,
        root_descriptor = image.descriptor,
        content = content,
        cross_mount_from = cross_mount_from.deploy_manifest if cross_mount_from else None,
        tag_file = config.tag_file,
        destination_file = config.destination_file,
        stamp_files = _stamp_files(ctx, config),
        values = _values(ctx, config, image_label, original, spec) | {
            "deduplicate": _deduplicate(config),
            "forbid_layer_push": config.forbid_layer_push,
            "manifest_tags": config.manifest_tags,
            "strategy": config.strategy,
        },
    )

def declare_build_time_plan(ctx, *, config, image, image_label, original, content, output, destination, spec = None):
    """Declares the action that writes the plan of a push by the build: the image alone.

    Args:
        ctx: the rule context.
        config: PushConfigInfo: where to push to, and how.
        image: ImageManifestInfo or ImageIndexInfo: the image.
        image_label: Label: of the image, for templates.
        original: PullInfo or None: where the base of the image comes from.
        content: struct: what plan_content() returned for the image.
        output: File: the plan.
        destination: File: where blobs are put; it stays the same for other tags.
        spec: Label or None: the target that `config` comes from, if that is another one than this.
    """
    write_push_plan(
        ctx,
        output = output,
        root_descriptor = image.descriptor,
        content = content,
        destination = destination,
        tag_file = config.tag_file,
        destination_file = config.destination_file,
        stamp_files = _stamp_files(ctx, config),
        values = _values(ctx, config, image_label, original, spec) | {
            "manifest_repository": config.push_at_build_time_manifest_repository,
            "strategy": "eager",
        },
    )
