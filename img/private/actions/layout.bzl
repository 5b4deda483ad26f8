"""The actions that write an image as a folder or an archive: `OCILayout`, `OCIIndexLayout`, `SparseOCILayout`, `SparseOCIIndexLayout`,
`DockerSave`; and `ImageMtree`, which lists its files.

Each of them runs only where its output is asked for.
"""

load("//img/private/actions:builder.bzl", "add_values", "label_string", "lines_args", "run_builder")

visibility([
    "//img/private/rules",
    "//tests/...",
])

def _manifests_of(image):
    return image.manifests if hasattr(image, "index") else [image]

def _index_line(file):
    return "index\0" + file.path

def _manifest_lines(manifest):
    """A manifest and, behind it, its layers in order."""
    head = "manifest\0{}\0{}".format(manifest.manifest.path, manifest.config.path if manifest.config else "")
    return [head] + ["layer\0" + (layer.blob.path if layer.blob else "") for layer in manifest.layers]

def _manifest_lines_without_layers(manifest):
    head = "manifest\0{}\0{}".format(manifest.manifest.path, manifest.config.path if manifest.config else "")
    return [head] + ["layer\0"] * len(manifest.layers)

def _documents(image):
    """All files of an image but its layers."""
    indexes = [image.index] + image.inner_indexes if hasattr(image, "index") else []
    files = [image.descriptor] + indexes
    for manifest in _manifests_of(image):
        files.append(manifest.manifest)
        if manifest.config:
            files.append(manifest.config)
    return files

def _blobs(image):
    return [layer.blob for manifest in _manifests_of(image) for layer in manifest.layers if layer.blob]

def layout_content(ctx, image, *, with_layers):
    """What the actions that write an image are told about it. Made once for all of them: there are many images.

    Args:
        ctx: the rule context.
        image: ImageManifestInfo or ImageIndexInfo: the image.
        with_layers: bool: whether the actions read the layers.

    Returns:
        struct(image = the image, entries = Args, inputs = depset of File).
    """
    entries = lines_args(ctx, "--entries=%s")
    if hasattr(image, "index"):
        entries.add_all([image.index] + image.inner_indexes, map_each = _index_line)
    entries.add_all(
        _manifests_of(image),
        map_each = _manifest_lines if with_layers else _manifest_lines_without_layers,
    )
    return struct(
        entries = entries,
        image = image,
        inputs = depset(_documents(image) + (_blobs(image) if with_layers else [])),
    )

def _write(ctx, content, *, output, format, mnemonics, values, allow_missing_blobs = False):
    args = lines_args(ctx)

    # A directory is an output like any other; its File must not be expanded to the files in it.
    args.add_all([output], before_each = "--output", expand_directories = False)
    args.add("--format", format)
    args.add("--descriptor", content.image.descriptor)
    if allow_missing_blobs:
        args.add("--allow-missing-blobs")
    add_values(args, {"label": label_string(ctx.label)} | values)
    run_builder(
        ctx,
        verb = ["layout"],
        arguments = [args, content.entries],
        mnemonic = mnemonics[1] if hasattr(content.image, "index") else mnemonics[0],
        inputs = content.inputs,
        outputs = [output],
        progress_message = "Writing {} layout %{{label}}".format(format),
    )

def write_layout(ctx, content, *, output, format, allow_missing_blobs):
    """Declares the action that writes an OCI layout.

    Args:
        ctx: the rule context.
        content: struct: what layout_content() returned.
        output: File: the directory or archive.
        format: string: `directory` or `archive`.
        allow_missing_blobs: bool: whether layers may be missing that are not part of the build.
    """
    _write(
        ctx,
        content,
        output = output,
        format = format,
        mnemonics = ["OCILayout", "OCIIndexLayout"],
        values = {},
        allow_missing_blobs = allow_missing_blobs,
    )

def write_sparse_layout(ctx, content, *, output):
    """Declares the action that writes the documents of an image without its layers.

    Args:
        ctx: the rule context.
        content: struct: what layout_content() returned.
        output: File: the directory.
    """
    _write(
        ctx,
        content,
        output = output,
        format = "sparse",
        mnemonics = ["SparseOCILayout", "SparseOCIIndexLayout"],
        values = {},
    )

def write_docker_archive(ctx, content, *, output, names, ref_name_is_tag, platform, allow_missing_blobs):
    """Declares the action that writes an archive for `docker load`, `podman load`, containerd and OCI tools.

    Args:
        ctx: the rule context.
        content: struct: what layout_content() returned.
        output: File: the archive.
        names: list of string: full references.
        ref_name_is_tag: bool: whether `org.opencontainers.image.ref.name` is the tag, and not the whole reference.
        platform: TargetPlatformInfo: of an image for several platforms, the one for readers that know only one.
        allow_missing_blobs: bool: whether layers may be missing that are not part of the build.
    """
    _write(
        ctx,
        content,
        output = output,
        format = "docker",
        mnemonics = ["DockerSave", "DockerSave"],
        values = {
            "names": names,
            "platform": "/".join([part for part in [platform.os, platform.cpu, platform.variant] if part]),
            "ref_name_is_tag": ref_name_is_tag,
        },
        allow_missing_blobs = allow_missing_blobs,
    )

def write_image_listing(ctx, *, listings, output, arrangement):
    """Declares the action that lists the files of an image.

    Args:
        ctx: the rule context.
        listings: list of File: listings of its layers, the lowest first.
        output: File: the listing.
        arrangement: string: `tar` or `oci_layer_filesystem_applied_changeset`.
    """
    args = lines_args(ctx)
    args.add("--output", output)
    args.add("--arrangement", arrangement)
    args.add_all(listings, before_each = "--listing")
    run_builder(
        ctx,
        verb = ["listing"],
        arguments = [args],
        mnemonic = "ImageMtree",
        inputs = listings,
        outputs = [output],
        progress_message = "Listing image %{label}",
    )
