"""The macro `image_from_binary`: a program becomes an image, for one platform or several."""

load("@bazel_features//:features.bzl", "bazel_features")
load("//img/private/rules:image_index.bzl", "image_index")
load("//img/private/rules:image_manifest.bzl", "image_manifest")
load("//img/private/rules:layer_from_binary.bzl", "layer_from_binary")

visibility([
    "//img",
    "//tests/...",
])

_KINDS = ["auto", "manifest", "index"]

def _is_index(name, kind, platforms):
    if kind not in _KINDS:
        fail("image_from_binary(name = {}): attribute `kind`: expected one of {}, found {}".format(repr(name), ", ".join(_KINDS), repr(kind)))
    if kind == "manifest" and len(platforms) > 1:
        fail(("image_from_binary(name = {}): attribute `platforms`: an image of the kind \"manifest\" is for one platform, but {} are named; " +
              "name one, or write `kind = \"index\"`").format(repr(name), len(platforms)))
    return kind == "index" or (kind == "auto" and len(platforms) > 1)

def _image_from_binary_impl(
        name,
        visibility,
        binary,
        path = "",
        layers = None,
        include_runfiles = True,
        layer_budget = 0,
        kind = "auto",
        platforms = None,
        push_specs = None,
        load_specs = None,
        tags = None,
        **kwargs):
    platforms = platforms or []
    inner = {"tags": (tags or []) + ["manual"], "visibility": visibility}
    outer = {"load_specs": load_specs, "push_specs": push_specs, "tags": tags, "visibility": visibility}
    layer_from_binary(
        name = name + ".layer",
        binary = binary,
        include_runfiles = include_runfiles,
        layer_budget = layer_budget,
        path = path,
        **inner
    )
    layers = (layers or []) + [":{}.layer".format(name)]
    if _is_index(name, kind, platforms):
        image_manifest(name = name + ".manifest", layers = layers, **(kwargs | inner))
        image_index(name = name, manifests = [":{}.manifest".format(name)], platforms = platforms, **outer)
        return
    image_manifest(
        name = name,
        layers = layers,
        platform = platforms[0] if platforms else None,
        **(kwargs | outer)
    )

def _image_from_binary(name, binary, visibility = None, **kwargs):
    """Makes an image of a program: its runfiles, and how to run it.

    ```starlark
    image_from_binary(
        name = "server",
        base = "@ubuntu",
        binary = "//cmd/server:bin",
        platforms = ["//platforms:linux_amd64", "//platforms:linux_arm64"],
    )
    ```

    Makes `<name>.layer`, a `layer_from_binary`, and `<name>`, an `image_manifest` or an `image_index` over `<name>.manifest`.
    Targets other than `<name>` have the tag `manual`. Where Bazel has symbolic macros (from 8 on), this is one.

    Args:
        name: string: the name of the image.
        binary: label: the program, any executable target.
        visibility: list of label: who may use the image.
        **kwargs: `path`, `include_runfiles` and `layer_budget` as in `layer_from_binary`; `layers`: layers below that of the program;
            `platforms`: the platforms to build for; `kind`: `manifest` (for one platform), `index`, or `auto`, the default: an index if
            there is more than one platform; and all attributes of `image_manifest` but `platform`. `push_specs` and `load_specs` are about
            `<name>` as a whole.
    """
    _image_from_binary_impl(name = name, visibility = visibility, binary = binary, **kwargs)

def _symbolic(macro):
    return macro(
        implementation = _image_from_binary_impl,
        doc = "Makes an image of a program: its runfiles, and how to run it.",
        inherit_attrs = image_manifest,
        attrs = {
            "binary": attr.label(doc = "The program, any executable target.", mandatory = True),
            "include_runfiles": attr.bool(doc = "Whether the runfiles of the program are in the image.", default = True),
            "kind": attr.string(
                doc = "`manifest`: an image for one platform. `index`: for all of `platforms`. `auto`: an index if there is more than one platform.",
                configurable = False,
                default = "auto",
                values = _KINDS,
            ),
            "layer_budget": attr.int(doc = "How many layers the program should have at most, as in `layer_from_binary`."),
            "layers": attr.label_list(doc = "Layers below that of the program."),
            "path": attr.string(doc = "Path of the program in the image, as in `layer_from_binary`."),
            "platform": None,
            "platforms": attr.label_list(doc = "The platforms to build for. Empty: the target platform.", configurable = False),
        },
    )

image_from_binary = _symbolic(bazel_features.globals.macro) if bazel_features.globals.macro else _image_from_binary
