"""The outputs that every image offers beside its documents: layouts, archives, a listing. None is made unless it is asked for."""

load(
    "//img/private/actions:layout.bzl",
    "layout_content",
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

def declare_sparse_layout(ctx, image):
    """Declares the layout of an image without its layers.

    Args:
        ctx: the rule context.
        image: struct: the fields of ImageManifestInfo or ImageIndexInfo that layouts need.

    Returns:
        File: a directory.
    """
    output = ctx.actions.declare_directory(ctx.label.name + "_sparse_oci_layout")
    write_sparse_layout(ctx, layout_content(ctx, image, with_layers = False), output = output)
    return output

def layout_groups(ctx, image, settings, platform):
    """Declares the layouts of an image.

    Args:
        ctx: the rule context.
        image: ImageManifestInfo or ImageIndexInfo: the image.
        settings: SettingsInfo: the build settings.
        platform: TargetPlatformInfo: of an image for several platforms, the one for readers that know only one.

    Returns:
        dict: output group -> depset of File.
    """
    name = ctx.label.name
    allow_missing_blobs = settings.shallow_oci_layout == "i_know_what_i_am_doing"
    directory = ctx.actions.declare_directory(name + "_oci_layout")
    archive = ctx.actions.declare_file(name + "_oci_layout.tar")
    docker_archive = ctx.actions.declare_file(name + "_docker.tar")
    content = layout_content(ctx, image, with_layers = True)
    for output, format in [(directory, "directory"), (archive, "archive")]:
        write_layout(ctx, content, output = output, format = format, allow_missing_blobs = allow_missing_blobs)
    write_docker_archive(
        ctx,
        content,
        allow_missing_blobs = allow_missing_blobs,
        names = [_DEFAULT_NAME],
        output = docker_archive,
        platform = platform,
        ref_name_is_tag = settings.oci_ref_name == "tag_only",
    )
    return {
        "docker_tarball": depset([docker_archive]),
        "oci_layout": depset([directory]),
        "oci_tarball": depset([archive]),
        "sparse_oci_layout": depset([image.sparse_oci_layout]),
    }
