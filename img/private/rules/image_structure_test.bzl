"""The rule `image_structure_test`: what an image must look like."""

load("//img/private/actions:builder.bzl", "BUILDER_TOOLCHAIN")
load("//img/private/actions:convert.bzl", "extract_layout")
load("//img/private/config:platforms.bzl", "platform_string")
load("//img/private/config:settings.bzl", "SETTINGS_ATTRS", "settings_of")
load("//img/private/providers:image.bzl", "ImageIndexInfo", "ImageManifestInfo")

visibility([
    "//img",
    "//tests/...",
])

_TESTER_TOOLCHAIN = Label("//img:tester_toolchain_type")

# What rules of others call the files that the test needs.
_LISTING_GROUP = "mtree"
_CONFIG_GROUP = "oci_image_config"

_ATTRS = SETTINGS_ATTRS | {
    "configs": attr.label_list(
        doc = "Files with expectations, in the format of container-structure-test: YAML or JSON with `metadataTest` and `fileExistenceTests`. " +
              "`commandTests`, `fileContentTests` and `licenseTests` need a container, and are refused.",
        allow_empty = False,
        allow_files = [".json", ".yaml", ".yml"],
        mandatory = True,
    ),
    "image": attr.label(
        doc = "The image. Of an image for several platforms, every one is tested. Or a target with the output groups `mtree` " +
              "(listings) and `oci_image_config` (configs), which belong together in the order of their paths. Or a target whose only output " +
              "is a directory, an OCI layout: of this one the layers are read.",
        mandatory = True,
    ),
}

def _image_of(manifest):
    return struct(
        complete = not [layer for layer in manifest.layers if not layer.mtree],
        config = manifest.config,
        listing = manifest.mtree,
        platform = platform_string(manifest.os, manifest.architecture, manifest.variant),
    )

def _files_of_group(target, group):
    if OutputGroupInfo not in target or not hasattr(target[OutputGroupInfo], group):
        return []

    # Bounded: one file for each platform of an image.
    files = getattr(target[OutputGroupInfo], group).to_list()
    return sorted(files, key = lambda file: file.short_path)

def _images_of_groups(ctx, target):
    listings = _files_of_group(target, _LISTING_GROUP)
    configs = _files_of_group(target, _CONFIG_GROUP)
    if not configs or len(listings) != len(configs):
        fail(("{}: attribute `image`: {} is no image: expected a target like image_manifest or image_index, an OCI layout (one directory), or a target " +
              "with as many files in its output group `{}` as in `{}`; found {} and {}").format(
            ctx.label,
            target.label,
            _LISTING_GROUP,
            _CONFIG_GROUP,
            len(listings),
            len(configs),
        ))
    return [
        struct(complete = True, config = config, listing = listing, platform = config.short_path)
        for config, listing in zip(configs, listings)
    ]

def _layout_of(target):
    """The OCI layout that is the only output of a target; None if there is none."""
    if ImageManifestInfo in target or ImageIndexInfo in target or _files_of_group(target, _CONFIG_GROUP):
        return None

    # Bounded: the outputs of one target.
    files = target[DefaultInfo].files.to_list()
    return files[0] if len(files) == 1 and files[0].is_directory else None

def _extract(ctx, layout):
    output = ctx.actions.declare_directory(ctx.label.name + "_layout_documents")
    extract_layout(ctx, src = layout, output = output, settings = settings_of(ctx))
    return output

def _images(ctx):
    target = ctx.attr.image
    if ImageManifestInfo in target:
        return [_image_of(target[ImageManifestInfo])]
    if ImageIndexInfo in target:
        # An attestation has no config, and nothing to expect of it.
        return [_image_of(manifest) for manifest in target[ImageIndexInfo].manifests if manifest.config]
    return _images_of_groups(ctx, target)

def _runfiles_path(ctx, file):
    """The path of a file below a runfiles folder."""
    return file.short_path[len("../"):] if file.short_path.startswith("../") else ctx.workspace_name + "/" + file.short_path

def _image_structure_test_impl(ctx):
    tester = ctx.exec_groups["test"].toolchains[_TESTER_TOOLCHAIN].program
    extension = "." + tester.extension if tester.extension else ""
    executable = ctx.actions.declare_file(ctx.label.name + extension)
    ctx.actions.symlink(output = executable, target_file = tester, is_executable = True)

    layout = _layout_of(ctx.attr.image)
    extracts = [_extract(ctx, layout)] if layout else []
    images = [] if layout else _images(ctx)
    request = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(request, json.encode({
        "expectations": [_runfiles_path(ctx, file) for file in ctx.files.configs],
        "extracts": [_runfiles_path(ctx, folder) for folder in extracts],
        "images": [
            {
                "complete": image.complete,
                "config": _runfiles_path(ctx, image.config),
                "listing": _runfiles_path(ctx, image.listing) if image.listing else None,
                "platform": image.platform,
            }
            for image in images
        ],
    }))
    documents = [image.config for image in images] + [image.listing for image in images if image.listing]
    return [DefaultInfo(
        executable = executable,
        files = depset([executable]),
        runfiles = ctx.runfiles(files = [request] + documents + extracts + ctx.files.configs),
    )]

image_structure_test = rule(
    implementation = _image_structure_test_impl,
    doc = """Checks the config of an image and the files in it, without a daemon and without the bytes of a layer.

```starlark
image_structure_test(
    name = "app_test",
    configs = ["app_test.yaml"],
    image = ":app",
)
```

```yaml
schemaVersion: 2.0.0
metadataTest:
  entrypoint: ["/app/bin/server"]
  env:
    - {key: PATH, value: "/app/bin.*", isRegex: true}
  exposedPorts: [8080]
  user: nobody
fileExistenceTests:
  - path: /app/bin/server
    permissions: -rwxr-xr-x
    uid: 0
    isExecutableBy: any
  - path: /app/bin/debugger
    shouldExist: false
```
""",
    attrs = _ATTRS,
    exec_groups = {"test": exec_group(toolchains = [_TESTER_TOOLCHAIN])},
    test = True,
    toolchains = [BUILDER_TOOLCHAIN],
)
