"""Pulling shallowly: how many requests, how many bytes, and what a wrong pull says."""

import time

from harness import judges, process, servers
from harness.bench import EIGHT_PLATFORMS, Bench, push_base


class Pull(Bench):
    """A base of 1 GiB for eight platforms behind a counting proxy."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = cls.server(servers.OurRegistry(cls.folder))
        cls.base = push_base(cls.folder, cls.registry, size=1 << 30, platforms=EIGHT_PLATFORMS)

    def fetch(self, registry, *words, expect=0):
        """Runs the fetcher by itself; returns the folder, the process and the seconds that it took."""
        folder = self.folder / f"fetched-{time.monotonic_ns()}"
        folder.mkdir()
        start = time.monotonic()
        done = process.run([servers.tool("fetcher"), "pull", "--registry", registry.host, "--repository", "demo/base",
                            *words, "--output", folder], expect=expect)
        return folder, done, time.monotonic() - start

    def test_three_waves(self):
        proxy = self.server(servers.CountingProxy(self.folder, self.registry, latency_ms=50, name="slow"))
        timings = []
        for _ in range(3):
            mark = len(proxy.requests())
            folder, _, seconds = self.fetch(proxy, "--digest", self.base)
            timings.append(seconds)
            requests = proxy.since(mark)
            self.assertEqual(len(requests), 17)
            self.assertEqual({request["method"] for request in requests}, {"GET"})
            self.assertEqual(len(list((folder / "blobs/sha256").iterdir())), 17)
        print(f"        17 requests through 50 ms of latency: {min(timings):.3f} s at best, {max(timings):.3f} s at worst", flush=True)

    def test_a_build_fetches_no_layer(self):
        proxy = self.server(servers.CountingProxy(self.folder, self.registry, name="build"))
        quickstart = self.workspace("quickstart", proxy, self.base)
        quickstart.build("//:image")
        fetched = sum(request["response_bytes"] for request in proxy.requests())
        print(f"        a build on 1 GiB fetched {fetched} bytes in {len(proxy.requests())} requests", flush=True)
        self.assertLess(fetched, 64 << 10)
        self.assertGreater(fetched, 0)

    def test_a_mirror_is_tried_first(self):
        mirror = self.server(servers.OurRegistry(self.folder / "mirror"))
        judges.skopeo_copy(f"docker://{self.registry.host}/demo/base@{self.base}", f"docker://{mirror.host}/demo/base:1.0")
        proxy = self.server(servers.CountingProxy(self.folder, self.registry, name="behind"))
        self.fetch(mirror, "--registry", proxy.host, "--digest", self.base)
        self.assertEqual(proxy.requests(), [])

    def test_a_dead_mirror_is_skipped(self):
        dead = f"localhost:{process.free_port()}"
        _, done, _ = self.fetch(type("Dead", (), {"host": dead}), "--registry", self.registry.host, "--digest", self.base)
        self.assertIn("warning: ", done.stderr)
        self.assertIn(dead, done.stderr)

    def test_nothing_is_left_of_a_failure(self):
        folder, done, _ = self.fetch(self.registry, "--digest", "sha256:" + "1" * 64, expect=1)
        self.assertIn("error:", done.stderr)
        self.assertIn("hint:", done.stderr)
        self.assertEqual([path for path in folder.rglob("*") if path.is_file()], [])


class PullAndPush(Bench):
    """Bases that are handed on as they are."""

    PUSH = """
image_push(
    name = "push_base",
    image = "@base",
    registry = "localhost:5000",
    repository = "demo/handed_on",
    tag = "latest",
)

image_index(
    name = "again",
    manifests = ["@base"],
    platforms = [":linux_amd64"],
)

image_push(
    name = "push_again",
    image = ":again",
    registry = "localhost:5000",
    repository = "demo/again",
    tag = "latest",
)
"""

    def test_a_base_is_pushed_unchanged(self):
        registry = self.server(servers.OurRegistry(self.folder))
        other = self.server(servers.OurRegistry(self.folder / "other"))
        index = judges.manifest(f"{registry.host}/demo/base@{push_base(self.folder, registry)}")
        index["annotations"] = {"org.opencontainers.image.title": "Größe ≠ 日本"}
        for child in index["manifests"]:
            child["annotations"] = {"note": "ünïcödé"}
        single = judges.manifest(f"{registry.host}/demo/base@{index['manifests'][0]['digest']}")
        single["annotations"] = {"note": "ünïcödé"}
        for name, document in (("index", index), ("single", single)):
            with self.subTest(name):
                digest = judges.put_manifest(registry.url, "demo/base", name, document)
                quickstart = self.workspace("quickstart", registry, digest, folder=self.folder / name)
                build = quickstart.path / "BUILD.bazel"
                build.write_text(build.read_text() + self.PUSH)
                quickstart.run_target("//:push_base", "--registry", other.host)
                self.assertEqual(judges.digest(f"{other.host}/demo/handed_on:latest"), digest)
                judges.validate(f"{other.host}/demo/handed_on:latest")
                written = "".join(path.read_text() for path in quickstart.external("base").glob("descriptors/sha256/*.json"))
                self.assertEqual(written.count("ünïcödé"), 2 if name == "index" else 0, written)

        # A pulled manifest may be one of several in an index.
        quickstart.run_target("//:push_again", "--registry", other.host)
        child, = judges.manifest(f"{other.host}/demo/again:latest")["manifests"]
        self.assertEqual((child["digest"], child["platform"]), (digest, {"architecture": "amd64", "os": "linux"}))


class WrongPull(Bench):
    """What Bazel's user reads when a pull cannot work."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = cls.server(servers.OurRegistry(cls.folder))
        cls.base = push_base(cls.folder, cls.registry)
        cls.quickstart = cls.workspace("quickstart", cls.registry, cls.base)

    def build(self, *edits, file="MODULE.bazel"):
        """Builds the quickstart, changed for this test alone by pairs of a pattern and its replacement; returns what Bazel said."""
        path = self.quickstart.path / file
        self.addCleanup(path.write_text, path.read_text())
        for pattern, replacement in edits:
            self.quickstart.edit(file, pattern, replacement)
        return self.quickstart.build("//:image", expect="failure").stderr

    def test_a_tag_without_a_digest(self):
        said = self.build((r'    digest = "[^"]+",\n', ""))
        self.assertIn(f'digest = "{self.base}"', said)

    def test_an_index_without_the_platform(self):
        said = self.build(("@platforms//cpu:aarch64", "@platforms//cpu:s390x"), file="BUILD.bazel")
        for word in ("//:app", "target platform (//:linux_arm64)", "image_only_for/linux_amd64,linux_arm64"):
            self.assertIn(word, said)

    def test_an_unknown_repository(self):
        said = self.build((r'repository = "demo/base"', 'repository = "demo/nothing"'))
        self.assertIn("demo/nothing", said)
        self.assertIn("hint:", said)

    def test_no_registry_there(self):
        said = self.build((r'registry = "[^"]+"', f'registry = "localhost:{process.free_port()}"'))
        self.assertIn("refused", said)
        self.assertIn("hint:", said)

    def test_an_artifact(self):
        file = self.folder / "chart.txt"
        file.write_text("no image\n")
        process.run(["oras", "push", "--plain-http", f"{self.registry.host}/demo/chart:1", "chart.txt:text/plain"], cwd=self.folder)
        digest = judges.digest(f"{self.registry.host}/demo/chart:1")
        said = self.build((self.base, digest), (r'repository = "demo/base"', 'repository = "demo/chart"'))
        self.assertIn("is an artifact", said)
