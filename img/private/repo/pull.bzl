"""The repository rule `pull`: a base image without its layers.

The fetcher writes manifests and configs into the repository; this rule reads them and writes the BUILD file. Layers stay where they
are until something needs them.
"""

load("@img_toolchain//:defs.bzl", "fetcher_label")
load("//img/private/repo:documents.bzl", "INDEX_MEDIA_TYPES", "MANIFEST_MEDIA_TYPES", "constraint_names", "is_image_manifest", "media_type_of", "platform_of")
load("//img/private/repo:pull_attrs.bzl", "problem_with_attributes")
load("//img/private/repo:pulled_build.bzl", "build_file", "repo_file")

visibility(["//img"])

# The registry of an image that names none.
_DEFAULT_REGISTRY = "index.docker.io"

# A fetch is a few small documents; the fetcher has its own, shorter, limits per request.
_TIMEOUT_SECONDS = 600

# Starlark has no loop without an end. Nobody has an index that large.
_MAX_ENTRIES = 10000

_ATTRS = {
    "credential_helper": attr.string(
        doc = "The credential helper for the registry. Empty: as IMG_CREDENTIAL_HELPER says.",
    ),
    "digest": attr.string(
        doc = "The digest of the image, `sha256:` and 64 hexadecimal digits.",
    ),
    "docker_config_path": attr.string(
        doc = "The docker config file with the credentials. Empty: as REGISTRY_AUTH_FILE says, or the file in the home folder.",
    ),
    "downloader": attr.string(
        doc = "What downloads. Only `img_tool`, the fetcher of this ruleset, is there so far.",
        default = "img_tool",
        values = ["img_tool", "bazel"],
    ),
    "layer_handling": attr.string(
        doc = "What happens to layers. `shallow`: they stay in the registry until something needs them. Nothing else is there so far.",
        default = "shallow",
        values = ["shallow", "eager", "lazy"],
    ),
    "registries": attr.string_list(
        doc = "Mirrors of the registry. They are tried first, in this order.",
    ),
    "registry": attr.string(
        doc = "The registry that the image is named after. With no registry at all: `index.docker.io`.",
    ),
    "repository": attr.string(
        doc = "The repository, e.g. `library/ubuntu`.",
        mandatory = True,
    ),
    "tag": attr.string(
        doc = "The tag. With a digest it only documents what was meant.",
    ),
    "unsafe_allow_tag_without_digest": attr.bool(
        doc = "Whether to go on without a digest. The image is then whatever the tag names when it is fetched.",
    ),
}

_NO_DIGEST = """\
pull(name = "{name}"): attribute `digest`: is missing, so that the image would change whenever somebody moves the tag `{tag}`.
Write the digest that {repository}:{tag} has now, next to the tag:

    digest = "{digest}",

or, to follow the tag, `unsafe_allow_tag_without_digest = True`."""

def _name(rctx):
    """The name that the user gave to the repository."""
    if hasattr(rctx, "original_name"):
        return rctx.original_name
    return rctx.name.replace("~", "+").rpartition("+")[2]

def _fail(rctx, attribute, problem):
    fail("pull(name = \"{}\"): attribute `{}`: {}".format(_name(rctx), attribute, problem))

def _registries(rctx):
    """The registries with the one that the image is named after first, and in the order to ask them: mirrors first."""
    mirrors = [registry for registry in rctx.attr.registries if registry != rctx.attr.registry]
    primary = [rctx.attr.registry] if rctx.attr.registry else []
    if not primary and not mirrors:
        primary = [_DEFAULT_REGISTRY]
    return struct(by_name = primary + mirrors, to_ask = mirrors + primary)

def _environment(rctx):
    """What the fetcher gets to know about credentials. Asking Bazel for a variable makes its change fetch again."""
    environment = {}
    for variable, value in [
        ("IMG_CREDENTIAL_HELPER", rctx.attr.credential_helper),
        ("IMG_CREDENTIAL_HELPER_OCI_REGISTRY", ""),
        ("REGISTRY_AUTH_FILE", rctx.attr.docker_config_path),
        ("DOCKER_CONFIG", ""),
        ("IMG_INSECURE", ""),
    ]:
        value = value or rctx.getenv(variable)
        if value:
            environment[variable] = value
    return environment

def _fetch(rctx, fetcher, registries):
    """Runs the fetcher and returns its report."""
    arguments = [str(fetcher), "pull", "--repository", rctx.attr.repository, "--output", "."]
    for registry in registries:
        arguments += ["--registry", registry]
    arguments += ["--digest", rctx.attr.digest] if rctx.attr.digest else []
    arguments += ["--tag", rctx.attr.tag] if rctx.attr.tag else []
    environment = _environment(rctx)
    helper = environment.get("IMG_CREDENTIAL_HELPER")
    if helper:
        arguments += ["--credential-helper", helper]

    reference = "{}/{}{}".format(
        registries[-1],
        rctx.attr.repository,
        "@" + rctx.attr.digest if rctx.attr.digest else ":" + rctx.attr.tag,
    )
    rctx.report_progress("fetching manifests and configs of " + reference)

    # Not quiet: that a mirror failed is worth knowing even when the next one answers.
    result = rctx.execute(arguments, environment = environment, timeout = _TIMEOUT_SECONDS, quiet = False)
    if result.return_code != 0:
        fail("pull(name = \"{}\"): fetching {} failed:\n{}".format(_name(rctx), reference, result.stderr or result.stdout))
    return json.decode(rctx.read("pull.json"))

def _blob(digest):
    return "blobs/sha256/" + digest.removeprefix("sha256:")

def _descriptor(digest):
    """What the fetcher wrote about a manifest or an index. Starlark could not: it mangles text that is not ASCII."""
    return "descriptors/sha256/{}.json".format(digest.removeprefix("sha256:"))

def _read_document(rctx, digest):
    """What is in a document; None if the fetcher left it out."""
    path = _blob(digest)
    return json.decode(rctx.read(path)) if rctx.path(path).exists else None

def _image(rctx, entry, manifest):
    """Describes an image of the repository."""
    config_digest = manifest.get("config", {}).get("digest", "")
    config = _read_document(rctx, config_digest) if config_digest else None
    return {
        "config": _blob(config_digest) if config else "",
        "descriptor": _descriptor(entry["digest"]),
        "layers": [layer["mediaType"] for layer in manifest.get("layers", [])],
        "manifest": _blob(entry["digest"]),
        "platform": platform_of(entry, config),
    }

def _content_of_index(rctx, index):
    """The images that an index holds, those of inner indexes in the place of these, and the inner indexes themselves."""
    images = []
    inner = []
    todo = list(index.get("manifests", []))
    for _ in range(_MAX_ENTRIES):
        if not todo:
            return struct(images = images, inner = inner)
        entry = todo.pop(0)
        is_index = entry.get("mediaType") in INDEX_MEDIA_TYPES
        if not is_index and entry.get("mediaType") not in MANIFEST_MEDIA_TYPES:
            continue
        document = _read_document(rctx, entry["digest"])
        if document and is_index:
            inner.append(_blob(entry["digest"]))
            todo = document.get("manifests", []) + todo
        elif document:
            images.append(_image(rctx, entry, document))
    return _fail(rctx, "digest", "the index holds more than {} entries".format(_MAX_ENTRIES))

def _images(rctx, report):
    """Describes the root document and all images of it."""
    digest = report["digest"]
    document = _read_document(rctx, digest)
    media_type = media_type_of(document, report.get("mediaType", ""))
    if media_type in INDEX_MEDIA_TYPES:
        content = _content_of_index(rctx, document)
        return struct(
            images = content.images,
            index = {"descriptor": _descriptor(digest), "index": _blob(digest), "inner": content.inner},
        )
    if media_type not in MANIFEST_MEDIA_TYPES:
        _fail(rctx, "repository", "expected an image or an index, found a document of type {}".format(repr(media_type)))
    if not is_image_manifest(document):
        _fail(rctx, "repository", "expected an image, found an artifact: the type of its config is {}".format(
            repr(document.get("config", {}).get("mediaType", "")),
        ))
    return struct(images = [_image(rctx, {"digest": digest}, document)], index = None)

def _result(rctx, digest):
    """Tells Bazel whether the same attributes always give the same repository."""
    if rctx.attr.digest:
        return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None
    pinned = {name: getattr(rctx.attr, name) for name in _ATTRS} | {"digest": digest, "name": rctx.name}
    return rctx.repo_metadata(attrs_for_reproducibility = pinned) if hasattr(rctx, "repo_metadata") else pinned

def _pull_impl(rctx):
    problem = problem_with_attributes(rctx.attr)
    if problem:
        _fail(rctx, problem.attribute, problem.text)
    fetcher = rctx.path(fetcher_label(rctx))
    registries = _registries(rctx)
    report = _fetch(rctx, fetcher, registries.to_ask)
    digest = report["digest"]
    if not rctx.attr.digest and not rctx.attr.unsafe_allow_tag_without_digest:
        fail(_NO_DIGEST.format(digest = digest, name = _name(rctx), repository = rctx.attr.repository, tag = rctx.attr.tag))

    root = _images(rctx, report)
    rctx.file("BUILD.bazel", build_file(
        name = _name(rctx),
        digest = digest,
        images = root.images,
        index = root.index,
        registries = registries.by_name,
        sources = registries.to_ask,
        repository = rctx.attr.repository,
        tag = rctx.attr.tag,
        platforms = constraint_names([image["platform"] for image in root.images]),
    ), executable = False)
    rctx.file("REPO.bazel", repo_file(), executable = False)
    return _result(rctx, digest)

pull = repository_rule(
    implementation = _pull_impl,
    doc = """Pulls a base image for builds, without its layers.

The image is `@<name>`. With a digest, what is pulled never changes and is fetched once.

```starlark
pull = use_repo_rule("@rules_img//img:pull.bzl", "pull")

pull(
    name = "ubuntu",
    digest = "sha256:1e622c5f073b4f6bfad6632f2616c7f59ef256e96fe78bf6a595d1dc4376ac02",
    registry = "index.docker.io",
    repository = "library/ubuntu",
    tag = "24.04",
)
```
""",
    attrs = _ATTRS,
)
