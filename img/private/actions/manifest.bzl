"""The action `ImageManifest`: manifest, config, descriptor and digest of an image for one platform, in one go."""

load("//img/private/actions:builder.bzl", "add_values", "lines_args", "run_builder")

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
        config_fragment,
        env_file,
        label_files,
        annotations_file,
        values):
    """Declares the action.

    Args:
        ctx: the rule context.
        outputs: struct(manifest = File, config = File, descriptor = File, digest = File): what the action writes.
        base: ImageManifestInfo or None: the image to build on.
        layers: list of File: metadata of the layers that this image adds, the lowest first.
        config_fragment: File or None: a partial config.
        env_file: File or None: further environment variables.
        label_files: list of File: further labels.
        annotations_file: File or None: further annotations.
        values: dict: what users typed, see docs/design/architecture.md.
    """
    inputs = list(layers)
    args = lines_args(ctx)
    args.add("--manifest", outputs.manifest)
    args.add("--config", outputs.config)
    args.add("--descriptor", outputs.descriptor)
    args.add("--digest", outputs.digest)
    if base:
        args.add("--base-manifest", base.manifest)
        args.add("--base-config", base.config)
        inputs += [base.manifest, base.config]
    args.add_all(layers, before_each = "--layer")
    for flag, file in [
        ("--config-fragment", config_fragment),
        ("--env-file", env_file),
        ("--annotations-file", annotations_file),
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
