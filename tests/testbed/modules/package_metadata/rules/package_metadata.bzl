"""Provides the rule `package_metadata`."""

load("//providers:package_attribute_info.bzl", "PackageAttributeInfo")
load("//providers:package_metadata_info.bzl", "PackageMetadataInfo")

def _package_metadata_impl(ctx):
    attributes = [target[PackageAttributeInfo] for target in ctx.attr.attributes]
    metadata = ctx.actions.declare_file(ctx.label.name + ".package-metadata.json")
    ctx.actions.write(
        output = metadata,
        content = json.encode({
            "attributes": {attribute.kind: attribute.data.path for attribute in attributes},
            "label": str(ctx.label),
            "purl": ctx.attr.purl,
        }),
    )
    files = depset(
        direct = [metadata],
        transitive = [attribute.files for attribute in attributes],
    )
    return [
        DefaultInfo(files = depset([metadata])),
        PackageMetadataInfo(metadata = metadata, files = files),
    ]

_package_metadata = rule(
    implementation = _package_metadata_impl,
    attrs = {
        "attributes": attr.label_list(providers = [PackageAttributeInfo]),
        "purl": attr.string(mandatory = True),
    },
    provides = [PackageMetadataInfo],
)

def package_metadata(*, name, purl, attributes = [], visibility = None):
    """Declares the metadata of a package.

    Args:
      name: the target's name.
      purl: the package URL, as `pkg:bazel/NAME@VERSION`.
      attributes: targets that provide `PackageAttributeInfo`.
      visibility: the target's visibility.
    """
    _package_metadata(
        name = name,
        purl = purl,
        attributes = attributes,
        visibility = visibility,
        # The metadata must not itself carry the default metadata of its package.
        applicable_licenses = [],
    )
