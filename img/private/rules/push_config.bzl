"""What the attributes that `image_push` and `image_push_spec` share come to."""

load("//img/private/config:settings.bzl", "resolve_auto", "settings_of")
load("//img/private/config:templates.bzl", "build_settings_of", "stamp_settings_of")
load("//img/private/providers:deploy.bzl", "DeployInfo", "PushConfigInfo")
load("//img/private/providers:image.bzl", "ImageIndexInfo", "ImageManifestInfo")
load("//img/private/rules:push_attrs.bzl", "GLOBAL_SETTING")

visibility(["//img/private/rules"])

def _setting_or_repository(value, setting):
    """A repository whose attribute can be left to a setting."""
    return setting if value == GLOBAL_SETTING else value

def _referrer(target):
    return struct(
        index_info = target[ImageIndexInfo] if ImageIndexInfo in target else None,
        label = target.label,
        manifest_info = target[ImageManifestInfo] if ImageManifestInfo in target else None,
    )

def _build_time(ctx, settings):
    """What the build pushes; without repositories if it pushes nothing, so that nobody looks for layers where none were put."""
    mode = resolve_auto(ctx.attr.push_at_build_time, settings.push_at_build_time)
    is_active = mode != "disabled"
    repositories = {
        name: _setting_or_repository(getattr(ctx.attr, name), getattr(settings, name)) if is_active else ""
        for name in ["push_at_build_time_blob_repository", "push_at_build_time_manifest_repository"]
    }
    return struct(
        blob_repository = repositories["push_at_build_time_blob_repository"],
        content = resolve_auto(ctx.attr.push_at_build_time_content, settings.push_at_build_time_content),
        manifest_repository = repositories["push_at_build_time_manifest_repository"],
        mode = mode,
    )

def _destination(ctx, settings):
    """Registry and repository; both empty if a file names them."""
    if ctx.file.destination_file:
        for attribute in ["registry", "repository"]:
            if getattr(ctx.attr, attribute):
                fail("{}: attributes `{}` and `destination_file`: both say where to push to; leave out one of them".format(
                    ctx.label,
                    attribute,
                ))
        return "", ""
    registry = ctx.attr.registry or settings.destination_registry
    if not registry:
        fail("{}: attribute `registry`: is empty; name a registry here or with --{}=<registry>, or write `destination_file`".format(
            ctx.label,
            Label("//img/settings:destination_registry"),
        ))
    if not ctx.attr.repository:
        fail("{}: attribute `repository`: is empty; name a repository, or write `destination_file`".format(ctx.label))
    return registry, ctx.attr.repository

def tags_of(ctx):
    """The tags that the attributes `tag` and `tag_list` name. Fails if both do.

    Args:
        ctx: the rule context.

    Returns:
        list of string: tags, or templates of them.
    """
    if ctx.attr.tag and ctx.attr.tag_list:
        fail("{}: attributes `tag` and `tag_list`: write all tags into `tag_list` and leave out `tag`".format(ctx.label))
    return [ctx.attr.tag] if ctx.attr.tag else ctx.attr.tag_list

def _gateways(settings):
    gateways = {
        "IMG_REGISTRY_GATEWAY": settings.registry_gateway,
        "IMG_REGISTRY_PULL_GATEWAY": settings.registry_pull_gateway,
        "IMG_REGISTRY_PUSH_GATEWAY": settings.registry_push_gateway,
    }
    return {variable: address for variable, address in gateways.items() if address}

def push_config(ctx):
    """What a rule with PUSH_ATTRS says. Fails where that makes no sense.

    Args:
        ctx: the rule context.

    Returns:
        PushConfigInfo: checked, with every `auto` resolved. Templates are as they were typed.
    """
    settings = settings_of(ctx)
    registry, repository = _destination(ctx, settings)
    build_time = _build_time(ctx, settings)
    return PushConfigInfo(
        blob_repository = build_time.blob_repository,
        build_settings = build_settings_of(ctx),
        cross_mount_from = ctx.attr.cross_mount_from[DeployInfo] if ctx.attr.cross_mount_from else None,
        cross_mount_strategy = settings.cross_mount,
        deduplicated_push = resolve_auto(ctx.attr.deduplicated_push, settings.deduplicated_push),
        deduplicated_push_blob_repository = _setting_or_repository(
            ctx.attr.deduplicated_push_blob_repository,
            settings.deduplicated_push_blob_repository,
        ),
        deduplicated_push_content = resolve_auto(ctx.attr.deduplicated_push_content, settings.deduplicated_push_content),
        destination_file = ctx.file.destination_file,
        docker_config_path = settings.docker_config_path,
        forbid_layer_push = resolve_auto(ctx.attr.forbid_layer_push, settings.forbid_layer_push) == "enabled",
        gateways = _gateways(settings),
        insecure = settings.insecure == "enabled",
        manifest_tags = ctx.attr.manifest_tags,
        push_at_build_time_content = build_time.content,
        push_at_build_time_exec_properties = ctx.attr.push_at_build_time_exec_properties,
        push_at_build_time_manifest_repository = build_time.manifest_repository,
        push_at_build_time_mode = build_time.mode,
        referrers = [_referrer(target) for target in ctx.attr.referrers],
        registry = registry,
        repository = repository,
        stamp = ctx.attr.stamp,
        stamp_settings = stamp_settings_of(settings),
        strategy = resolve_auto(ctx.attr.strategy, settings.push_strategy),
        tag_file = ctx.file.tag_file,
        tags = tags_of(ctx),
        tracks_content = ctx.attr.tracks_content,
    )
