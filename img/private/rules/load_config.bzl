"""What an image is called in a container runtime, and in which: attributes of `image_load_spec`, and what they come to."""

load("//img/private/config:settings.bzl", "SETTINGS_ATTRS", "resolve_auto", "settings_of")
load("//img/private/config:templates.bzl", "TEMPLATE_ATTRS", "build_settings_of", "stamp_settings_of")
load("//img/private/providers:deploy.bzl", "LoadConfigInfo")
load("//img/private/rules:push_config.bzl", "tags_of")

visibility(["//img/private/rules"])

# What a rule has that says how an image is loaded.
LOAD_ATTRS = SETTINGS_ATTRS | TEMPLATE_ATTRS | {
    "daemon": attr.string(
        doc = "What to load the image into: a container runtime; `tar`: an archive on the standard output; `generic`: the program that the " +
              "environment variable `LOADER_BINARY` names. `auto`: as `//img/settings:load_daemon` says.",
        default = "auto",
        values = ["auto", "docker", "containerd", "podman", "containerization", "tar", "generic"],
    ),
    "registry": attr.string(
        doc = "The registry that the image is named after. Together with `repository`; tags are then no more than tags. Can be a template. " +
              "Empty beside a `repository`: as `//img/settings:destination_registry` says.",
    ),
    "repository": attr.string(
        doc = "The repository that the image is named after. Can be a template. Empty: tags are whole references.",
    ),
    "strategy": attr.string(
        doc = "Where layers come from. `eager`: from the machine that runs Bazel. `lazy`: from the remote cache. " +
              "`auto`: as `//img/settings:load_strategy` says.",
        default = "auto",
        values = ["auto", "eager", "lazy"],
    ),
    "tag": attr.string(
        doc = "The name of the image, e.g. `my-project/app:latest`; with a `repository`, its tag. A name without a tag gets `:latest`. " +
              "Can be a template.",
    ),
    "tag_file": attr.label(
        doc = "A file with further names or tags, one a line. Each can be a template.",
        allow_single_file = True,
    ),
    "tag_list": attr.string_list(
        doc = "Several names or tags. Instead of `tag`. Each can be a template.",
    ),
    "tracks_content": attr.bool(
        doc = "Whether templates have `{{.digest}}`, the digest of the image.",
    ),
}

def _name(ctx, settings):
    """Registry and repository; both empty if tags are whole references."""
    repository = ctx.attr.repository
    if not repository:
        if ctx.attr.registry:
            fail("{}: attribute `repository`: is empty, but `registry` is {}; name a repository, or write the whole name into `tag`".format(
                ctx.label,
                repr(ctx.attr.registry),
            ))
        return "", ""
    registry = ctx.attr.registry or settings.destination_registry
    if not registry:
        fail(("{}: attribute `registry`: is empty, but `repository` is {}; name a registry here or with --{}=<registry>, " +
              "or write the whole name into `tag`").format(
            ctx.label,
            repr(repository),
            Label("//img/settings:destination_registry"),
        ))
    return registry, repository

def load_config(ctx):
    """What a rule with LOAD_ATTRS says. Fails where that makes no sense.

    Args:
        ctx: the rule context.

    Returns:
        LoadConfigInfo: checked, with every `auto` resolved. Templates are as they were typed.
    """
    settings = settings_of(ctx)
    registry, repository = _name(ctx, settings)
    return LoadConfigInfo(
        build_settings = build_settings_of(ctx),
        daemon = resolve_auto(ctx.attr.daemon, settings.load_daemon),
        registry = registry,
        repository = repository,
        stamp = ctx.attr.stamp,
        stamp_settings = stamp_settings_of(settings),
        strategy = resolve_auto(ctx.attr.strategy, settings.load_strategy),
        tag_file = ctx.file.tag_file,
        tags = tags_of(ctx),
        tracks_content = ctx.attr.tracks_content,
    )
