"""The rule `image_push`: `bazel run` on it pushes an image to a registry."""

load("//img/private/actions:builder.bzl", "BUILDER_TOOLCHAIN")
load("//img/private/actions:plan.bzl", "plan_content")
load("//img/private/config:settings.bzl", "settings_of")
load("//img/private/providers:deploy.bzl", "DeployInfo")
load("//img/private/rules:bes.bzl", "bes_outputs")
load("//img/private/rules:build_time_push.bzl", "BUILD_TIME_PUSH_TOOLCHAINS", "declare_build_time_push")
load("//img/private/rules:deploy_program.bzl", "DEPLOY_PROGRAM_ATTRS", "declare_executable")
load("//img/private/rules:deployed_image.bzl", "image_attr", "image_of")
load("//img/private/rules:push_attrs.bzl", "PUSH_ATTRS")
load("//img/private/rules:push_config.bzl", "push_config")
load("//img/private/rules:push_plan.bzl", "declare_push_plan", "original_of")
load("//img/private/rules:run_environment.bzl", "run_environment")

visibility([
    "//img",
    "//tests/...",
])

_ATTRS = PUSH_ATTRS | DEPLOY_PROGRAM_ATTRS | {
    "image": image_attr("The image to push."),
}

def _image_push_impl(ctx):
    settings = settings_of(ctx)
    config = push_config(ctx)
    image = image_of(ctx)
    include_layers = config.strategy == "eager"
    content = plan_content(image, include_layers = include_layers, from_cache = not include_layers, referrers = config.referrers)
    plan = ctx.actions.declare_file(ctx.label.name + ".json")
    what = {"config": config, "image": image, "image_label": ctx.attr.image.label, "original": original_of(ctx.attr.image)}
    declare_push_plan(ctx, content = content, output = plan, **what)
    pushed = declare_build_time_push(ctx, position = 0, **what)
    executable = declare_executable(ctx)
    bes = bes_outputs(strategies = [config.strategy], plan = plan, blobs = content.blobs)
    return [
        DefaultInfo(
            executable = executable,
            files = depset([executable] + bes.files),
            # A program that only waits for somebody else's push reads no more than the plan.
            runfiles = ctx.runfiles(files = [plan], root_symlinks = {} if config.strategy == "bes" else content.runfiles),
        ),
        DeployInfo(
            deploy_manifest = plan,
            image = image,
            include_layers = include_layers,
            kinds = ["push"],
            referrers = config.referrers,
        ),
        # The layers are what a lazy push needs and does not ask for: building this group brings back what a cache evicted.
        OutputGroupInfo(
            deploy_manifest = depset([plan]),
            layers = depset(content.blobs),
            _validation = depset(pushed),
            **bes.groups
        ),
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
    executable = True,
    provides = [DeployInfo],
    toolchains = [BUILDER_TOOLCHAIN] + BUILD_TIME_PUSH_TOOLCHAINS,
)
