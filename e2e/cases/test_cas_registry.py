"""A registry that reads Bazel's remote cache itself: pushes move kilobytes, and pulls get all."""

import hashlib
import os
import urllib.request

from harness import judges, process, remote, servers
from harness.bench import Bench, push_base
from harness.workspace import CHECKOUT

SETTINGS = "--@rules_img//img/settings"
TARGET = "//:push_standalone"
# What a push may send, the commit included.
LIMIT = 100_000


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class CasRegistry(Bench):
    """C++ programs, built into BuildGrid's storage, which our registry serves; one on no base, one on a base elsewhere."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.elsewhere = cls.server(servers.DockerRegistry(cls.folder / "elsewhere"))
        cls.base = push_base(cls.folder, cls.elsewhere)
        cls.cache = cls.server(remote.RemoteCache(cls.folder / "cache"))
        cls.registry = cls.server(servers.OurRegistry(cls.folder, cache=cls.cache))
        cls.cc = cls.workspace("cc", cls.elsewhere, cls.base)

    def push(self, target, registry, *words, cache=None, expect=0):
        """Runs a target as somebody does who has nothing of its layers; returns the process and what the registry was asked."""
        mark = len(registry.requests())
        flags = [*(cache or self.cache.flags), "--remote_download_minimal", f"{SETTINGS}:push_strategy=cas_registry",
                 f"{SETTINGS}:blob_cache={registry.blob_cache}"]
        done = self.cc.bazel("run", *flags, target, "--", "--registry", registry.host, *words, expect=expect)
        return done, registry.requests()[mark:]

    def layers(self, reference):
        """Descriptors of the layers of an image."""
        return judges.manifest(reference)["layers"]

    def stored(self):
        """Digests of what the registry has on its own disk."""
        return {path.name for path in (self.registry.root / "blobs").rglob("*") if path.is_file()}

    def get(self, registry, repository, digest, first=None, last=None):
        """Bytes of a blob, maybe a range, through plain HTTP."""
        headers = {"Range": f"bytes={first}-{last}"} if first is not None else {}
        request = urllib.request.Request(f"{registry.url}/v2/{repository}/blobs/{digest}", headers=headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            self.assertEqual(response.status, 200 if first is None else 206)
            return response.read()

    def test_pushes_send_kilobytes(self):
        repository = "cc/standalone"
        reference = f"{self.registry.host}/{repository}:1.0"
        # Somebody else built it: it is in the cache, and nothing is here.
        self.cc.build(*self.cache.flags, f"{SETTINGS}:push_strategy=cas_registry", "--output_groups=layers", TARGET)
        self.cc.bazel("clean")
        done, requests = self.push(TARGET, self.registry)
        self.assertIn("3 blobs already there, 0 mounted, 0 uploaded", done.stderr)
        self.assertEqual([request["path"] for request in requests].count("/rules_img.blobcache.v1.Blobs/Commit"), 1)
        self.assertEqual([request for request in requests if "/blobs/uploads/" in request["path"]], [])
        sent = sum(request["received"] for request in requests)
        layers = self.layers(reference)
        size = sum(layer["size"] for layer in layers)
        print(f"a push of {size} bytes of layers sent {sent} bytes")
        self.assertLess(sent, LIMIT)
        self.assertGreater(size, 2 * LIMIT)
        # No layer of it is on the registry's disk, nor in what Bazel keeps of the build here.
        digests = {layer["digest"].removeprefix("sha256:") for layer in layers}
        self.assertEqual(self.stored() & digests, set())
        outputs = (self.cc.path / "bazel-out").resolve()
        self.assertEqual([path for path in outputs.rglob("*") if path.is_file() and sha256(path.read_bytes()) in digests], [])

        judges.validate(reference)
        archive = self.folder / "pulled.tar"
        judges.crane("pull", "--insecure", reference, archive)
        judges.crane("validate", "--tarball", archive)
        done, requests = self.push(TARGET, self.registry)
        self.assertIn("unchanged", done.stderr)
        self.assertEqual(len(requests), 3)

        with self.subTest("ranges"):
            self.check_ranges(self.registry, repository, layers)

    def check_ranges(self, registry, repository, layers):
        """Layers, whole and in parts."""
        for layer in layers:
            whole = self.get(registry, repository, layer["digest"])
            self.assertEqual(sha256(whole), layer["digest"].removeprefix("sha256:"))
            last = len(whole) - 1
            for start, end in ((0, 0), (1, last // 2), (last // 2, last), (last, last)):
                part = self.get(registry, repository, layer["digest"], start, end)
                self.assertEqual(part, whole[start:end + 1])

    def test_buildbox_behind_the_registry(self):
        """Bazel does not take buildbox as a cache, so what it built is brought there from a disk cache."""
        build = self.folder / "disk_cache"
        flags = [f"--disk_cache={build}"]
        cache = self.server(remote.Buildbox(self.folder / "buildbox"))
        registry = servers.OurRegistry(self.folder / "before_buildbox", cache=cache)
        self.addCleanup(lambda: registry.stop())
        words = ["--repository", "cc/from_buildbox"]
        self.cc.bazel("clean")
        done, _ = self.push(TARGET, registry, *words, cache=flags, expect=1)
        self.assertIn(f"is not in the remote cache that the registry `{registry.host}` reads\n", done.stderr)
        cache.put(*(path for path in (build / "cas").rglob("*") if path.is_file()))
        done, requests = self.push(TARGET, registry, *words, cache=flags)
        self.assertRegex(done.stderr, r"[23] blobs already there, 0 mounted, [01] uploaded")
        self.assertLess(sum(request["received"] for request in requests), LIMIT)
        reference = f"{registry.host}/cc/from_buildbox:1.0"
        judges.validate(reference)
        layers = self.layers(reference)
        self.check_ranges(registry, "cc/from_buildbox", layers)

        registry.kill()
        registry = servers.OurRegistry(self.folder / "before_buildbox", cache=cache)
        judges.validate(f"{registry.host}/cc/from_buildbox:1.0")
        on_disk = {path.name for path in (registry.root / "blobs").rglob("*") if path.is_file()}
        self.assertEqual(on_disk & {layer["digest"].removeprefix("sha256:") for layer in layers}, set())

    def test_containerd_and_docker_run_it(self):
        self.push(TARGET, self.registry, "--repository", "cc/run")
        reference = f"{self.registry.host}/cc/run:1.0"
        expected = f"standalone: {(self.cc.path / 'config.txt').read_text()}"
        containerd = self.server(servers.Containerd(self.folder))
        containerd.ctr("images", "pull", "--plain-http", reference)
        self.assertEqual(containerd.ctr("run", "--rm", reference, "standalone").stdout, expected)
        folder = self.folder / "docker"
        folder.mkdir()
        docker = self.server(servers.Docker(folder, {}))
        docker.run("pull", "--quiet", reference)
        self.assertEqual(docker.run("run", "--rm", "--network=none", reference).stdout, expected)

    def test_kill_and_restart(self):
        folder = self.folder / "killed"
        registry = self.server(servers.OurRegistry(folder, cache=self.cache))
        self.push(TARGET, registry)
        registry.kill()
        registry = self.server(servers.OurRegistry(folder, cache=self.cache))
        judges.validate(f"{registry.host}/cc/standalone:1.0")
        done, _ = self.push(TARGET, registry)
        self.assertIn("unchanged", done.stderr)

    def test_a_base_that_is_elsewhere(self):
        """Layers of the base are in no cache: they pass through, those of the build do not."""
        done, requests = self.push("//:push_with_runfiles", self.registry)
        reference = f"{self.registry.host}/cc/with_runfiles:latest"
        judges.validate(reference)
        base = self.layers(f"{self.elsewhere.host}/demo/base@{self.base_for_this_machine()}")
        base = {layer["digest"].removeprefix("sha256:") for layer in base}
        all_layers = {layer["digest"].removeprefix("sha256:") for layer in self.layers(reference)}
        self.assertEqual((len(all_layers - base), self.stored() & all_layers), (1, base), done.stderr)
        self.assertIn(f"2 blobs already there, 0 mounted, {len(base)} uploaded", done.stderr)
        uploads = {request["path"].split("/blobs/")[0] for request in requests if request["method"] == "POST"}
        self.assertEqual(uploads, {"/rules_img.blobcache.v1.Blobs/Commit", "/v2/cc/with_runfiles"})

    def base_for_this_machine(self):
        """The manifest of the base for linux/amd64."""
        index = judges.manifest(f"{self.elsewhere.host}/demo/base@{self.base}")
        found, = (entry["digest"] for entry in index["manifests"] if entry["platform"]["architecture"] == "amd64")
        return found

    def test_a_layer_that_the_cache_lost(self):
        registry = self.server(servers.OurRegistry(self.folder / "lost", cache=self.cache))
        self.push(TARGET, registry)
        reference = f"{registry.host}/cc/standalone:1.0"
        digests = {layer["digest"].removeprefix("sha256:") for layer in self.layers(reference)}
        for path in self.cache.blobs.rglob("*"):
            if path.is_file() and sha256(path.read_bytes()) in digests:
                path.unlink()
        judges.crane("validate", "--insecure", "--remote", reference, expect="failure")
        done, _ = self.push(TARGET, registry, "--repository", "cc/again", expect=1)
        self.assertRegex(done.stderr, r"the layer `sha256:[0-9a-f]{64}` \(\d+ bytes\), which `//:\w+_layer` makes, is not in the "
                                      f"remote cache that the registry `{registry.host}` reads\n")
        judges.crane("manifest", "--insecure", f"{registry.host}/cc/again:1.0", expect="failure")
        # The command of the hint, with the flags of every build here.
        hint = done.stderr.split("hint: ", 1)[1].splitlines()[0].split(": bazel clean && bazel build ")[1]
        self.cc.bazel("clean")
        self.cc.build(*self.cache.flags, "--remote_download_minimal", f"{SETTINGS}:push_strategy=cas_registry", *hint.split())
        self.push(TARGET, registry, "--repository", "cc/again")
        judges.validate(f"{registry.host}/cc/again:1.0")
        judges.validate(reference)

    def test_what_is_said_without_a_blob_cache(self):
        flags = [*self.cache.flags, "--remote_download_minimal", f"{SETTINGS}:push_strategy=cas_registry"]
        done = self.cc.bazel("run", *flags, TARGET, expect=2)
        for word in ("no blob cache is named", "//img/settings:blob_cache", "IMG_BLOB_CACHE_ENDPOINT", "--blob-cache"):
            self.assertIn(word, done.stderr)

    def test_conformance(self):
        """The suite of the distribution specification, with the cache behind the registry."""
        environment = dict(os.environ, REGISTRY=str(servers.tool("registry")),
                           REGISTRY_FLAGS=f"--remote-cache {self.cache.endpoint} --grpc-port 0 --cas-keepalive")
        done = process.run([CHECKOUT / "services/registry/conformance.sh"], env=environment)
        print(done.stdout.strip())
        self.assertRegex(done.stdout, r"conformance \(1\.1\): [1-9]\d+ passed, 0 failed, ")
