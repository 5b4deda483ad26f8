"""The strategy `bes`: `bazel build` alone has an image in the registry, and no machine but the cache and the registry has its layers."""

import concurrent.futures
import hashlib
import subprocess
import time

from harness import judges, process, remote, servers
from harness.bench import Bench, push_base

BES = "--@rules_img//img/settings:push_strategy=bes"
STANDALONE, WITH_BASE = "//:push_standalone", "//:push_with_runfiles"


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Bes(Bench):
    """A program, alone and on a base, built into BuildGrid's storage."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = cls.server(servers.DockerRegistry(cls.folder))
        cls.base = push_base(cls.folder, cls.registry)
        cls.cc = cls.workspace("cc", cls.registry, cls.base)
        cls.cache = cls.server(remote.RemoteCache(cls.folder / "cache"))
        cls.bes = cls.server(servers.BuildEventService(cls.folder / "bes", cls.cache))

    def layers(self, repository, tag):
        """Digests of the layers of what was pushed, without their algorithm."""
        manifest = judges.manifest(f"{self.registry.host}/{repository}:{tag}")
        return {layer["digest"].removeprefix("sha256:") for layer in manifest["layers"]}

    def copies(self, layers):
        """Files with these digests among all that Bazel keeps of this workspace's build, runfiles included."""
        folder = (self.cc.path / "bazel-out").resolve()
        return [path for path in folder.rglob("*") if path.is_file() and sha256(path) in layers]

    def fresh(self, text):
        """Changes what is in the images, so that they are pushed again."""
        self.cc.bazel("clean")
        (self.cc.path / "config.txt").write_text(text)
        (self.cc.path / "data/name.txt").write_text(text)

    def start(self, *words):
        """A build that goes on while the test does something."""
        command = ["bazel", "build", f"--repo_env=RULES_IMG_TOOLS_DIR={self.cc.tools_dir}", "--color=no", "--curses=no", BES, *words]
        return subprocess.Popen(list(map(str, command)), cwd=self.cc.path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def finish(self, build):
        output, _ = build.communicate(timeout=300)
        self.assertEqual(build.returncode, 0, output)
        return output

    def test_a_build_pushes(self):
        self.fresh("a build pushes\n")
        flags = [BES, *self.cache.flags, *self.bes.flags]
        self.cc.build(*flags, "--remote_download_minimal", STANDALONE, WITH_BASE)
        for name, tag in (("standalone", "1.0"), ("standalone", "latest"), ("with_runfiles", "latest")):
            judges.validate(f"{self.registry.host}/cc/{name}:{tag}")
        self.assertEqual(self.layers("cc/with_runfiles", "latest") & self.layers("demo/base", "1.0@" + self.child()),
                         self.layers("demo/base", "1.0@" + self.child()))

        # The results come from the cache now; Bazel's default is to download what is asked for, which layers are not.
        self.cc.bazel("clean")
        self.cc.build(*flags, STANDALONE)
        self.assertTrue(self.cc.output("push_standalone.json").is_file())
        self.assertEqual(self.copies(self.layers("cc/standalone", "1.0")), [])
        self.bes.says("unchanged")

        # The program only looks.
        done = self.cc.bazel("run", *flags, "--remote_download_minimal", STANDALONE)
        digest = judges.digest(f"{self.registry.host}/cc/standalone:1.0")
        self.assertEqual(done.stdout.splitlines(), [f"{self.registry.host}/cc/standalone@{digest}",
                                                    f"{self.registry.host}/cc/standalone:1.0", f"{self.registry.host}/cc/standalone:latest"])

    def child(self):
        """The digest of the base's image for this machine."""
        index = judges.manifest(f"{self.registry.host}/demo/base:1.0")
        return next(child["digest"] for child in index["manifests"] if child["platform"]["architecture"] == "amd64")

    def test_the_output_group_does_as_well(self):
        self.fresh("the output group\n")
        self.cc.build(BES, *self.cache.flags, *self.bes.flags, "--output_groups=+deploy_manifest", STANDALONE)
        judges.validate(f"{self.registry.host}/cc/standalone:1.0")
        self.assertEqual(self.pushed_config(), "the output group\n")

    def pushed_config(self):
        """The content of a file in what was pushed."""
        return process.run(["sh", "-c", f"crane export --insecure {self.registry.host}/cc/standalone:1.0 - | "
                                        "tar --extract --to-stdout --file - etc/standalone/config.txt"]).stdout

    def test_remote_execution(self):
        execution = self.server(remote.RemoteExecution(self.folder / "execution", hidden=[self.folder]))
        bes = self.server(servers.BuildEventService(self.folder / "bes-execution", execution))
        self.fresh("remote execution\n")
        self.cc.build(BES, *execution.flags, *bes.flags, "--remote_download_minimal", STANDALONE)
        judges.validate(f"{self.registry.host}/cc/standalone:1.0")
        self.assertEqual(self.pushed_config(), "remote execution\n")
        self.assertEqual(self.copies(self.layers("cc/standalone", "1.0")), [])

    def test_buildbox_as_the_cache(self):
        """Bazel does not take buildbox as a cache, so what it built is brought there from a disk cache."""
        build = self.folder / "disk_cache"
        cache = self.server(remote.Buildbox(self.folder / "buildbox"))
        bes = self.server(servers.BuildEventService(self.folder / "bes-buildbox", cache))
        self.fresh("buildbox\n")
        flags = [BES, f"--disk_cache={build}", "--remote_download_minimal"]
        self.cc.build(*flags, STANDALONE)
        cache.put(*(path for path in (build / "cas").rglob("*") if path.is_file()))
        self.cc.bazel("clean")
        self.cc.build(*flags, *bes.flags, STANDALONE)
        judges.validate(f"{self.registry.host}/cc/standalone:1.0")
        self.assertEqual(self.pushed_config(), "buildbox\n")
        self.assertEqual(self.copies(self.layers("cc/standalone", "1.0")), [])

    def test_encrypted(self):
        # That builds are reported over TLS is tested without Bazel: Debian's Java has no ALPN, which gRPC needs.
        certificate = servers.Certificate(self.folder)
        registry = self.server(servers.OurRegistry(self.folder / "registry-tls", *certificate.flags))
        bes = self.server(servers.BuildEventService(self.folder / "bes-tls", self.cache, env=certificate.trust))
        self.assertTrue(registry.url.startswith("https://"), registry.url)
        self.fresh("encrypted\n")
        self.cc.edit("BUILD.bazel", r'REGISTRY = "[^"]*"', f'REGISTRY = "{registry.host}"')
        self.addCleanup(self.cc.edit, "BUILD.bazel", r'REGISTRY = "[^"]*"', f'REGISTRY = "{self.registry.host}"')
        flags = [BES, *self.cache.flags, *bes.flags, "--remote_download_minimal"]
        self.cc.build(*flags, STANDALONE)
        reference = f"{registry.host}/cc/standalone:1.0"
        process.run(["crane", "validate", "--remote", reference], env=certificate.trust)
        process.run(["crane", "digest", reference], expect="failure")
        # The program compares over TLS, too.
        done = self.cc.bazel("run", *flags, STANDALONE, env=certificate.trust)
        self.assertIn(reference, done.stdout.splitlines())

    def test_killed_while_it_pushes(self):
        proxy = self.server(servers.CountingProxy(self.folder, self.registry, latency_ms=400, name="slow"))
        bes = servers.BuildEventService(self.folder / "bes-killed", self.cache)
        self.fresh("killed\n")
        build = self.start(*self.cache.flags, *bes.flags, *self.through(proxy))
        self.wait_for(lambda: any(request["method"] == "PUT" for request in proxy.requests()))
        bes.kill()
        again = self.server(servers.BuildEventService(self.folder / "bes-killed-again", self.cache, port=bes.port))
        self.finish(build)
        again.says("1 pushed, 0 failed")
        judges.validate(f"{self.registry.host}/cc/standalone:1.0")
        self.assertEqual(self.pushed_config(), "killed\n")

    def through(self, proxy):
        """What to build so that the push goes through a proxy."""
        self.cc.edit("BUILD.bazel", r'REGISTRY = "[^"]*"', f'REGISTRY = "{proxy.host}"')
        self.addCleanup(self.cc.edit, "BUILD.bazel", r'REGISTRY = "[^"]*"', f'REGISTRY = "{self.registry.host}"')
        return [STANDALONE]

    def wait_for(self, is_so):
        deadline = time.monotonic() + 120
        while not is_so():
            self.assertLess(time.monotonic(), deadline, "waited in vain")
            time.sleep(0.02)

    def test_restarted_while_a_build_goes_on(self):
        bes = servers.BuildEventService(self.folder / "bes-restarted", self.cache)
        self.fresh("restarted\n")
        gate = self.folder / "gate"
        (self.cc.path / "late").mkdir(exist_ok=True)
        (self.cc.path / "late/BUILD.bazel").write_text(
            f'genrule(name = "late", outs = ["late.txt"], cmd = "while ! test -e {gate}; do sleep 0.1; done; echo > $@", local = True)\n')
        self.addCleanup(gate.touch)
        # A layer may want all processors, of which the waiting action has one.
        build = self.start(*self.cache.flags, *bes.flags, "--local_resources=cpu=8", STANDALONE, "//late")
        bes.says("pushed ")
        bes.stop()
        again = self.server(servers.BuildEventService(self.folder / "bes-restarted-again", self.cache, port=bes.port))
        gate.touch()
        self.finish(build)
        again.says("done: 1 pushed, 0 failed")
        self.assertEqual(self.pushed_config(), "restarted\n")

    def test_two_builds_at_once(self):
        self.fresh("two builds\n")
        other = self.workspace("cc", self.registry, self.base, folder=self.folder / "other", replace={"cc/standalone": "other/standalone"})
        flags = [BES, *self.cache.flags, *self.bes.flags]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for build in [pool.submit(self.cc.build, *flags, STANDALONE, WITH_BASE), pool.submit(other.build, *flags, STANDALONE)]:
                build.result()
        self.assertEqual(self.pushed_config(), "two builds\n")
        judges.validate(f"{self.registry.host}/other/standalone:1.0")
        judges.validate(f"{self.registry.host}/cc/with_runfiles:latest")

    def test_a_push_that_fails_is_reported(self):
        self.fresh("a push that fails\n")
        nobody = f"localhost:{process.free_port()}"
        self.cc.edit("BUILD.bazel", r'registry = REGISTRY,\n    repository = "cc/with_runfiles"',
                     f'registry = "{nobody}",\n    repository = "cc/with_runfiles"')
        self.addCleanup(self.cc.edit, "BUILD.bazel", rf'registry = "{nobody}"', "registry = REGISTRY")
        done = self.cc.build(BES, *self.cache.flags, *self.bes.flags, STANDALONE, WITH_BASE, expect="failure")
        self.assertRegex(done.stderr, r"The Build Event Protocol upload failed: .*failed to push `//:push_with_runfiles`: ")
        self.assertIn(nobody, done.stderr)
        self.assertNotIn("push_standalone`", done.stderr.split("Build Event Protocol upload failed", 1)[1])
        self.assertEqual(self.pushed_config(), "a push that fails\n")

        # Without the service nobody pushes, and the program says so.
        self.fresh("nobody pushes\n")
        done = self.cc.bazel("run", BES, *self.cache.flags, STANDALONE, "--", "--wait", "1", expect=1)
        self.assertRegex(done.stderr, r"`localhost:\d+/cc/standalone:1.0` is `sha256:\w+` and not `sha256:\w+` after 1 seconds\nhint: ")
        self.assertIn("--bes_backend", done.stderr)
