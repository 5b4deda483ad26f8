"""The rule `image_push`: `bazel run` on it pushes an image to a registry."""

load("//img/private/actions:builder.bzl", "BUILDER_TOOLCHAIN", "label_string")
load("//img/private/actions:plan.bzl", "plan_content", "write_push_plan")
load("//img/private/config:settings.bzl", "SETTINGS_ATTRS", "resolve_auto", "settings_of")
load("//img/private/config:templates.bzl", "TEMPLATE_ATTRS", "build_settings_of", "stamp_files")
load("//img/private/config:transitions.bzl", "host_platform_transition", "original_platforms_transition")
load("//img/private/providers:deploy.bzl", "DeployInfo")
load("//img/private/providers:image.bzl", "ImageIndexInfo", "ImageManifestInfo")
load("//img/private/providers:pull.bzl", "PullInfo")
load("//img/private/rules:run_environment.bzl", "run_environment")

visibility([
    "//img",
    "//tests/...",
])

# The strategies that exist by name. Only those of _WORKING_STRATEGIES can be used so far.
_STRATEGIES = ["auto", "eager", "lazy", "cas_registry", "bes"]
_WORKING_STRATEGIES = ["eager"]

_ATTRS = SETTINGS_ATTRS | TEMPLATE_ATTRS | {
    "destination_file": attr.label(
        doc = "A file with one line, `registry/repository`. Instead of `registry` and `repository`.",
        allow_single_file = True,
    ),
    "image": attr.label(
        doc = "The image to push.",
        mandatory = True,
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
    "_pusher": attr.label(
        doc = "The program that runs on the machine that runs Bazel.",
        cfg = host_platform_transition,
        default = Label("//img/private/rules:host_pusher"),
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

def _tags(ctx):
    if ctx.attr.tag and ctx.attr.tag_list:
        fail("{}: attributes `tag` and `tag_list`: write all tags into `tag_list` and leave out `tag`".format(ctx.label))
    return [ctx.attr.tag] if ctx.attr.tag else ctx.attr.tag_list

def _original(target):
    """Where the base of the image comes from, for mounting its layers."""
    if PullInfo not in target:
        return None
    pull = target[PullInfo]
    return {"digest": pull.digest, "registries": pull.registries, "repository": pull.repository, "tag": pull.tag}

def _image_of(ctx):
    target = ctx.attr.image
    if ImageManifestInfo in target and ImageIndexInfo in target:
        fail("{}: attribute `image`: {} is both an image and an index; name a target that is one of the two".format(
            ctx.label,
            target.label,
        ))
    return target[ImageIndexInfo] if ImageIndexInfo in target else target[ImageManifestInfo]

def _declare_executable(ctx):
    """The pusher under the name of this target: it finds its plan by the name that it is started with."""
    pusher = ctx.files._pusher[0]
    extension = "." + pusher.extension if pusher.extension else ""
    executable = ctx.actions.declare_file(ctx.label.name + extension)
    ctx.actions.symlink(output = executable, target_file = pusher, is_executable = True)
    return executable

def _image_push_impl(ctx):
    settings = settings_of(ctx)
    strategy = _strategy(ctx, settings)
    registry, repository = _destination(ctx, settings)
    image = _image_of(ctx)
    content = plan_content(image, include_layers = True)
    plan = ctx.actions.declare_file(ctx.label.name + ".json")
    write_push_plan(
        ctx,
        output = plan,
        root_descriptor = image.descriptor,
        content = content,
        tag_file = ctx.file.tag_file,
        destination_file = ctx.file.destination_file,
        stamp_files = stamp_files(
            ctx,
            settings,
            files = [ctx.file.tag_file] if ctx.file.tag_file else [],
            templates = [registry, repository] + _tags(ctx),
        ),
        values = {
            "build_settings": build_settings_of(ctx),
            "cross_mount": settings.cross_mount,
            "image_target_name": ctx.attr.image.label.name,
            "image_target_package": ctx.attr.image.label.package,
            "label": label_string(ctx.label),
            "original": _original(ctx.attr.image),
            "registry": registry,
            "repository": repository,
            "strategy": strategy,
            "tags": _tags(ctx),
            "tracks_content": ctx.attr.tracks_content,
        },
    )
    executable = _declare_executable(ctx)
    return [
        DefaultInfo(
            executable = executable,
            files = depset([executable]),
            runfiles = ctx.runfiles(files = [plan], root_symlinks = content.runfiles),
        ),
        DeployInfo(
            deploy_manifest = plan,
            image = image,
            include_layers = True,
        ),
        OutputGroupInfo(deploy_manifest = depset([plan])),
        run_environment(settings),
    ]

image_push = rule(
    implementation = _image_push_impl,
    doc = """Pushes an image to a registry when it is run.

```starlark
image_push(
    name = "push",
    image = ":app",
    registry = "ghcr.io",
    repository = "my-project/app",
    tag = "latest",
)
```
""",
    attrs = _ATTRS,
    cfg = original_platforms_transition,
    executable = True,
    provides = [DeployInfo],
    toolchains = [BUILDER_TOOLCHAIN],
)
