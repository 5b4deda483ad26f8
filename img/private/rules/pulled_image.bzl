"""The rule `pulled_image`: the target behind a repository made by `pull`."""

load("//img/private/providers:image.bzl", "ImageIndexInfo", "ImageManifestInfo")
load("//img/private/providers:layer.bzl", "SingleLayerInfo")
load("//img/private/providers:pull.bzl", "PullInfo")

# Loaded by the generated repositories of images, which visibility() cannot name.
visibility("public")

_ATTRS = {
    "digest": attr.string(
        doc = "The digest of the image.",
        mandatory = True,
    ),
    "documents": attr.label_list(
        doc = "Manifests, configs, the index, and descriptors.",
        allow_files = True,
        mandatory = True,
    ),
    "images": attr.string_list(
        doc = "JSON objects, one per image: paths of `manifest`, `config` (may be empty) and `descriptor`, `platform`, " +
              "and the media types of its `layers`.",
        mandatory = True,
    ),
    "index": attr.string(
        doc = "JSON object with the paths of `index`, `descriptor` and the `inner` indexes. Empty: this is an image for one platform.",
    ),
    "registries": attr.string_list(
        doc = "The registries that have the image, the one that it is named after first.",
    ),
    "repository": attr.string(
        doc = "The repository.",
        mandatory = True,
    ),
    "sources": attr.string_list(
        doc = "The same registries in the order to ask them for layers.",
    ),
    "tag": attr.string(
        doc = "The tag, if there is one.",
    ),
}

def _manifest_info(image, files, sources):
    manifest = files[image["manifest"]]
    return ImageManifestInfo(
        architecture = image["platform"]["architecture"],
        base = None,
        config = files[image["config"]] if image["config"] else None,
        descriptor = files[image["descriptor"]],
        layers = [
            SingleLayerInfo(blob = None, media_type = media_type, metadata = None, mtree = None, sources = sources)
            for media_type in image["layers"]
        ],
        manifest = manifest,
        mtree = None,
        os = image["platform"]["os"],
        pulled = [struct(manifest = manifest, sources = sources)],
        sparse_oci_layout = None,
        variant = image["platform"]["variant"],
    )

def _pulled_image_impl(ctx):
    files = {
        target.label.name: target[DefaultInfo].files.to_list()[0]
        for target in ctx.attr.documents
    }
    sources = [struct(registry = registry, repository = ctx.attr.repository) for registry in ctx.attr.sources]
    manifests = [_manifest_info(json.decode(image), files, sources) for image in ctx.attr.images]
    pull = PullInfo(
        digest = ctx.attr.digest,
        registries = ctx.attr.registries,
        repository = ctx.attr.repository,
        tag = ctx.attr.tag,
    )
    if not ctx.attr.index:
        return [DefaultInfo(files = depset([manifests[0].manifest])), manifests[0], pull]
    index = json.decode(ctx.attr.index)
    info = ImageIndexInfo(
        descriptor = files[index["descriptor"]],
        index = files[index["index"]],
        inner_indexes = [files[path] for path in index["inner"]],
        manifests = manifests,
        sparse_oci_layout = None,
    )
    return [DefaultInfo(files = depset([info.index])), info, pull]

pulled_image = rule(
    implementation = _pulled_image_impl,
    doc = "An image that was pulled: its documents, and where its layers are.",
    attrs = _ATTRS,
)
