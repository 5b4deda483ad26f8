"""Layers that are files of the source tree, or of another repository: Bazel puts none of them into a cache by itself."""

import hashlib
import io
import tarfile

from harness import judges, remote, servers
from harness.bench import Bench

SETTINGS = "--@rules_img//img/settings"
TARGET = "//source:push"
REPOSITORY = "source/app"
BUILD = """
load("@rules_img//img:image.bzl", "image_manifest")
load("@rules_img//img:layer.bzl", "layer_from_file", "layer_from_tar")
load("@rules_img//img:push.bzl", "image_push")

layer_from_tar(
    name = "archive_layer",
    src = "archive.tar.gz",
)

layer_from_file(
    name = "elsewhere_layer",
    src = "@elsewhere//:elsewhere.tar.gz",
    diff_id = True,
    media_type = "application/vnd.oci.image.layer.v1.tar+gzip",
)

image_manifest(
    name = "app",
    layers = [
        ":archive_layer",
        ":elsewhere_layer",
        "raw.tar.gz",
    ],
)

image_push(
    name = "push",
    image = ":app",
    registry = "localhost:5000",
    repository = "source/app",
    tag = "1.0",
)
"""
ELSEWHERE = """
new_local_repository = use_repo_rule("@bazel_tools//tools/build_defs/repo:local.bzl", "new_local_repository")

new_local_repository(
    name = "elsewhere",
    build_file_content = 'exports_files(["elsewhere.tar.gz"])',
    path = "{path}",
)
"""


def archive(path, name):
    """An archive with one file of 100,000 bytes that no compression makes much smaller."""
    content = b"".join(hashlib.sha256(f"{name} {number}".encode()).digest() for number in range(3125))
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class SourceLayers(Bench):
    """An image of three archives, of which none is built."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = cls.server(servers.DockerRegistry(cls.folder))
        cls.cc = cls.workspace("cc", cls.registry, None)
        source, elsewhere = cls.cc.path / "source", cls.folder / "repository"
        cls.archives = [source / "archive.tar.gz", elsewhere / "elsewhere.tar.gz", source / "raw.tar.gz"]
        archive(cls.archives[0], "archive.txt")
        archive(cls.archives[1], "elsewhere.txt")
        archive(cls.archives[2], "raw.txt")
        (source / "BUILD.bazel").write_text(BUILD.replace("localhost:5000", cls.registry.host))
        module = cls.cc.path / "MODULE.bazel"
        module.write_text(module.read_text() + ELSEWHERE.format(path=elsewhere))

    def setUp(self):
        """A cache that has nothing, and a workspace that is built anew."""
        self.cache = remote.RemoteCache(self.folder / self._testMethodName)
        self.addCleanup(self.cache.stop)
        self.cc.bazel("clean")

    def flags(self, strategy, *flags):
        return [*self.cache.flags, "--remote_download_minimal", f"{SETTINGS}:push_strategy={strategy}", *flags]

    def cached(self):
        """Which of the archives the cache has."""
        names = {sha256(path) for path in self.cache.blobs.rglob("*") if path.is_file()}
        return [path.name for path in self.archives if sha256(path) in names]

    def copies(self):
        """Files with the bytes of an archive among all that Bazel made."""
        digests = {sha256(path) for path in self.archives}
        outputs = (self.cc.path / "bazel-out").resolve()
        return [path for path in outputs.rglob("*") if path.is_file() and not path.is_symlink() and sha256(path) in digests]

    def check(self, reference):
        """What crane says of the image; its layers are the archives, byte for byte."""
        judges.validate(reference)
        layers = [layer["digest"].removeprefix("sha256:") for layer in judges.manifest(reference)["layers"]]
        self.assertEqual(layers, [sha256(path) for path in self.archives])

    def test_lazy(self):
        flags = self.flags("lazy", f"{SETTINGS}:remote_cache={self.cache.endpoint}")
        done = self.cc.bazel("run", *flags, TARGET)
        self.assertIn("4 uploaded", done.stderr)
        self.check(f"{self.registry.host}/{REPOSITORY}:1.0")
        self.assertEqual(len(self.cached()), 3)

        with self.subTest("somebody else, who has all from the cache"):
            self.cc.bazel("clean")
            self.cc.bazel("run", *flags, TARGET, "--", "--repository", "source/again")
            self.check(f"{self.registry.host}/source/again:1.0")
            self.assertEqual(self.copies(), [])

        with self.subTest("the cache lost it"):
            for path in self.cache.blobs.rglob("*"):
                if path.is_file() and sha256(path) == sha256(self.archives[2]):
                    path.unlink()
            done = self.cc.bazel("run", *flags, TARGET, "--", "--repository", "source/lost", expect=3)
            self.assertRegex(done.stderr, rf"the layer `sha256:{sha256(self.archives[2])}` \(\d+ bytes\), which `//source:app` makes, is not in ")
            hint = done.stderr.rsplit("hint: ", 1)[1].splitlines()[0].split(": bazel clean && bazel build ")[1]
            self.cc.bazel("clean")
            self.cc.build(*flags, *hint.split())
            self.cc.bazel("run", *flags, TARGET, "--", "--repository", "source/lost")
            self.check(f"{self.registry.host}/source/lost:1.0")

    def test_cas_registry(self):
        registry = servers.OurRegistry(self.folder / "registry", cache=self.cache)
        self.addCleanup(registry.stop)
        done = self.cc.bazel("run", *self.flags("cas_registry", f"{SETTINGS}:blob_cache={registry.blob_cache}"), TARGET,
                             "--", "--registry", registry.host)
        self.assertIn("4 blobs already there, 0 mounted, 0 uploaded", done.stderr)
        self.check(f"{registry.host}/{REPOSITORY}:1.0")
        sent = sum(request["received"] for request in registry.requests())
        print(f"a push of {sum(path.stat().st_size for path in self.archives)} bytes of layers sent {sent} bytes")
        self.assertLess(sent, 10_000)

    def test_bes(self):
        bes = servers.BuildEventService(self.folder / "bes", self.cache)
        self.addCleanup(bes.stop)
        (self.cc.path / "source/BUILD.bazel").write_text(
            (self.cc.path / "source/BUILD.bazel").read_text().replace("source/app", "source/by_bes"))
        self.addCleanup(self.cc.edit, "source/BUILD.bazel", "source/by_bes", "source/app")
        self.cc.build(*self.flags("bes"), *bes.flags, TARGET)
        self.check(f"{self.registry.host}/source/by_bes:1.0")

    def test_eager_copies_nothing(self):
        self.cc.bazel("run", *self.flags("eager"), TARGET, "--", "--repository", "source/eager")
        self.check(f"{self.registry.host}/source/eager:1.0")
        self.assertEqual((self.copies(), self.cached()), ([], []))
