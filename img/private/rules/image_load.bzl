"""The rule `image_load`: `bazel run` on it brings an image into a container runtime."""

load("//img/private/actions:builder.bzl", "BUILDER_TOOLCHAIN")
load("//img/private/actions:layout.bzl", "layout_sources", "write_docker_archive")
load("//img/private/actions:plan.bzl", "plan_content")
load("//img/private/config:settings.bzl", "settings_of")
load("//img/private/config:target_platform.bzl", "TARGET_PLATFORM_ATTRS", "target_platform_of")
load("//img/private/providers:deploy.bzl", "DeployInfo")
load("//img/private/rules:deploy_program.bzl", "DEPLOY_PROGRAM_ATTRS", "declare_executable")
load("//img/private/rules:deployed_image.bzl", "image_attr", "image_of")
load("//img/private/rules:load_config.bzl", "LOAD_ATTRS", "load_config")
load("//img/private/rules:load_plan.bzl", "declare_load_plan")
load("//img/private/rules:push_plan.bzl", "original_of")
load("//img/private/rules:run_environment.bzl", "run_environment")

visibility([
    "//img",
    "//tests/...",
])

def _archive(ctx, image, settings, names):
    """The image as an archive, which is made only where it is asked for."""
    archive = ctx.actions.declare_file(ctx.label.name + "_docker.tar")
    write_docker_archive(
        ctx,
        layout_sources(ctx, image),
        allow_missing_blobs = settings.shallow_oci_layout == "i_know_what_i_am_doing",
        names = [],
        names_file = names,
        output = archive,
        platform = target_platform_of(ctx),
        ref_name_is_tag = settings.oci_ref_name == "tag_only",
    )
    return archive

def _image_load_impl(ctx):
    settings = settings_of(ctx)
    config = load_config(ctx)
    image = image_of(ctx)
    include_layers = config.strategy == "eager"
    content = plan_content(image, include_layers = include_layers, from_cache = not include_layers)
    plan = ctx.actions.declare_file(ctx.label.name + ".load.json")
    names = ctx.actions.declare_file(ctx.label.name + ".names.txt")
    declare_load_plan(
        ctx,
        config = config,
        content = content,
        image = image,
        image_label = ctx.attr.image.label,
        names = names,
        original = original_of(ctx.attr.image),
        output = plan,
    )
    executable = declare_executable(ctx)
    return [
        DefaultInfo(
            executable = executable,
            runfiles = ctx.runfiles(files = [plan], root_symlinks = content.runfiles),
        ),
        DeployInfo(
            deploy_manifest = plan,
            image = image,
            include_layers = include_layers,
            kinds = ["load"],
            referrers = [],
        ),
        OutputGroupInfo(
            deploy_manifest = depset([plan]),
            layers = depset(content.blobs),
            tarball = depset([_archive(ctx, image, settings, names)]),
        ),
        run_environment(settings),
    ]

image_load = rule(
    implementation = _image_load_impl,
    doc = """Brings an image into a container runtime when it is run: docker, containerd, podman and others.

```starlark
image_load(
    name = "load",
    image = ":app",
    tag = "my-project/app:latest",
)
```

Only what the runtime lacks is sent to containerd, to a docker that keeps its images there, and to one with a store of its own. An index is
loaded for this machine's platform, or for those that `bazel run //:load -- --platform linux/amd64,linux/arm64` names.
`bazel build //:load --output_groups=tarball` makes an archive for `docker load` instead.
""",
    attrs = LOAD_ATTRS | DEPLOY_PROGRAM_ATTRS | TARGET_PLATFORM_ATTRS | {
        "image": image_attr("The image to load."),
    },
    executable = True,
    provides = [DeployInfo],
    toolchains = [BUILDER_TOOLCHAIN],
)
