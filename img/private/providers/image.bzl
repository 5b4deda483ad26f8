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
        "config": "File or None: the config. None: the registry offered none (an attestation in a pulled index).",
        "descriptor": "File: JSON descriptor of the manifest, with its platform.",
        "layers": "list of SingleLayerInfo: all layers, those of the base first.",
        "manifest": "File: the manifest, the very bytes that its digest is of.",
        "os": "string: the operating system in OCI terms, e.g. `linux`; `unknown` for what is not an image to run.",
        "pulled": "list of struct(manifest = File, sources = list of struct(registry = string, repository = string)): manifests of pulled " +
                  "images that this image has layers of, and where these can be read. Empty: nothing was pulled.",
        "variant": "string: the processor's variant, e.g. `v8`; empty if there is none.",
    },
)

ImageIndexInfo = provider(
    doc = "An image for several platforms.",
    fields = {
        "descriptor": "File: JSON descriptor of the index.",
        "index": "File: the index, the very bytes that its digest is of.",
        "manifests": "list of ImageManifestInfo: the images in the index, in its order.",
    },
)
