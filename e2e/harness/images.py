"""The workspace e2e/images, on bases that are made here: an index within an index, an attestation, Docker's media types."""

import hashlib
import json
import shutil
import urllib.request

from harness import judges, servers
from harness.bench import Bench, push_base

ONES, TWOS = ("sha256:" + digit * 64 for digit in "12")
SCRATCH = ["empty", "gzip", "zstd", "plain", "names", "all_codecs", "layers_127", "configured", "runnable", "on_runnable",
           "for_linux_amd64", "for_linux_amd64_v3", "for_linux_arm64", "for_linux_arm64_v9", "for_linux_arm_v7"]
ON_PULLED = ["on_base", "on_nested", "on_docker"]
INDEXES = ["platforms", "listed", "on_base_index", "referrers"]
ARTIFACTS = ["sbom", "chart"]
CONFIG = "application/vnd.oci.image.config.v1+json"


def get(url, accept="*/*"):
    """Bytes over HTTP, and their media type."""
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept}), timeout=30) as answer:
        return answer.read(), answer.headers["Content-Type"]


def put_blob(registry, repository, content):
    """Uploads a blob; returns its digest."""
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    request = urllib.request.Request(f"{registry.url}/v2/{repository}/blobs/uploads/?digest={digest}", data=content, method="POST")
    with urllib.request.urlopen(request, timeout=30):
        return digest


def push_nested(registry, base):
    """An index of the base's index and an attestation that is no image."""
    repository = "demo/base"
    index, index_type = get(f"{registry.url}/v2/{repository}/manifests/{base}", "application/vnd.oci.image.index.v1+json")
    statement = put_blob(registry, repository, b'{"statement": true}')
    config = put_blob(registry, repository, b"{}")
    attestation = {
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": CONFIG, "digest": config, "size": 2},
        "layers": [{"mediaType": "application/vnd.in-toto+json", "digest": statement, "size": 19}],
    }
    digest = judges.put_manifest(registry.url, repository, "attestation", attestation)
    entries = [
        {"mediaType": attestation["mediaType"], "digest": digest, "size": len(json.dumps(attestation, separators=(",", ":"))),
         "platform": {"os": "unknown", "architecture": "unknown"},
         "annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
        {"mediaType": index_type, "digest": base, "size": len(index)},
    ]
    return judges.put_manifest(registry.url, repository, "nested", {
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries})


def push_docker(registry, base):
    """The base's amd64 image again, under Docker's media types."""
    repository = "demo/base"
    index = json.loads(get(f"{registry.url}/v2/{repository}/manifests/{base}")[0])
    entry = next(entry for entry in index["manifests"] if entry["platform"]["architecture"] == "amd64")
    manifest = json.loads(get(f"{registry.url}/v2/{repository}/manifests/{entry['digest']}")[0])
    manifest["mediaType"] = "application/vnd.docker.distribution.manifest.v2+json"
    manifest["config"]["mediaType"] = "application/vnd.docker.container.image.v1+json"
    for layer in manifest["layers"]:
        layer["mediaType"] = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    manifest.pop("annotations", None)
    return judges.put_manifest(registry.url, repository, "docker", manifest)


class ImagesBench(Bench):
    """The workspace e2e/images on bases that are made here."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = cls.server(servers.OurRegistry(cls.folder))
        base = push_base(cls.folder, cls.registry)
        replace = {ONES: push_nested(cls.registry, base), TWOS: push_docker(cls.registry, base)}
        cls.images = cls.workspace("images", cls.registry, base, replace=replace)
        shutil.copy("/bin/busybox", cls.images.path / "data/busybox")

    @classmethod
    def build_groups(cls, names, group, *flags):
        """Builds an output group of images."""
        cls.images.build(*(f"//:{name}" for name in names), f"--output_groups={group}", *flags)

    def json(self, path):
        """A JSON file below bazel-bin."""
        return json.loads(self.images.output(path).read_text())

    def file(self, name, group):
        """The only file of an output group. An image for a platform of its own is not below bazel-bin; others may be built for several."""
        files = self.images.files(f"//:{name}", group)
        usual = [file for file in files if file.resolve() == self.images.output(file.name).resolve()]
        found, = usual or files
        return found
