"""Providers about images."""

visibility([
    "//img",
    "//img/private/...",
    "//tests/...",
])

ImageManifestInfo = provider(
    doc = "An image for one platform.",
    fields = {
        "architecture": "string: the processor in OCI terms, e.g. `amd64`; `unknown` for what is not an image to run, such as an attestation.",
        "base": "ImageManifestInfo or None: the image that it was built on. None: from scratch, or it was pulled.",
        "config": "File or None: the config. None: the registry offered none (an attestation in a pulled index).",
        "descriptor": "File: JSON descriptor of the manifest, with its platform.",
        "layers": "list of SingleLayerInfo: all layers, those of the base first.",
        "manifest": "File: the manifest, the very bytes that its digest is of.",
        "mtree": "File or None: a listing of the image in the mtree format. None: no layer has one.",
        "os": "string: the operating system in OCI terms, e.g. `linux`; `unknown` for what is not an image to run.",
        "pulled": "list of struct(manifest = File, sources = list of struct(registry = string, repository = string)): manifests of pulled " +
                  "images that this image has layers of, and where these can be read. Empty: nothing was pulled.",
        "sparse_oci_layout": "File or None: a directory with the documents of the image and what is known of its layers. None: it was pulled.",
        "variant": "string: the processor's variant, e.g. `v8`; empty if there is none.",
    },
)

ImageIndexInfo = provider(
    doc = "An image for several platforms.",
    fields = {
        "descriptor": "File: JSON descriptor of the index.",
        "index": "File: the index, the very bytes that its digest is of.",
        "inner_indexes": "list of File: indexes that the index lists, and those that these list.",
        "manifests": "list of ImageManifestInfo: the images in the index, in its order; those of an inner index in its place.",
        "sparse_oci_layout": "File or None: a directory with the documents of the image and what is known of its layers. None: it was pulled.",
    },
)
