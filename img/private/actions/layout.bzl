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

def _content(ctx, image, *, line, inputs):
    """The part of what actions are told in which layers may be left out."""
    entries = lines_args(ctx, "--entries=%s")
    if hasattr(image, "index"):
        entries.add_all([image.index] + image.inner_indexes, map_each = _index_line)
    entries.add_all(_manifests_of(image), map_each = line)
    return struct(entries = entries, inputs = depset(inputs))

def _description(ctx, image, values = {}):
    args = lines_args(ctx)
    args.add("--descriptor", image.descriptor)
    add_values(args, {"label": label_string(ctx.label)} | values)
    return args

def layout_sources(ctx, image):
    """What the actions that write an image are told about it. Made once for all of them: there are many images.

    Args:
        ctx: the rule context.
        image: struct: the fields of ImageManifestInfo or ImageIndexInfo that layouts need.

    Returns:
        struct(
            image = the image,
            description = Args: what it is called,
            documents = struct(entries = Args, inputs = depset of File): all of it but the layers,
            everything = struct(entries = Args, inputs = depset of File): the same with layers,
        ).
    """
    documents = _documents(image)
    return struct(
        description = _description(ctx, image),
        documents = _content(ctx, image, line = _manifest_lines_without_layers, inputs = documents),
        everything = _content(ctx, image, line = _manifest_lines, inputs = documents + _blobs(image)),
        image = image,
    )

def _write(ctx, image, content, *, output, format, mnemonics, description, flags = [], names_file = None):
    args = ctx.actions.args()
    if names_file:
        args.add("--names", names_file)

    # A directory is an output like any other; its File must not be expanded to the files in it.
    args.add_all([output], before_each = "--output", expand_directories = False)
    run_builder(
        ctx,
        verb = ["layout", "--format", format] + flags,
        arguments = [args, description, content.entries],
        mnemonic = mnemonics[1] if hasattr(image, "index") else mnemonics[0],
        inputs = depset([names_file], transitive = [content.inputs]) if names_file else content.inputs,
        outputs = [output],
        progress_message = "Writing {} layout %{{label}}".format(format),
    )

def _flags(allow_missing_blobs):
    return ["--allow-missing-blobs"] if allow_missing_blobs else []

def write_layout(ctx, sources, *, output, format, allow_missing_blobs):
    """Declares the action that writes an OCI layout.

    Args:
        ctx: the rule context.
        sources: struct: what layout_sources() returned.
        output: File: the directory or archive.
        format: string: `directory` or `archive`.
        allow_missing_blobs: bool: whether layers may be missing that are not part of the build.
    """
    _write(
        ctx,
        sources.image,
        sources.everything,
        description = sources.description,
        flags = _flags(allow_missing_blobs),
        format = format,
        mnemonics = ["OCILayout", "OCIIndexLayout"],
        output = output,
    )

def write_sparse_layout(ctx, sources, *, output):
    """Declares the action that writes the documents of an image without its layers.

    Args:
        ctx: the rule context.
        sources: struct: what layout_sources() returned.
        output: File: the directory.
    """
    _write(
        ctx,
        sources.image,
        sources.documents,
        description = sources.description,
        format = "sparse",
        mnemonics = ["SparseOCILayout", "SparseOCIIndexLayout"],
        output = output,
    )

def write_docker_archive(ctx, sources, *, output, names, ref_name_is_tag, platform, allow_missing_blobs, names_file = None):
    """Declares the action that writes an archive for `docker load`, `podman load`, containerd and OCI tools.

    Args:
        ctx: the rule context.
        sources: struct: what layout_sources() returned.
        output: File: the archive.
        names: list of string: full references.
        ref_name_is_tag: bool: whether `org.opencontainers.image.ref.name` is the tag, and not the whole reference.
        platform: TargetPlatformInfo: of an image for several platforms, the one for readers that know only one.
        allow_missing_blobs: bool: whether layers may be missing that are not part of the build.
        names_file: File or None: further names, one a line.
    """
    values = {
        "names": names,
        "platform": "/".join([part for part in [platform.os, platform.cpu, platform.variant] if part]),
        "ref_name_is_tag": ref_name_is_tag,
    }
    _write(
        ctx,
        sources.image,
        sources.everything,
        description = _description(ctx, sources.image, values),
        flags = _flags(allow_missing_blobs),
        format = "docker",
        mnemonics = ["DockerSave", "DockerSave"],
        names_file = names_file,
        output = output,
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
