"""Pushing to Debian's docker-registry: what arrives, what moves the second time, and what a dry run leaves alone."""

import json

from harness import judges, servers
from harness.bench import Bench, push_base


class Push(Bench):
    """A program on no base, one on a shallow base, and an index, all in one registry."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = cls.server(servers.DockerRegistry(cls.folder))
        cls.base = push_base(cls.folder, cls.registry)
        cls.proxy = cls.server(servers.CountingProxy(cls.folder, cls.registry))
        cls.cc = cls.workspace("cc", cls.registry, cls.base)

    def push(self, target, *words):
        """Runs a push through the counting proxy; returns the process and the requests that it made."""
        mark = len(self.proxy.requests())
        done = self.cc.run_target(target, "--registry", self.proxy.host, *words)
        return done, [request for request in self.proxy.since(mark) if request["path"] != "/v2/"]

    def name(self, repository):
        return f"{self.registry.host}/{repository}"

    def test_single_image(self):
        done, _ = self.push("//:push_standalone")
        digest = judges.digest(self.name("cc/standalone:1.0"))
        self.assertEqual(done.stdout.splitlines(), [
            f"{self.proxy.host}/cc/standalone@{digest}",
            f"{self.proxy.host}/cc/standalone:1.0",
            f"{self.proxy.host}/cc/standalone:latest",
        ])
        self.assertEqual(judges.digest(self.name("cc/standalone:latest")), digest)
        judges.validate(self.name("cc/standalone:1.0"))

        config = judges.config(self.name("cc/standalone:1.0"))
        self.assertEqual(config["config"]["Entrypoint"], ["/usr/bin/standalone"])
        self.assertEqual(config["config"]["User"], "1000:1000")
        self.assertEqual(config["config"]["Labels"], {"org.opencontainers.image.title": "standalone"})
        self.assertEqual((config["os"], config["architecture"]), ("linux", "amd64"))
        self.assertEqual([entry["created_by"] for entry in config["history"]],
                         ["bazel build //:standalone_layer", "bazel build //:config_layer"])
        self.assertEqual(len(config["rootfs"]["diff_ids"]), 2)

    def test_unpacks(self):
        self.push("//:push_standalone")
        root = judges.umoci_unpack(self.name("cc/standalone:1.0"), self.folder)
        file = root / "etc/standalone/config.txt"
        self.assertEqual(file.read_text(), (self.cc.path / "config.txt").read_text())
        self.assertEqual((file.stat().st_mode & 0o7777, file.stat().st_uid, file.stat().st_gid), (0o440, 1000, 1000))
        self.assertEqual((root / "etc/standalone.conf").readlink().as_posix(), "standalone/config.txt")
        self.assertEqual((root / "usr/bin/standalone").stat().st_mode & 0o7777, 0o755)

    def test_copies_to_another_registry(self):
        self.push("//:push_config")
        other = self.server(servers.OurRegistry(self.folder))
        source, copy = self.name("cc/config:latest"), f"{other.host}/copied/config:latest"
        judges.skopeo_copy(f"docker://{source}", f"docker://{copy}")
        self.assertEqual(judges.digest(copy), judges.digest(source))
        judges.validate(copy)

    def test_second_push_asks_once(self):
        self.push("//:push_standalone")
        done, requests = self.push("//:push_standalone")
        self.assertIn("unchanged", done.stderr)
        self.assertEqual(sorted((request["method"], request["path"]) for request in requests),
                         [("HEAD", "/v2/cc/standalone/manifests/1.0"), ("HEAD", "/v2/cc/standalone/manifests/latest")])

    def test_one_change_moves_one_layer(self):
        self.push("//:push_with_runfiles")
        name = self.cc.path / "data/name.txt"
        name.write_text(name.read_text().strip() + " and everyone\n")
        before = judges.manifest(self.name("cc/with_runfiles:latest"))
        done, requests = self.push("//:push_with_runfiles", "--json")
        after = judges.manifest(self.name("cc/with_runfiles:latest"))
        changed = [layer for layer in after["layers"] if layer not in before["layers"]]
        self.assertEqual(len(changed), 1)
        report = json.loads(done.stdout)["pushes"]["//:push_with_runfiles"]
        self.assertEqual(report["uploaded"], {"blobs": 2, "bytes": changed[0]["size"] + after["config"]["size"]})
        # docker-registry takes a mount of what it has for a mount.
        self.assertEqual(report["mounted"]["blobs"] + report["present"]["blobs"], len(after["layers"]) - 1)
        sent = sum(request["request_bytes"] for request in requests if request["method"] in ("PUT", "PATCH"))
        manifest = len(judges.crane("manifest", "--insecure", self.name("cc/with_runfiles:latest")).strip())
        self.assertAlmostEqual(sent, report["uploaded"]["bytes"] + manifest, delta=16)

    def test_base_layers_are_mounted(self):
        # Not through the proxy: a registry is known by its name, and the base was pulled under this one.
        done = self.cc.run_target("//:push_config", "--repository", "cc/fresh", "--json")
        base = judges.manifest(f"{self.registry.host}/demo/base@{self.base}")
        layers = {layer["digest"] for child in base["manifests"]
                  for layer in judges.manifest(f"{self.registry.host}/demo/base@{child['digest']}")["layers"]}
        report = json.loads(done.stdout)["pushes"]["//:push_config"]
        self.assertEqual(report["mounted"]["blobs"], len(layers))
        # Of what was sent, two are configs and one is the layer that both platforms share.
        self.assertEqual(report["uploaded"]["blobs"], 3)
        judges.validate(self.name("cc/fresh:latest"))

    def test_index(self):
        self.push("//:push_config")
        tags = (self.cc.path / "tags.txt").read_text().split()
        for tag in tags:
            judges.validate(self.name(f"cc/config:{tag}"))
        index = judges.manifest(self.name(f"cc/config:{tags[0]}"))
        self.assertEqual(index["annotations"], {"org.opencontainers.image.title": "config"})
        self.assertEqual([child["platform"] for child in index["manifests"]],
                         [{"architecture": "amd64", "os": "linux"}, {"architecture": "arm64", "os": "linux", "variant": "v8"}])
        child = judges.manifest(self.name(f"cc/config@{index['manifests'][0]['digest']}"))
        self.assertEqual(child["annotations"]["org.opencontainers.image.base.name"], f"{self.registry.host}/demo/base:1.0")
        base = judges.manifest(f"{self.registry.host}/demo/base@{self.base}")
        self.assertEqual(child["annotations"]["org.opencontainers.image.base.digest"], base["manifests"][0]["digest"])

    def test_base_from_another_registry(self):
        other = self.server(servers.OurRegistry(self.folder / "other"))
        self.cc.run_target("//:push_config", "--registry", other.host)
        judges.validate(f"{other.host}/cc/config:latest")

    def test_dry_run_changes_nothing(self):
        done, requests = self.push("//:push_standalone", "--repository", "cc/never", "--dry-run")
        self.assertEqual({request["method"] for request in requests}, {"HEAD"})
        self.assertIn("would push", done.stderr)
        self.assertEqual(done.stdout, "")
        judges.crane("manifest", "--insecure", self.name("cc/never:1.0"), expect="failure")
