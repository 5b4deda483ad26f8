"""Lazy pushes: layers go from Bazel's cache to the registry, and no byte of them onto the disk of the machine that runs Bazel."""

import hashlib
import shutil

from harness import judges, remote, servers
from harness.bench import Bench

LAZY = "--@rules_img//img/settings:push_strategy=lazy"
TARGET = "//:push_standalone"


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class LazyPush(Bench):
    """A program in two layers, built into BuildGrid's storage, or into a disk cache, and pushed from there."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = cls.server(servers.DockerRegistry(cls.folder))
        cls.proxy = cls.server(servers.CountingProxy(cls.folder, cls.registry))
        cls.cc = cls.workspace("cc", cls.registry, None)

    def fill(self, flags):
        """Builds the layers into a cache; nothing stays in the workspace."""
        self.cc.bazel("clean")
        self.cc.build(LAZY, *flags, "--output_groups=layers", TARGET)
        self.cc.bazel("clean")

    def push(self, flags, *words, expect=0):
        """Runs the target; returns the process and the requests to the registry."""
        mark = len(self.proxy.requests())
        done = self.cc.bazel("run", LAZY, *flags, TARGET, "--", "--registry", self.proxy.host, *words, expect=expect)
        return done, [request for request in self.proxy.since(mark) if request["path"] != "/v2/"]

    def layers(self, repository):
        """Digests of the layers of what was pushed, without their algorithm."""
        manifest = judges.manifest(f"{self.registry.host}/{repository}:1.0")
        return {layer["digest"].removeprefix("sha256:") for layer in manifest["layers"]}

    def copies(self, layers):
        """Files with these digests among all that Bazel keeps of this workspace's build, runfiles included."""
        folder = (self.cc.path / "bazel-out").resolve()
        return [path for path in folder.rglob("*") if path.is_file() and sha256(path) in layers]

    def test_from_the_remote_cache(self):
        cache = self.server(remote.RemoteCache(self.folder / "cache"))
        flags = [*cache.flags, "--remote_download_minimal", f"--@rules_img//img/settings:remote_cache={cache.endpoint}"]
        self.fill(flags)

        done, requests = self.push(flags)
        digest = judges.digest(f"{self.registry.host}/cc/standalone:1.0")
        self.assertEqual(done.stdout.splitlines()[0], f"{self.proxy.host}/cc/standalone@{digest}")
        judges.validate(f"{self.registry.host}/cc/standalone:1.0")
        layers = self.layers("cc/standalone")
        self.assertEqual(len(layers), 2)
        self.assertEqual(self.copies(layers), [], done.stderr)
        self.assertIn("3 uploaded", done.stderr)

        done, requests = self.push(flags)
        self.assertIn("unchanged", done.stderr)
        self.assertEqual(sorted((request["method"], request["path"]) for request in requests),
                         [("HEAD", "/v2/cc/standalone/manifests/1.0"), ("HEAD", "/v2/cc/standalone/manifests/latest")])

        self.evict(cache, layers)
        done, _ = self.push(flags, "--repository", "cc/evicted", expect=3)
        self.assertRegex(done.stderr, r"the layer `sha256:[0-9a-f]{64}` \(\d+ bytes\), which `//:\w+_layer` makes, "
                                      rf"is not in the remote cache `{cache.endpoint}`\n")
        judges.crane("manifest", "--insecure", f"{self.registry.host}/cc/evicted:1.0", expect="failure")
        # The command of the hint, with the flags of every build here.
        hint = done.stderr.rsplit("hint: ", 1)[1].splitlines()[0].split(": bazel clean && bazel build ")[1]
        self.cc.bazel("clean")
        self.cc.build(LAZY, *flags, *hint.split())
        self.push(flags, "--repository", "cc/evicted")
        self.assertEqual(self.layers("cc/evicted"), layers)

    def evict(self, cache, layers):
        """Takes layers out of BuildGrid's folder."""
        found = [path for path in cache.blobs.rglob("*") if path.is_file() and sha256(path) in layers]
        self.assertEqual(len(found), len(layers))
        for path in found:
            path.unlink()

    def test_from_buildbox(self):
        folder = self.folder / "build"
        flags = [f"--disk_cache={folder}", "--remote_download_minimal"]
        self.fill(flags)
        cache = self.server(remote.Buildbox(self.folder / "buildbox"))
        words = ["--remote-cache", cache.endpoint, "--repository", "cc/from_buildbox"]
        done, _ = self.push(flags, *words, expect=3)
        self.assertIn(f"is not in the remote cache `{cache.endpoint}`\n", done.stderr)
        # Among all that Bazel stored are the layers.
        cache.put(*(path for path in (folder / "cas").rglob("*") if path.is_file()))
        done, _ = self.push(flags, *words)
        judges.validate(f"{self.registry.host}/cc/from_buildbox:1.0")
        self.assertEqual(self.copies(self.layers("cc/from_buildbox")), [], done.stderr)

    def test_from_the_disk_cache(self):
        folder = self.folder / "disk_cache"
        flags = [f"--disk_cache={folder}", "--remote_download_minimal"]
        self.fill(flags)
        words = ["--repository", "cc/from_disk", "--disk-cache", folder]
        done, _ = self.push(flags, *words)
        judges.validate(f"{self.registry.host}/cc/from_disk:1.0")
        layers = self.layers("cc/from_disk")
        self.assertEqual(self.copies(layers), [], done.stderr)
        for layer in layers:
            self.assertTrue((folder / "cas" / layer[:2] / layer).is_file())

        shutil.rmtree(folder / "cas")
        done, _ = self.push(flags, "--repository", "cc/gone", "--disk-cache", folder, expect=3)
        self.assertIn(f"is not in the disk cache `{folder}`\n", done.stderr)
