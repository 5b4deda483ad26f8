"""One program in layers of every codec: every runtime runs it, and seekable layers are what their readers expect."""

import json
import os
import random
import shutil

from harness import judges, servers
from harness.bench import Bench
from harness.podman import Podman

CODECS = ("estargz", "gzip", "none", "zstd", "zstd_chunked")
SEEKABLE = ("estargz", "zstd_chunked")
HELLO = "hello from a layer\n"
FILES = 60
FILE_SIZE = 100_000


class Codecs(Bench):
    """The workspace e2e/codecs, with data of which a part changes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = cls.server(servers.DockerRegistry(cls.folder))
        cls.proxy = cls.server(servers.CountingProxy(cls.folder, cls.registry))
        cls.codecs = cls.workspace("codecs", cls.registry, None)
        shutil.copy("/bin/busybox", cls.codecs.path / "cat")
        numbers = random.Random(1)
        for number in range(FILES):
            (cls.codecs.path / f"data/{number:02}.txt").write_text(numbers.randbytes(FILE_SIZE // 2).hex())
        # More than one chunk.
        (cls.codecs.path / "data/large.bin").write_bytes(numbers.randbytes(3 << 20))
        cls.push()

    @classmethod
    def push(cls):
        """Builds and pushes all images."""
        cls.codecs.build("//:all")
        for name in CODECS:
            cls.codecs.run_target(f"//:push_{name}")

    def layer(self, name):
        """The blob of a layer, and its descriptor as the registry has it."""
        descriptor, = judges.manifest(f"{self.registry.host}/codecs/{name}:latest")["layers"]
        extension = {"gzip": ".tgz", "estargz": ".tgz", "none": ".tar"}.get(name, ".tar.zst")
        return self.codecs.output(f"{name}_layer{extension}"), descriptor

    def test_estargz_library(self):
        """The library that reads eStargz agrees with the table about every chunk."""
        blob, descriptor = self.layer("estargz")
        toc = descriptor["annotations"]["containerd.io/snapshot/stargz/toc.digest"]
        size = FILES * FILE_SIZE + (3 << 20) + os.path.getsize("/bin/busybox") + len(HELLO)
        counts = judges.estargz(blob, toc)
        self.assertEqual((counts["files"], counts["bytes"]), (FILES + 3, size))
        self.assertGreaterEqual(counts["chunks"], FILES + 2 + 3)
        # A table for other bytes is refused.
        other = self.folder / "other.tgz"
        content = bytearray(blob.read_bytes())
        content[len(content) // 2] ^= 1
        other.write_bytes(content)
        with self.assertRaises(AssertionError):
            judges.estargz(other, toc)

    def test_containerd(self):
        containerd = self.server(servers.Containerd(self.folder))
        for name in CODECS:
            with self.subTest(name):
                reference = f"{self.registry.host}/codecs/{name}:latest"
                containerd.ctr("images", "pull", "--plain-http", reference)
                self.assertEqual(containerd.run(reference), HELLO)

    def test_docker(self):
        for features in ({}, {"containerd-snapshotter": True}):
            folder = self.folder / f"docker{len(features)}"
            folder.mkdir()
            docker = self.server(servers.Docker(folder, features))
            for name in CODECS:
                with self.subTest(name, **features):
                    reference = f"{self.registry.host}/codecs/{name}:latest"
                    docker.run("pull", "--quiet", reference)
                    self.assertEqual(docker.run("run", "--rm", "--network=none", reference).stdout, HELLO)
            docker.stop()

    def test_podman(self):
        podman = self.server(Podman(self.folder / "podman"))
        for name in CODECS:
            with self.subTest(name):
                reference = f"{self.registry.host}/codecs/{name}:latest"
                podman.pull(reference)
                self.assertEqual(podman.run(reference), HELLO)

    def test_partial_pulls(self):
        """After an edit of one file, podman fetches that file and the table, and little else."""
        # Each with a storage of its own: podman would find the file in a layer of another codec, too.
        podmans = {name: self.server(Podman(self.folder / f"partial_{name}", partial=True)) for name in SEEKABLE}
        for name, podman in podmans.items():
            podman.pull(f"{self.proxy.host}/codecs/{name}:latest")
        edited = random.Random(2).randbytes(FILE_SIZE // 2).hex()
        (self.codecs.path / "data/07.txt").write_text(edited)
        self.push()
        for name, podman in podmans.items():
            with self.subTest(name):
                mark = len(self.proxy.requests())
                reference = f"{self.proxy.host}/codecs/{name}:latest"
                podman.pull(reference)
                moved = sum(request["response_bytes"] for request in self.proxy.since(mark))
                blob, _ = self.layer(name)
                print(f"{name}: {moved} of {blob.stat().st_size} bytes of the layer moved after an edit of {FILE_SIZE} bytes")
                self.assertLess(moved, FILE_SIZE)
                self.assertEqual(podman.run(reference, "/srv/data/07.txt", "/srv/data/hello.txt"), edited + HELLO)

    def test_listings_say_what_is_in_the_layers(self):
        """Metadata of a seekable layer names its table, and the listing the table's own entry."""
        self.codecs.build("//:estargz_layer", "--output_groups=+mtree,+metadata")
        listing = self.codecs.output("estargz_layer.mtree").read_text()
        self.assertIn("./stargz.index.json type=file", listing)
        metadata = json.loads(self.codecs.output("estargz_layer_metadata.json").read_text())
        self.assertIn("containerd.io/snapshot/stargz/toc.digest", metadata["annotations"])
