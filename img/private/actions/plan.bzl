"""The actions `PushMetadata` and `DeployMerge`: the plan that the pusher reads, and the runfiles that it reads blobs from.

A blob's path below the runfiles folder is the path that Bazel gave the file: one file has one path in the runfiles of every target,
and the same target built for two platforms has two. The plan itself finds blobs by digest.
"""

load("//img/private/actions:builder.bzl", "add_templates", "add_values", "label_string", "lines_args", "run_builder")

visibility([
    "//img/private/rules",
    "//tests/...",
])

_RUNFILES_FOLDER = "rules_img_blobs"

def _document_line(document):
    return "\0".join([document.kind, document.file.path, document.runfile])

def _layer_line(layer):
    return "\0".join(["layer", layer.metadata.path, layer.runfile, layer.label])

def _base_layers_line(pulled):
    return "\0".join(["base-layers", pulled.manifest.path, pulled.sources])

def _runfile(file):
    return "{}/{}".format(_RUNFILES_FOLDER, file.path.removeprefix("bazel-out/"))

def _manifests_of(image):
    return image.manifests if hasattr(image, "manifests") else [image]

def plan_content(image, *, include_layers):
    """Gathers what a plan has to know about an image.

    Args:
        image: ImageManifestInfo or ImageIndexInfo: the image.
        include_layers: bool: whether the pusher gets the layer blobs as runfiles.

    Returns:
        struct(
            documents = list of struct(kind = string, file = File, runfile = string),
            layers = list of struct(label = string, metadata = File, runfile = string),
            blobs = list of File: the layers that the build makes,
            pulled = list of struct(manifest = File, sources = JSON string),
            runfiles = dict: path below the runfiles folder -> File,
        ): nothing in it twice.
    """
    documents = {}
    layers = {}
    pulled = {}
    blobs = {}
    if hasattr(image, "index"):
        for index in [image.index] + image.inner_indexes:
            documents[index] = "index"
    for manifest in _manifests_of(image):
        documents[manifest.manifest] = "manifest"
        if manifest.config:
            documents[manifest.config] = "config"
        for layer in manifest.layers:
            # A layer without metadata is one of a pulled manifest, see below.
            if layer.metadata:
                runfile = _runfile(layer.blob) if include_layers and layer.blob else ""
                label = label_string(layer.blob.owner) if layer.blob else ""
                layers[layer.metadata] = struct(label = label, metadata = layer.metadata, runfile = runfile)
                if layer.blob:
                    blobs[layer.blob] = runfile
        for origin in manifest.pulled:
            pulled[origin.manifest] = struct(manifest = origin.manifest, sources = json.encode(origin.sources))
    return struct(
        documents = [
            struct(file = file, kind = kind, runfile = _runfile(file))
            for file, kind in documents.items()
        ],
        layers = layers.values(),
        blobs = blobs.keys(),
        pulled = pulled.values(),
        runfiles = {_runfile(file): file for file in documents} | {
            runfile: file
            for file, runfile in blobs.items()
            if runfile
        },
    )

def write_push_plan(ctx, *, output, root_descriptor, content, tag_file, destination_file, stamp_files, values):
    """Declares the action.

    Args:
        ctx: the rule context.
        output: File: the plan to write.
        root_descriptor: File: descriptor of the image.
        content: struct: what plan_content() returned.
        tag_file: File or None: further tags, one a line.
        destination_file: File or None: registry and repository, in one line.
        stamp_files: list of File: workspace status files for templates; empty if nothing is stamped.
        values: dict: what users typed, see docs/design/architecture.md.
    """
    args = lines_args(ctx)
    args.add("--output", output)
    args.add("--root-descriptor", root_descriptor)
    inputs = [root_descriptor]
    for flag, file in [("--tag-file", tag_file), ("--destination-file", destination_file)]:
        if file:
            args.add(flag, file)
            inputs.append(file)
    inputs += add_templates(args, stamp_files = stamp_files, base = None)
    add_values(args, values)

    entries = lines_args(ctx, "--entries=%s")
    entries.add_all(content.documents, map_each = _document_line)
    entries.add_all(content.layers, map_each = _layer_line)
    entries.add_all(content.pulled, map_each = _base_layers_line)
    inputs += [document.file for document in content.documents]
    inputs += [layer.metadata for layer in content.layers]
    inputs += [origin.manifest for origin in content.pulled]

    run_builder(
        ctx,
        verb = ["plan", "push"],
        arguments = [args, entries],
        mnemonic = "PushMetadata",
        inputs = depset(inputs),
        outputs = [output],
        progress_message = "Writing push plan %{label}",
    )

def merge_plans(ctx, *, output, plans):
    """Declares the action that makes one plan of several.

    Args:
        ctx: the rule context.
        output: File: the plan to write.
        plans: list of File: the plans, in the order of their operations.
    """
    args = lines_args(ctx)
    args.add("--output", output)
    args.add_all(plans, before_each = "--plan")
    run_builder(
        ctx,
        verb = ["plan", "merge"],
        arguments = [args],
        mnemonic = "DeployMerge",
        inputs = plans,
        outputs = [output],
        progress_message = "Merging plans of %{label}",
    )
