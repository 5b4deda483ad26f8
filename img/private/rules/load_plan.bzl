"""From what an image is loaded into, to the plan of its load."""

load("//img/private/actions:builder.bzl", "label_string")
load("//img/private/actions:plan.bzl", "write_load_plan")
load("//img/private/config:templates.bzl", "status_files")
load("//img/private/rules:push_plan.bzl", "original_in_plan")

visibility(["//img/private/rules"])

def declare_load_plan(ctx, *, config, image, image_label, original, content, output, names = None, spec = None):
    """Declares the action that writes the plan of a load.

    Args:
        ctx: the rule context.
        config: LoadConfigInfo: what to load into, and the names.
        image: ImageManifestInfo or ImageIndexInfo: the image.
        image_label: Label: of the image, for templates.
        original: PullInfo or None: where the base of the image comes from.
        content: struct: what plan_content() returned for the image.
        output: File: the plan.
        names: File or None: a second file to write: what the image is called, one name a line.
        spec: Label or None: the target that `config` comes from, if that is another one than this.
    """
    write_load_plan(
        ctx,
        output = output,
        names = names,
        root_descriptor = image.descriptor,
        content = content,
        tag_file = config.tag_file,
        stamp_files = status_files(
            ctx,
            config.stamp,
            config.stamp_settings,
            files = [config.tag_file] if config.tag_file else [],
            templates = [config.registry, config.repository] + config.tags,
        ),
        values = {
            "build_settings": config.build_settings,
            "daemon": config.daemon,
            "image_target_name": image_label.name,
            "image_target_package": image_label.package,
            "label": label_string(ctx.label),
            "original": original_in_plan(original),
            "registry": config.registry,
            "repository": config.repository,
            "spec": label_string(spec) if spec else "",
            "strategy": config.strategy,
            "tags": config.tags,
            "tracks_content": config.tracks_content,
        },
    )
