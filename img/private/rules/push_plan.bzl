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

def _original(pull):
    """The same for the plan: layers of the base may be mounted from there."""
    if not pull:
        return None
    return {"digest": pull.digest, "registries": pull.registries, "repository": pull.repository, "tag": pull.tag}

def declare_push_plan(ctx, *, config, image, image_label, original, content, output, spec = None):
    """Declares the action that writes the plan of a push.

    Args:
        ctx: the rule context.
        config: PushConfigInfo: where to push to, and how.
        image: ImageManifestInfo or ImageIndexInfo: the image.
        image_label: Label: of the image, for templates.
        original: PullInfo or None: where the base of the image comes from.
        content: struct: what plan_content() returned for the image.
        output: File: the plan.
        spec: Label or None: the target that `config` comes from, if that is another one than this.
    """
    tag_files = [config.tag_file] if config.tag_file else []
    write_push_plan(
        ctx,
        output = output,
        root_descriptor = image.descriptor,
        content = content,
        tag_file = config.tag_file,
        destination_file = config.destination_file,
        stamp_files = status_files(
            ctx,
            config.stamp,
            config.stamp_settings,
            files = tag_files,
            templates = [config.registry, config.repository] + config.tags,
        ),
        values = {
            "build_settings": config.build_settings,
            "cross_mount": config.cross_mount_strategy,
            "image_target_name": image_label.name,
            "image_target_package": image_label.package,
            "label": label_string(ctx.label),
            "original": _original(original),
            "registry": config.registry,
            "repository": config.repository,
            "spec": label_string(spec) if spec else "",
            "strategy": config.strategy,
            "tags": config.tags,
            "tracks_content": config.tracks_content,
        },
    )
