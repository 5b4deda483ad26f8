"""Independent tools that judge what was built and pushed: crane, skopeo, umoci, and libraries of other formats."""

import hashlib
import json
import pathlib
import tempfile
import urllib.request

from harness import process


def crane(*words, **options):
    """Runs crane and returns its standard output."""
    return process.run(["crane", *words], **options).stdout


def manifest(reference):
    """A manifest or index, as crane fetches it."""
    return json.loads(crane("manifest", "--insecure", reference))


def config(reference):
    """The configuration of a single image, as crane fetches it."""
    return json.loads(crane("config", "--insecure", reference))


def validate(reference):
    """Every blob is fetched and its digests and diff ids are compared."""
    crane("validate", "--insecure", "--remote", reference)


def digest(reference):
    """What a tag points at."""
    return crane("digest", "--insecure", reference).strip()


def skopeo_copy(source, destination):
    """Copies an image with all its platforms between registries or to a layout."""
    process.run(["skopeo", "copy", "--insecure-policy", "--all", "--preserve-digests", "--src-tls-verify=false",
                 "--dest-tls-verify=false", source, destination])


def umoci_unpack(reference, folder):
    """Unpacks one image (of this machine's platform) with umoci and returns its root filesystem."""
    layout = folder / "layout"
    process.run(["skopeo", "copy", "--insecure-policy", "--src-tls-verify=false", f"docker://{reference}", f"oci:{layout}:image"])
    process.run(["umoci", "unpack", "--image", f"{layout}:image", folder / "bundle"])
    return folder / "bundle" / "rootfs"


def put_manifest(url, repository, name, document):
    """Writes a manifest or index as it is, through plain HTTP; returns its digest."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    request = urllib.request.Request(f"{url}/v2/{repository}/manifests/{name}", data=body, method="PUT",
                                     headers={"Content-Type": document["mediaType"]})
    with urllib.request.urlopen(request, timeout=30):
        return "sha256:" + hashlib.sha256(body).hexdigest()


def estargz(blob, toc_digest):
    """What the library of the stargz-snapshotter project counts in an eStargz layer, all of which it verified."""
    source = pathlib.Path(__file__).resolve().parents[1] / "judges/estargz"
    with tempfile.TemporaryDirectory(prefix="rules_img-judge-") as folder:
        judge = pathlib.Path(folder) / "estargz"
        process.run(["go", "build", "-o", judge, "."], cwd=source)
        words = process.run([judge, blob, toc_digest]).stdout.split()
    return dict(zip(words[::2], map(int, words[1::2])))
