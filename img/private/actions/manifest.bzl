"""The action `ImageManifest`: manifest, config, descriptor and digest of an image for one platform, in one go."""

load("//img/private/actions:builder.bzl", "add_templates", "add_values", "lines_args", "run_builder")

visibility([
    "//img/private/rules",
    "//tests/...",
])

def write_manifest(
        ctx,
        *,
        outputs,
        base,
        layers,
        files,
        label_files,
        stamp_files,
        values):
    """Declares the action.

    Args:
        ctx: the rule context.
        outputs: struct(manifest = File, config = File, descriptor = File, digest = File): what the action writes.
        base: ImageManifestInfo or None: the image to build on.
        layers: list of File: metadata of the layers that this image adds, the lowest first.
        files: struct: the files named by single attributes, each a File or None:
            config_fragment: a partial config;
            env_file: further environment variables;
            additional_labels_file: labels that lose to all others;
            annotations_file: further annotations;
            created: the time at which the image was made;
            subject: descriptor of the image that this one is about.
        label_files: list of File: further labels.
        stamp_files: list of File: workspace status files for templates; empty if nothing is stamped.
        values: dict: what users typed, see docs/design/architecture.md.
    """
    inputs = list(layers)
    args = lines_args(ctx)
    args.add("--manifest", outputs.manifest)
    args.add("--config", outputs.config)
    args.add("--descriptor", outputs.descriptor)
    args.add("--digest", outputs.digest)
    inputs += add_templates(args, stamp_files = stamp_files, base = base)
    args.add_all(layers, before_each = "--layer")
    for flag, file in [
        ("--config-fragment", files.config_fragment),
        ("--env-file", files.env_file),
        ("--additional-labels-file", files.additional_labels_file),
        ("--annotations-file", files.annotations_file),
        ("--created-file", files.created),
        ("--subject-descriptor", files.subject),
    ]:
        if file:
            args.add(flag, file)
            inputs.append(file)
    args.add_all(label_files, before_each = "--label-file")
    inputs += label_files
    add_values(args, values)
    run_builder(
        ctx,
        verb = ["manifest"],
        arguments = [args],
        mnemonic = "ImageManifest",
        inputs = inputs,
        outputs = [outputs.manifest, outputs.config, outputs.descriptor, outputs.digest],
        progress_message = "Writing image manifest %{label}",
    )
