"""A lazy push of one large layer, from BuildGrid to a registry, beside reading it from the one alone and writing it to the other alone.

Both are done with other programs than ours: gRPC's client for Python, and curl. All three move the same blob, which lies in memory as
a file of the cache and of curl, to a registry that does not have it; nothing is still on its way to the disk when one begins. What
all processes of a push take of processors, divided by how many there are, is a bound that no program could beat.
"""

import hashlib
import json
import os
import pathlib
import shlex
import shutil
import statistics
import subprocess
import sys

import measure

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))

from harness import process, remote, servers  # noqa: E402

PYTHON = "/opt/buildgrid/bin/python"
CAS = pathlib.Path(__file__).resolve().parent / "cas.py"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class Image:
    """An image whose one layer is noise; config and manifest are runfiles of a target, the layer is not."""

    def __init__(self, folder, size):
        self.folder, self.layer = folder, folder / "layer"
        with self.layer.open("wb") as file:
            for number in range(0, size, 1 << 20):
                file.write(hashlib.shake_256(str(number).encode()).digest(min(1 << 20, size - number)))
        with self.layer.open("rb") as file:
            self.digest, self.size = hashlib.file_digest(file, "sha256").hexdigest(), size
        self.blobs = {}
        layer = {"mediaType": LAYER, "digest": f"sha256:{self.digest}", "size": size}
        config = self.document("config", CONFIG, {"architecture": "amd64", "os": "linux",
                                                  "rootfs": {"type": "layers", "diff_ids": [f"sha256:{self.digest}"]}})
        self.root = self.document("manifest", MANIFEST, {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]})
        self.blobs[f"sha256:{self.digest}"] = {"mediaType": LAYER, "size": size, "kind": "layer"}

    def document(self, kind, media_type, content):
        """Makes a runfile; returns its descriptor."""
        text = json.dumps(content).encode()
        digest = hashlib.sha256(text).hexdigest()
        path = self.folder / "push.runfiles/bench" / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
        self.blobs[f"sha256:{digest}"] = {"mediaType": media_type, "size": len(text), "kind": kind, "runfile": f"bench/{digest}"}
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(text)}

    def target(self, pusher, registry):
        """The command of a deploy target that pushes to a registry."""
        program = self.folder / "push"
        program.unlink(missing_ok=True)
        program.symlink_to(pusher)
        push = {"command": "push", "label": "//:push", "strategy": "lazy", "registry": registry.host, "repository": "bench/lazy", "tags": ["1"],
                "root": self.root}
        (self.folder / "push.json").write_text(json.dumps({"operations": [push], "blobs": self.blobs}))
        return program


def upload(image, registry, repository):
    """A shell command that uploads the layer."""
    begin = f"{registry.url}/v2/{repository}/blobs/uploads/"
    return (f"location=$(curl -sfi -X POST {begin} | tr -d '\\r' | sed -n 's/^[Ll]ocation: //p'); case $location in /*) location={registry.url}$location;; esac; "
            f"case $location in *\\?*) joint='&';; *) joint='?';; esac; "
            f"curl -sf -T {shlex.quote(str(image.layer))} -H 'Content-Type: application/octet-stream' -H Expect: "
            f"\"$location${{joint}}digest=sha256:{image.digest}\" > /dev/null")


def bench(folder, name, size, pusher, runs):
    """Prints a table for one size of layer."""
    own = folder / name
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(parents=True)
    started = []
    try:
        image = Image(own, size)
        started.append(cache := remote.RemoteCache(own / "cache"))
        host = cache.endpoint.removeprefix("grpc://")
        process.run([PYTHON, CAS, "write", host, image.layer, size])
        print(f"\n{name}: one layer of {size / 2**20:.0f} MiB, median of {runs} interleaved runs\n")
        print("| to | read alone s | write alone s | lazy push s | of the slower | CPU s of cache + pusher + registry | divided s | peak MiB "
              "| written to disk |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
        for title, server in (("docker-registry", servers.DockerRegistry), ("services/registry", servers.OurRegistry)):
            folder = own / title.replace("/", "-")
            started.append(registry := server(folder))
            print(row(title, image, cache, (registry, folder), pusher, runs), flush=True)
            started.pop().stop()
    finally:
        for server in reversed(started):
            server.stop()
        shutil.rmtree(own, ignore_errors=True)


def forget(folder):
    """Removes what a registry has of the layer, so that it stores it again, and waits for the disk."""
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size >= 1 << 20:
            path.unlink()
    os.sync()


def row(title, image, cache, where, pusher, runs):
    """Measures one registry. Every run goes to a repository of its own, because what is there is not sent."""
    registry, folder = where
    host = cache.endpoint.removeprefix("grpc://")
    target = image.target(pusher, registry)
    reads, writes, pushes, shared = [], [], [], []
    os.environ["IMG_PROGRESS"] = "none"
    for number in range(runs):
        forget(folder)
        reads.append(float(process.run([PYTHON, CAS, "read", host, image.digest, image.size]).stdout))
        writes.append(measure.cost(upload(image, registry, f"bench/write{number}")).wall)
        forget(folder)
        before = [measure.used(server.server.process.pid) for server in (cache, registry)]
        words = [target, "--remote-cache", cache.endpoint, "--repository", f"bench/push{number}"]
        pushes.append(measure.cost(f"{shlex.join(map(str, words))} > /dev/null 2>&1"))
        shared.append([measure.used(server.server.process.pid) - start for server, start in zip((cache, registry), before)])
        subprocess.run(["crane", "manifest", "--insecure", f"{registry.host}/bench/push{number}:1"], check=True, stdout=subprocess.DEVNULL)
    shares = [max(read, write) / push.wall for read, write, push in zip(reads, writes, pushes)]
    read, write, share = map(statistics.median, (reads, writes, shares))
    push, peak, cpu, written = (measure.median(pushes, key) for key in ("wall", "peak", "cpu", "written"))
    source, target = (statistics.median(column) for column in zip(*shared))
    bound = (source + cpu + target) / os.cpu_count()
    return (f"| {title} | {read:.2f} | {write:.2f} | {push:.2f} | {share:.0%} | {source:.2f} + {cpu:.2f} + {target:.2f} | {bound:.2f} "
            f"| {peak / 2**20:.1f} | {written:.0f} B |")
