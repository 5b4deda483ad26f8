"""The actions `PushMetadata`, `LoadMetadata`, `DeployMerge` and `MultiDeployMerge`: the plan that the pusher reads, and the runfiles that it reads blobs from.

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

def _referrer_line(referrer):
    return "\0".join(["referrer", referrer.descriptor.path, referrer.label])

def _runfile(file):
    return "{}/{}".format(_RUNFILES_FOLDER, file.path.removeprefix("bazel-out/"))

def _manifests_of(image):
    return image.manifests if hasattr(image, "manifests") else [image]

def _new_content():
    return struct(blobs = {}, documents = {}, layers = {}, pulled = {}, runfiles = {})

def _add_layer(found, layer, include_layers, from_cache):
    # A layer without metadata is one of a pulled manifest, see below.
    if not layer.metadata:
        return
    made = layer.copy if from_cache and layer.copy else layer
    runfile = _runfile(layer.blob) if include_layers and layer.blob else ""
    label = label_string(made.blob.owner) if made.blob else ""
    found.layers[made.metadata] = struct(blob = made.blob, label = label, metadata = made.metadata, runfile = runfile)
    if made.blob:
        found.blobs[made.blob] = None
    if runfile:
        found.runfiles[runfile] = layer.blob

def _add_image(found, image, include_layers, from_cache):
    """Adds an image; nothing gets in twice."""
    if hasattr(image, "index"):
        for index in [image.index] + image.inner_indexes:
            found.documents[index] = "index"
    for manifest in _manifests_of(image):
        found.documents[manifest.manifest] = "manifest"
        if manifest.config:
            found.documents[manifest.config] = "config"
        for layer in manifest.layers:
            _add_layer(found, layer, include_layers, from_cache)
        for origin in manifest.pulled:
            found.pulled[origin.manifest] = struct(manifest = origin.manifest, sources = json.encode(origin.sources))

def _image_of(referrer):
    return referrer.index_info or referrer.manifest_info

def plan_content(image, *, include_layers, from_cache = False, referrers = []):
    """Gathers what a plan has to know about an image.

    Args:
        image: ImageManifestInfo or ImageIndexInfo: the image.
        include_layers: bool: whether the pusher gets the layer blobs as runfiles.
        from_cache: bool: whether layers have to be in the remote cache, also those that are source files.
        referrers: list of struct(label, manifest_info, index_info): images about the image.

    Returns:
        struct(
            documents = list of struct(kind = string, file = File, runfile = string),
            layers = list of struct(blob = File or None, label = string, metadata = File, runfile = string),
            blobs = list of File: the layers that the build makes,
            pulled = list of struct(manifest = File, sources = JSON string),
            referrers = list of struct(descriptor = File, label = string),
            runfiles = dict: path below the runfiles folder -> File,
        ): nothing in it twice.
    """
    found = _new_content()
    for part in [image] + [_image_of(referrer) for referrer in referrers]:
        _add_image(found, part, include_layers, from_cache)
    return struct(
        documents = [
            struct(file = file, kind = kind, runfile = _runfile(file))
            for file, kind in found.documents.items()
        ],
        layers = found.layers.values(),
        blobs = found.blobs.keys(),
        pulled = found.pulled.values(),
        referrers = [
            struct(descriptor = _image_of(referrer).descriptor, label = label_string(referrer.label))
            for referrer in referrers
        ],
        runfiles = {_runfile(file): file for file in found.documents} | found.runfiles,
    )

def _entries(ctx, content):
    entries = lines_args(ctx, "--entries=%s")
    entries.add_all(content.documents, map_each = _document_line)
    entries.add_all(content.layers, map_each = _layer_line)
    entries.add_all(content.pulled, map_each = _base_layers_line)
    entries.add_all(content.referrers, map_each = _referrer_line)
    return entries

def _content_inputs(content):
    inputs = [document.file for document in content.documents]
    inputs += [layer.metadata for layer in content.layers]
    inputs += [origin.manifest for origin in content.pulled]
    return inputs + [referrer.descriptor for referrer in content.referrers]

def write_push_plan(
        ctx,
        *,
        output,
        root_descriptor,
        content,
        tag_file,
        destination_file,
        stamp_files,
        values,
        cross_mount_from = None,
        destination = None):
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
        cross_mount_from: File or None: the plan of another push.
        destination: File or None: a second file to write: where the build puts blobs.
    """
    args = lines_args(ctx)
    args.add("--output", output)
    args.add("--root-descriptor", root_descriptor)
    inputs = [root_descriptor]
    for flag, file in [("--tag-file", tag_file), ("--destination-file", destination_file), ("--cross-mount-from", cross_mount_from)]:
        if file:
            args.add(flag, file)
            inputs.append(file)
    if destination:
        args.add("--destination", destination)
    inputs += add_templates(args, stamp_files = stamp_files, base = None)
    add_values(args, values)

    run_builder(
        ctx,
        verb = ["plan", "push"],
        arguments = [args, _entries(ctx, content)],
        mnemonic = "PushMetadata",
        inputs = depset(inputs + _content_inputs(content)),
        outputs = [output] + ([destination] if destination else []),
        progress_message = "Writing push plan %{label}",
    )

def write_load_plan(ctx, *, output, names, root_descriptor, content, tag_file, stamp_files, values):
    """Declares the action.

    Args:
        ctx: the rule context.
        output: File: the plan to write.
        names: File or None: a second file to write: what the image is called, one name a line.
        root_descriptor: File: descriptor of the image.
        content: struct: what plan_content() returned.
        tag_file: File or None: further tags or names, one a line.
        stamp_files: list of File: workspace status files for templates; empty if nothing is stamped.
        values: dict: what users typed, see docs/design/architecture.md.
    """
    args = lines_args(ctx)
    args.add("--output", output)
    args.add("--root-descriptor", root_descriptor)
    if names:
        args.add("--names", names)
    if tag_file:
        args.add("--tag-file", tag_file)
    inputs = [root_descriptor] + ([tag_file] if tag_file else [])
    inputs += add_templates(args, stamp_files = stamp_files, base = None)
    add_values(args, values)
    run_builder(
        ctx,
        verb = ["plan", "load"],
        arguments = [args, _entries(ctx, content)],
        mnemonic = "LoadMetadata",
        inputs = depset(inputs + _content_inputs(content)),
        outputs = [output] + ([names] if names else []),
        progress_message = "Writing load plan %{label}",
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

def merge_deployments(ctx, *, output, plans, layers, operations, push_strategy, load_strategy):
    """Declares the action that makes one plan of those of several targets.

    Args:
        ctx: the rule context.
        output: File: the plan to write.
        plans: list of File: the plans, in the order of their operations.
        layers: list of struct(label = string, metadata = File, runfile = string): all layers, and where they are shipped.
        operations: list of string: of which kinds operations are taken, `push` or `load`.
        push_strategy: string: strategy of all pushes.
        load_strategy: string: strategy of all loads.
    """
    args = lines_args(ctx)
    args.add("--output", output)
    args.add("--label", label_string(ctx.label))
    args.add_all(plans, before_each = "--plan")
    args.add_all(operations, before_each = "--operation")
    args.add("--push-strategy", push_strategy)
    args.add("--load-strategy", load_strategy)
    entries = lines_args(ctx, "--entries=%s")
    entries.add_all(layers, map_each = _layer_line)
    run_builder(
        ctx,
        verb = ["plan", "merge"],
        arguments = [args, entries],
        mnemonic = "MultiDeployMerge",
        inputs = plans + [layer.metadata for layer in layers],
        outputs = [output],
        progress_message = "Merging plans of %{label}",
    )
