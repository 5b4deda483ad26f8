"""Writes the BUILD file of a pulled image."""

visibility([
    "//img/private/repo",
    "//tests/repo",
])

_HEADER = """\
load("{image_load}", "image_load")
load("{package_metadata}", "package_metadata")
load("{pulled_image}", "pulled_image")

package(default_visibility = ["//visibility:private"])

package_metadata(
    name = "package_metadata",
    purl = {purl},
    visibility = ["//visibility:public"],
)

pulled_image(
    name = "pulled",
    digest = {digest},
    documents = {documents},
    images = [
{images}
    ],
    index = {index},
    registries = {registries},
    repository = {repository},
    sources = {sources},
    tag = {tag},
)

# No platform has this value. Its name is what Bazel says about a target platform that the image is not for.
constraint_setting(name = "platforms")

constraint_value(
    name = {only_for},
    constraint_setting = ":platforms",
)

# For any target platform.
alias(
    name = "final",
    actual = ":pulled",
    visibility = ["//visibility:public"],
)
"""

_ALIAS = """
alias(
    name = {name},
    actual = ":pulled",
    target_compatible_with = {compatible_with},
    visibility = ["//visibility:public"],
)
"""

_LOAD = """
# Brings the image into a container runtime: bazel run @<repository>//:load
image_load(
    name = "load",
    image = ":final",
    registry = {registry},
    repository = {repository},
    tag = {tag},
    tags = ["manual"],
    visibility = ["//visibility:public"],
)
"""

# These names are taken in the package.
_RESERVED = ["final", "image", "package_metadata", "platforms", "pulled"]

def purl_of(registries, repository, tag, digest):
    """The package URL of an image.

    Args:
        registries: list of string: the registries that have it.
        repository: string: the repository.
        tag: string: the tag, or empty.
        digest: string: the digest, or empty.

    Returns:
        string: `pkg:docker/...`.
    """
    purl = "pkg:docker/{}@{}".format(repository, digest or tag)
    if len(registries) == 1:
        purl += "?repository_url=" + registries[0]
    return purl

def _only_for(platforms):
    """The name of a constraint value that says which platforms an image is for: `image_only_for/linux_amd64,linux_arm64`."""
    return "image_only_for/" + ",".join(platforms)

def _compatible_with(platforms):
    """An image can be used where one of its platforms is the target. With no known platform there is nothing to say."""
    if not platforms:
        return "[]"
    lines = ["        \"{}\": [],".format(Label("//img/constraints:" + platform)) for platform in platforms]
    lines.append("        \"//conditions:default\": [\":{}\"],".format(_only_for(platforms)))
    return "select({{\n{}\n    }})".format("\n".join(lines))

def _documents(images, index):
    files = [index["index"], index["descriptor"]] + index["inner"] if index else []
    for image in images:
        files += [image[key] for key in ["manifest", "config", "descriptor"] if image[key]]

    # Two platforms may share a config, or even a manifest.
    return {file: None for file in files}.keys()

def build_file(*, name, digest, images, index, registries, sources, repository, tag, platforms):
    """The BUILD file.

    Args:
        name: string: what the user calls the repository.
        digest: string: the digest of the image.
        images: list of dict: the images, see pull.bzl.
        index: dict or None: paths of the index, its descriptor and inner indexes; None if the image is for one platform.
        registries: list of string: the registries, the one that the image is named after first.
        sources: list of string: the registries in the order to ask them.
        repository: string: the repository.
        tag: string: the tag, or empty.
        platforms: list of string: config settings of //img/constraints.

    Returns:
        string: the content of the file.
    """
    build = [_HEADER.format(
        digest = repr(digest),
        documents = repr(_documents(images, index)),
        image_load = Label("//img:load.bzl"),
        images = "\n".join(["        {},".format(repr(json.encode(image))) for image in images]),
        index = repr(json.encode(index) if index else ""),
        only_for = repr(_only_for(platforms)),
        package_metadata = Label("@package_metadata//rules:package_metadata.bzl"),
        pulled_image = Label("//img/private/rules:pulled_image.bzl"),
        purl = repr(purl_of(registries, repository, tag, digest)),
        registries = repr(registries),
        repository = repr(repository),
        sources = repr(sources),
        tag = repr(tag),
    )]
    for alias in ["image"] + ([name] if name not in _RESERVED else []):
        build.append(_ALIAS.format(compatible_with = _compatible_with(platforms), name = repr(alias)))

    # A repository of this name is the image itself: `@load`.
    if name != "load":
        build.append(_LOAD.format(registry = repr(registries[0]), repository = repr(repository), tag = repr(tag)))
    return "".join(build)

def repo_file():
    """The REPO.bazel file: everything in the repository is what its package metadata says.

    Returns:
        string: the content of the file.
    """
    return "repo(default_package_metadata = [\"//:package_metadata\"])\n"
