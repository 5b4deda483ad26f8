"""The outputs that every image offers beside its documents: layouts, archives, a listing. None is made unless it is asked for."""

load(
    "//img/private/actions:layout.bzl",
    "layout_sources",
    "write_docker_archive",
    "write_image_listing",
    "write_layout",
    "write_sparse_layout",
)

visibility(["//img/private/rules"])

# What an archive for `docker load` calls an image that has no other name.
_DEFAULT_NAME = "image:latest"

def declare_listing(ctx, layers, settings):
    """Declares the listing of an image for one platform.

    Args:
        ctx: the rule context.
        layers: list of SingleLayerInfo: its layers, the lowest first.
        settings: SettingsInfo: the build settings.

    Returns:
        File or None: None if no layer has a listing.
    """
    listings = [layer.mtree for layer in layers if layer.mtree]
    if not listings:
        return None
    output = ctx.actions.declare_file(ctx.label.name + ".mtree")
    write_image_listing(
        ctx,
        arrangement = settings.mtree_image_layout,
        listings = listings,
        output = output,
    )
    return output

def declare_sparse_layout(ctx, image, sources = None):
    """Declares the layout of an image without its layers.

    Args:
        ctx: the rule context.
        image: struct: the fields of ImageManifestInfo or ImageIndexInfo that layouts need.
        sources: struct or None: what layout_sources() returned for the image, if it is there already.

    Returns:
        File: a directory.
    """
    output = ctx.actions.declare_directory(ctx.label.name + "_sparse_oci_layout")
    write_sparse_layout(ctx, sources or layout_sources(ctx, image), output = output)
    return output

def declare_layouts(ctx, image, settings, platform):
    """Declares the layouts of an image.

    Args:
        ctx: the rule context.
        image: struct: the fields of ImageManifestInfo or ImageIndexInfo that layouts need.
        settings: SettingsInfo: the build settings.
        platform: TargetPlatformInfo: of an image for several platforms, the one for readers that know only one.

    Returns:
        struct(sparse = File: the directory without layers, groups = dict: output group -> depset of File).
    """
    name = ctx.label.name
    allow_missing_blobs = settings.shallow_oci_layout == "i_know_what_i_am_doing"
    directory = ctx.actions.declare_directory(name + "_oci_layout")
    archive = ctx.actions.declare_file(name + "_oci_layout.tar")
    docker_archive = ctx.actions.declare_file(name + "_docker.tar")
    sources = layout_sources(ctx, image)
    sparse = declare_sparse_layout(ctx, image, sources)
    write_layout(ctx, sources, output = directory, format = "directory", allow_missing_blobs = allow_missing_blobs)
    write_layout(ctx, sources, output = archive, format = "archive", allow_missing_blobs = allow_missing_blobs)
    write_docker_archive(
        ctx,
        sources,
        allow_missing_blobs = allow_missing_blobs,
        names = [_DEFAULT_NAME],
        output = docker_archive,
        platform = platform,
        ref_name_is_tag = settings.oci_ref_name == "tag_only",
    )
    return struct(
        groups = {
            "docker_tarball": depset([docker_archive]),
            "oci_layout": depset([directory]),
            "oci_tarball": depset([archive]),
            "sparse_oci_layout": depset([sparse]),
        },
        sparse = sparse,
    )
