"""Where and how an image is pushed: the attributes that `image_push` and `image_push_spec` share, and what they come to."""

load("//img/private/config:settings.bzl", "SETTINGS_ATTRS", "resolve_auto", "settings_of")
load("//img/private/config:templates.bzl", "TEMPLATE_ATTRS", "build_settings_of", "stamp_settings_of")
load("//img/private/providers:deploy.bzl", "PushConfigInfo")

visibility(["//img/private/rules"])

# The strategies that exist by name. Only those of _WORKING_STRATEGIES can be used so far.
_STRATEGIES = ["auto", "eager", "lazy", "cas_registry", "bes"]
_WORKING_STRATEGIES = ["eager", "lazy", "bes"]

# What a rule has that says where an image is pushed to.
PUSH_ATTRS = SETTINGS_ATTRS | TEMPLATE_ATTRS | {
    "destination_file": attr.label(
        doc = "A file with one line, `registry/repository`. Instead of `registry` and `repository`.",
        allow_single_file = True,
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
              "`bes`: a build event service of rules_img pushes what `bazel build` builds, see docs/guides/bes.md. " +
              "`auto`: as `//img/settings:push_strategy` says.",
        default = "auto",
        values = _STRATEGIES,
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

def _strategy(ctx, settings):
    strategy = resolve_auto(ctx.attr.strategy, settings.push_strategy)
    if strategy not in _WORKING_STRATEGIES:
        source = "attribute `strategy`" if ctx.attr.strategy != "auto" else "--{}".format(Label("//img/settings:push_strategy"))
        fail("{}: {}: the strategy {} is not there yet; use {}".format(
            ctx.label,
            source,
            repr(strategy),
            " or ".join([repr(name) for name in _WORKING_STRATEGIES]),
        ))
    return strategy

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

def push_config(ctx):
    """What a rule with PUSH_ATTRS says. Fails where that makes no sense.

    Args:
        ctx: the rule context.

    Returns:
        PushConfigInfo: checked, with every `auto` resolved. Templates are as they were typed.
    """
    settings = settings_of(ctx)
    registry, repository = _destination(ctx, settings)
    return PushConfigInfo(
        build_settings = build_settings_of(ctx),
        cross_mount_strategy = settings.cross_mount,
        destination_file = ctx.file.destination_file,
        registry = registry,
        repository = repository,
        stamp = ctx.attr.stamp,
        stamp_settings = stamp_settings_of(settings),
        strategy = _strategy(ctx, settings),
        tag_file = ctx.file.tag_file,
        tags = tags_of(ctx),
        tracks_content = ctx.attr.tracks_content,
    )
