"""Providers about layers. They carry metadata; the blob itself is needed by nothing before a push or a load."""

visibility([
    "//img",
    "//img/private/...",
    "//tests/...",
])

def _single_layer_init(
        *,
        blob,
        metadata,
        media_type,
        compact_stream = None,
        copy = None,
        estargz = False,
        layer_input_files = None,
        layer_input_files_cas = None,
        mtree = None,
        sources = [],
        ztoc = None):
    return {
        "blob": blob,
        "compact_stream": compact_stream,
        "copy": copy,
        "estargz": estargz,
        "layer_input_files": layer_input_files,
        "layer_input_files_cas": layer_input_files_cas,
        "media_type": media_type,
        "metadata": metadata,
        "mtree": mtree,
        "sources": sources,
        "ztoc": ztoc,
    }

SingleLayerInfo, _ = provider(
    doc = "One layer of an image. `blob`, `metadata` and `media_type` have to be given; the other fields have defaults.",
    fields = {
        "blob": "File or None: the layer as it is pushed. None: it is not part of the build (a layer of a shallowly pulled image).",
        "compact_stream": "File or None: a recipe that makes the blob from the files of the layer. None: there is none, the blob is all.",
        "copy": "struct(blob = File, metadata = File) or None: blob and metadata as outputs of an action of their own, with the same bytes, for " +
                "who needs them in a remote cache, where source files do not get. None: the blob is no source file.",
        "estargz": "bool: whether the blob can be read file by file: eStargz if it is gzip, zstd:chunked if it is zstd.",
        "layer_input_files": "depset of File or None: the files that the recipe names. None: there is no recipe.",
        "layer_input_files_cas": "File or None: a directory with those files by digest. None: there is no recipe.",
        "media_type": "string: the media type of the blob.",
        "metadata": "File or None: JSON with diff id, digest, size, media type, annotations and history. " +
                    "None: the layer belongs to a pulled image, whose manifest and config say all this.",
        "mtree": "File or None: a listing of the layer in the mtree format. None: the blob is not a tar, or is not part of the build.",
        "sources": "list of struct(registry = string, repository = string): where the blob can be read from, in the order to try. " +
                   "Empty: it is made by the build.",
        "ztoc": "File or None: the SOCI table of contents of the blob. None: there is none.",
    },
    init = _single_layer_init,
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
