"""Deploys of many images through latency: seconds and requests, against our registry server and docker's."""

import hashlib
import json
import os
import pathlib
import shlex
import shutil
import statistics
import sys
import urllib.parse
import urllib.request

import measure

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))

from harness import servers  # noqa: E402

LATENCY_MS = 20
BASE_LAYERS = 5
LAYER = "application/vnd.oci.image.layer.v1.tar"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def bench(folder, pusher, runs, images=100):
    """Prints what a first and a second deploy of all images take; the layers of their base are in the registry."""
    print(f"\ndeploy: {images} images, each with a layer of its own on a base of {BASE_LAYERS}, {LATENCY_MS} ms a request; medians of {runs}\n")
    print("| registry | deploy | wall s | CPU s | requests |\n| --- | --- | --- | --- | --- |")
    for name, start in (("ours", servers.OurRegistry), ("docker's", servers.DockerRegistry)):
        costs = {"nothing is there but the base": [], "all is there": []}
        requests = {}
        for number in range(runs):
            place = folder / f"deploy-{number}"
            shutil.rmtree(place, ignore_errors=True)
            registry = start(place)
            proxy = servers.CountingProxy(place, registry, latency_ms=LATENCY_MS)
            try:
                program = target(place, pusher, registry.url, proxy.url.removeprefix("http://"), images)
                for what, taken in costs.items():
                    before = len(proxy.counts_path.read_text().splitlines())
                    taken.append(measure.cost(f"{shlex.quote(str(program))} --progress=none >{place}/stdout 2>{place}/stderr"))
                    requests[what] = len(proxy.counts_path.read_text().splitlines()) - before
            finally:
                proxy.stop()
                registry.stop()
                shutil.rmtree(place, ignore_errors=True)
        for what, taken in costs.items():
            wall, cpu = (statistics.median(getattr(cost, key) for cost in taken) for key in ("wall", "cpu"))
            print(f"| {name} | {what} | {wall:.2f} | {cpu:.2f} | {requests[what]} |", flush=True)


def target(folder, pusher, registry, host, images):
    """A deploy target as Bazel leaves it: the pusher under its name, its plan, its runfiles."""
    runfiles = folder / "push.runfiles"
    runfiles.mkdir()
    blobs = {}

    def blob(media_type, kind, content, sources=()):
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        blobs[digest] = {"mediaType": media_type, "size": len(content), "kind": kind}
        if sources:
            blobs[digest]["sources"] = list(sources)
        else:
            (runfiles / digest[7:]).write_bytes(content)
            blobs[digest]["runfile"] = digest[7:]
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    base = []
    for number in range(BASE_LAYERS):
        content = f"base {number}\n".encode() * 10_000
        layer = blob(LAYER, "layer", content, [{"registry": host, "repository": "base"}])
        upload(registry, "base", layer["digest"], content)
        base.append(layer)
    operations = []
    for number in range(images):
        layers = [*base, blob(LAYER, "layer", f"own {number}\n".encode() * 1000)]
        config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]}}
        config = blob(CONFIG, "config", json.dumps(config).encode())
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
        root = blob(MANIFEST, "manifest", json.dumps(manifest).encode())
        operations.append({"command": "push", "label": f"//:push{number}", "strategy": "eager", "registry": host,
                           "repository": f"app/{number}", "tags": ["v1"], "root": root, "cross_mount": "same_registry"})
    (folder / "push.json").write_text(json.dumps({"operations": operations, "blobs": blobs}))
    program = folder / "push"
    os.symlink(pusher, program)
    return program


def upload(registry, repository, digest, content):
    """Puts a blob into a registry."""
    begin = urllib.request.Request(f"{registry}/v2/{repository}/blobs/uploads/", method="POST", data=b"")
    with urllib.request.urlopen(begin, timeout=30) as answer:
        location = urllib.parse.urljoin(registry, answer.headers["Location"])
    separator = "&" if "?" in location else "?"
    headers = {"Content-Type": "application/octet-stream"}
    end = urllib.request.Request(f"{location}{separator}digest={digest}", method="PUT", data=content, headers=headers)
    urllib.request.urlopen(end, timeout=30).close()
