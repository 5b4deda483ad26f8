"""The same inputs give the same digest, however, wherever and however often they are built."""

import json
import os
import pathlib
import re

from harness import remote, servers
from harness.bench import Bench, push_base

IMAGES = ["standalone_image", "with_runfiles_image", "config_index"]


class Determinism(Bench):
    """One workspace in two folders."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = cls.server(servers.OurRegistry(cls.folder))
        cls.base = push_base(cls.folder, cls.registry)
        cls.first = cls.workspace("cc", cls.registry, cls.base, folder=cls.folder / "first")
        cls.second = cls.workspace("cc", cls.registry, cls.base, folder=cls.folder / "second" / "deeper")
        cls.expected, _ = cls.digests(cls.first)

    @staticmethod
    def digests(workspace, *flags, **options):
        """The digests of all images of a workspace, and which kinds of processes Bazel says it ran."""
        done = workspace.build(*(f"//:{name}" for name in IMAGES), "--output_groups=+digest", *flags, **options)
        ran = re.search(r"^INFO: \d+ process(?:es)?: (.*)\.$", done.stderr, re.MULTILINE)
        kinds = {word.split(" ", 1)[1] for word in ran[1].split(", ")} if ran else set()
        return {name: workspace.output(f"{name}_digest").read_text() for name in IMAGES}, kinds

    def assert_same(self, workspace, *flags, why, **options):
        """The digests are those of the first build; returns the kinds of processes."""
        digests, kinds = self.digests(workspace, *flags, **options)
        self.assertEqual(digests, self.expected, why)
        return kinds

    def test_jobs_and_repetition(self):
        self.assert_same(self.first, "--jobs=1", why="with --jobs=1")
        self.first.bazel("clean")
        self.assert_same(self.first, why="after bazel clean")
        jobs = "--@rules_img//img/settings:compression_jobs="
        self.assert_same(self.first, f"{jobs}1", why="with one compression job")
        self.assert_same(self.first, f"{jobs}3", why="with three compression jobs")

    def test_folder_times_permissions_and_locale(self):
        for number, path in enumerate(sorted(self.second.path.iterdir())):
            if path.is_file():
                os.utime(path, (number, 1_000_000_000 + number))
                path.chmod(0o600)
        umask = os.umask(0o077)
        self.addCleanup(os.umask, umask)
        environment = dict(os.environ, TZ="Asia/Kathmandu", LC_ALL="C", LANG="tr_TR.UTF-8")
        self.assert_same(self.second, env=environment, why="in another folder, with other times, permissions and time zone")

    def test_strategies(self):
        # Bazel maps paths only where it makes the folder that an action runs in.
        for strategy, kind, paths in (("local", "local", "off"), ("sandboxed", "sandbox", "strip")):
            self.first.bazel("clean")
            kinds = self.assert_same(self.first, f"--spawn_strategy={strategy}", f"--experimental_output_paths={paths}", why=strategy)
            self.assertTrue(any(kind in word for word in kinds), f"{strategy}: {kinds}")

    def test_remote_execution(self):
        outputs = pathlib.Path(self.first.bazel("info", "output_base").stdout.strip()).parent
        execution = self.server(remote.RemoteExecution(self.folder / "execution", hidden=[self.folder, outputs]))
        self.first.bazel("clean")
        kinds = self.assert_same(self.first, *execution.flags, "--remote_download_minimal", "--remote_download_regex=.*_digest$",
                                 why="on a remote worker")
        # With mapped paths the actions of two platforms are one, and the second finds the result of the first.
        self.assertEqual(kinds - {"remote cache hit"}, {"internal", "remote"})
        layers = [path.name for path in self.first.output("").glob("*_layer.t*z*")]
        self.assertEqual(layers, [], "layers were downloaded")

    def test_remote_cache(self):
        cache = self.server(remote.RemoteCache(self.folder / "cache"))
        for workspace in (self.first, self.second):
            workspace.bazel("clean")
        self.assert_same(self.first, *cache.flags, why="with an empty cache")
        kinds = self.assert_same(self.second, *cache.flags, why="from the cache, in another folder")
        self.assertEqual(kinds, {"internal", "remote cache hit"})

    def test_platforms_share_layers(self):
        """A layer of files that are the same for two platforms is one action, though Bazel keeps one of its files for each platform."""
        log = self.folder / "execution.json"
        self.first.bazel("clean")
        self.first.build("//:config_index", "--jobs=1", f"--disk_cache={self.folder / 'cache'}", f"--execution_log_json_file={log}")
        layers = [spawn for spawn in documents(log.read_text()) if spawn["mnemonic"] == "LayerTar"]
        self.assertEqual([layer["targetLabel"] for layer in layers], ["//:config_layer"] * 2)
        self.assertEqual(layers[0]["commandArgs"], layers[1]["commandArgs"])
        self.assertEqual(sorted(layer["cacheHit"] for layer in layers), [False, True])


def documents(text):
    """JSON documents that follow each other."""
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        text = text[end:]
        yield document
