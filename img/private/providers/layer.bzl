"""Providers about layers. They carry metadata; the blob itself is needed by nothing before a push or a load."""

visibility([
    "//img",
    "//img/private/...",
    "//tests/...",
])

SingleLayerInfo = provider(
    doc = "One layer of an image.",
    fields = {
        "blob": "File or None: the layer as it is pushed. None: it is not part of the build (a layer of a shallowly pulled image).",
        "media_type": "string: the media type of the blob.",
        "metadata": "File or None: JSON with diff id, digest, size, media type, annotations and history. " +
                    "None: the layer belongs to a pulled image, whose manifest and config say all this.",
        "mtree": "File or None: a listing of the layer in the mtree format. None: the blob is not a tar, or is not part of the build.",
        "sources": "list of struct(registry = string, repository = string): where the blob can be read from, in the order to try. " +
                   "Empty: it is made by the build.",
    },
)

LayersInfo = provider(
    doc = "The layers that a target adds to an image.",
    fields = {
        "layers": "list of SingleLayerInfo: the layers, the lowest first.",
    },
)

ImageLayerConfigInfo = provider(
    doc = "How to run what a layer holds. An image takes it over where its own attributes say nothing.",
    fields = {
        "cmd": "list of string or None: the default arguments. None or empty: nothing to say.",
        "entrypoint": "list of string or None: the command. None or empty: nothing to say.",
        "env": "dict of string to string or None: environment variables. None or empty: nothing to say.",
        "working_dir": "string or None: the folder to start in. None or empty: nothing to say.",
    },
)
