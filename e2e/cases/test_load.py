"""Loading: `bazel run` brings an image into containerd, docker and podman, which then run it."""

import os
import random
import shutil

from harness import judges, process, servers
from harness.bench import Bench, push_base
from harness.podman import Podman
from harness.root_filesystem import smallest

NAME = "demo/hello:latest"
BASE_SIZE = 10 << 20
DATA_SIZE = 8 << 20
SETTING = "--@rules_img//img/settings:"


class Loading(Bench):
    """The workspace e2e/load, on a base whose layers stay in the registry until a runtime lacks them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = cls.server(servers.OurRegistry(cls.folder))
        base = push_base(cls.folder, cls.registry, size=BASE_SIZE, rootfs=smallest(cls.folder))
        cls.load = cls.workspace("load", cls.registry, base)

    def run_load(self, target, *words, flags=(), env=None, expect=0):
        """`bazel run`; returns the process, and the bytes of layers that the registry sent meanwhile."""
        self.load.build(*flags, target)
        mark = len(self.registry.requests())
        done = self.load.bazel("run", *flags, target, *(["--", *words] if words else []), expect=expect,
                               env={**os.environ, **(env or {})})
        requests = self.registry.requests()[mark:]
        return done, sum(request["sent"] for request in requests if request["method"] == "GET" and "/blobs/" in request["path"])

    def digest(self, target):
        """Digest of what an image target makes."""
        self.load.build(target, "--output_groups=digest")
        file, = self.load.files(target, "digest")
        return file.read_text().strip()

    def edit_data(self, seed):
        """Another data layer, which does not compress to less than half; returns what the program says then."""
        text = random.Random(seed).randbytes(DATA_SIZE).hex()[:DATA_SIZE]
        (self.load.path / "data.txt").write_text(text + "\n")
        return f"Hello, {text}\n"

    def in_containerd(self, containerd, reference):
        """What an image in docker's namespace of a containerd prints."""
        self.number = getattr(self, "number", 0) + 1
        name = f"rules_img-load-{os.getpid()}-{self.number}"
        return containerd.ctr("-n", "moby", "run", "--rm", reference, name).stdout

    def test_containerd(self):
        containerd = self.server(servers.Containerd(self.folder))
        flags = [SETTING + "load_daemon=containerd"]
        env = {"CONTAINERD_ADDRESS": str(containerd.socket)}
        said = self.edit_data(1)

        dry, sent = self.run_load("//:load", "--dry-run", flags=flags, env=env)
        self.assertEqual((dry.stdout, sent), ("", 0))
        self.assertRegex(dry.stderr, f"would load {NAME} into containerd: 0 blobs already there, [0-9]+ to send")
        self.assertEqual(containerd.ctr("-n", "moby", "images", "list", "--quiet").stdout, "")

        # The index, and of its images that for this machine alone.
        done, sent = self.run_load("//:load", flags=flags, env=env)
        digest = self.digest("//:image")
        self.assertEqual(done.stdout.splitlines(), [digest, NAME])
        self.assertGreater(sent, BASE_SIZE)
        self.assertIn(digest, containerd.ctr("-n", "moby", "images", "list").stdout)
        self.assertEqual(self.in_containerd(containerd, NAME), said)

        # Again: nothing moves.
        again, sent = self.run_load("//:load", flags=flags, env=env)
        self.assertEqual(sent, 0)
        self.assertRegex(again.stderr, f"unchanged {NAME}: containerd has it already")

        # One layer changed: that layer and documents.
        said = self.edit_data(2)
        changed, sent = self.run_load("//:load", flags=flags, env=env)
        self.assertEqual(sent, 0)
        self.assertRegex(changed.stderr, f"loaded {NAME} into containerd: [0-9]+ blobs already there, 2 sent")
        self.assertEqual(self.in_containerd(containerd, NAME), said)

        # All platforms, more names, and another registry in a name of parts.
        everything, sent = self.run_load("//:load", "--platform", "all", "--tag", "other/name:2", flags=flags, env=env)
        self.assertEqual(everything.stdout.splitlines(), [self.digest("//:image"), NAME, "other/name:2"])
        self.assertGreater(sent, 0, "the layer that the base has for the other platform alone")
        self.assertRegex(everything.stderr, "blobs already there, 2 sent")
        checked = containerd.ctr("-n", "moby", "images", "check").stdout
        self.assertEqual(checked.count("complete"), 2, checked)
        parts, sent = self.run_load("//:load_app", "--registry", "localhost:5000", flags=flags, env=env)
        names = ["localhost:5000/demo/app:app", "localhost:5000/demo/app:v1"]
        self.assertEqual((parts.stdout.splitlines()[1:], sent), (names, 0))

        # The base as it was pulled: all of it is there already.
        base, sent = self.run_load("@base//:load", flags=flags, env=env)
        self.assertEqual((base.stdout.splitlines()[1:], sent), ([f"{self.registry.host}/demo/base:1.0"], 0))

        # The collector of garbage takes nothing that is needed.
        containerd.ctr("-n", "moby", "content", "prune", "references")
        self.assertEqual(self.in_containerd(containerd, names[0]), said)

    def test_docker_with_images_in_containerd(self):
        folder = self.folder / "docker-containerd"
        folder.mkdir()
        docker = self.server(servers.Docker(folder, {"containerd-snapshotter": True}))
        env = {"DOCKER_HOST": f"unix://{docker.socket}"}
        said = self.edit_data(3)
        done, sent = self.run_load("//:load", env=env)
        digest = self.digest("//:image")
        self.assertEqual(done.stdout.splitlines(), [digest, NAME])
        self.assertGreater(sent, BASE_SIZE)
        self.assertRegex(done.stderr, f"loaded {NAME} into docker's containerd: 0 blobs already there")
        # Docker finds it under the name that was typed, and with the digest that a registry would show.
        self.assertEqual(docker.run("image", "inspect", "--format={{.Id}}", NAME).stdout.strip(), digest)
        self.assertEqual(docker.run("run", "--rm", "--network=none", NAME).stdout, said)
        again, sent = self.run_load("//:load", env=env)
        self.assertRegex(again.stderr, f"unchanged {NAME}: docker's containerd has it already")

        # An archive made by the build, under the name that was typed.
        shutil.copy("/bin/busybox", self.load.path / "sh")
        self.load.build("//:load_standalone", "--output_groups=tarball")
        docker.run("image", "load", "--input", self.load.output("load_standalone_docker.tar"))
        self.assertEqual(docker.run("run", "--rm", "--network=none", "demo/standalone:latest").stdout, "standalone\n")

        # A containerd that is not docker's: nobody would find the image there.
        containerd = self.server(servers.Containerd(folder))
        said = self.edit_data(4)
        elsewhere, _ = self.run_load("//:load", env={**env, "CONTAINERD_ADDRESS": str(containerd.socket)})
        self.assertIn("docker does not see what is in the containerd", elsewhere.stderr)
        self.assertEqual(docker.run("run", "--rm", "--network=none", NAME).stdout, said)
        # Nothing is sent for an image that docker has, though its containerd cannot be asked.
        again, _ = self.run_load("//:load", env={**env, "CONTAINERD_ADDRESS": str(folder / "nobody.sock")})
        self.assertRegex(again.stderr, f"unchanged {NAME}: docker has it already")

    def test_docker_with_a_store_of_its_own(self):
        folder = self.folder / "docker-own"
        folder.mkdir()
        docker = self.server(servers.Docker(folder, {"containerd-snapshotter": False}))
        env = {"DOCKER_HOST": f"unix://{docker.socket}"}
        said = self.edit_data(5)
        done, sent = self.run_load("//:load", env=env)
        self.assertGreater(sent, BASE_SIZE)
        self.assertRegex(done.stderr, "docker does not keep its images in containerd")
        self.assertRegex(done.stderr, f"loaded {NAME} into docker: 0 blobs already there, [0-9]+ sent")
        self.assertEqual(docker.run("run", "--rm", "--network=none", NAME).stdout, said)

        # Another script on the same data: neither the base nor the data is read or sent again.
        self.load.edit("hello.sh", "Hello", "Goodbye")
        changed, sent = self.run_load("//:load", env=env)
        self.assertEqual(sent, 0)
        self.assertRegex(changed.stderr, f"loaded {NAME} into docker: [0-9]+ blobs already there, 2 sent")
        self.assertEqual(docker.run("run", "--rm", "--network=none", NAME).stdout, said.replace("Hello", "Goodbye"))
        self.load.edit("hello.sh", "Goodbye", "Hello")

        again, _ = self.run_load("//:load", "--tag", "other:1", env=env)
        self.assertEqual(docker.run("run", "--rm", "--network=none", "other:1").stdout, said)
        self.assertEqual(again.stdout.splitlines()[1:], [NAME, "other:1"])

        # Everything that a target, its image and a push say, at once.
        _, sent = self.run_load("//:deploy", env=env)
        self.assertEqual(docker.run("run", "--rm", "--network=none", "specs/app").stdout, said)
        self.assertEqual(judges.digest(f"{self.registry.host}/demo/hello:latest"), self.digest("//:image"))

    def test_podman(self):
        podman = self.server(Podman(self.folder / "podman"))
        flags = [SETTING + "load_daemon=podman"]
        said = self.edit_data(6)
        done, sent = self.run_load("//:load", flags=flags, env=podman.environment)
        self.assertGreater(sent, BASE_SIZE)
        self.assertRegex(done.stderr, f"loaded {NAME} into podman")
        self.assertEqual(podman.run(f"localhost/{NAME}"), said)
        # podman, too, takes an archive without the layers that it has.
        said = self.edit_data(7)
        changed, sent = self.run_load("//:load", flags=flags, env=podman.environment)
        self.assertEqual(sent, 0)
        self.assertRegex(changed.stderr, f"loaded {NAME} into podman: [0-9]+ blobs already there, 3 sent")
        self.assertEqual(podman.run(f"localhost/{NAME}"), said)

        # The very image only gets the names that it lacks.
        again, _ = self.run_load("//:load", flags=flags, env=podman.environment)
        self.assertRegex(again.stderr, f"unchanged {NAME}: podman has it already")
        named, _ = self.run_load("//:load", "--tag", "other:1", "--tag", "ghcr.io/other/app:2", flags=flags, env=podman.environment)
        self.assertRegex(named.stderr, "into podman: [0-9]+ blobs already there, 0 sent")
        self.assertEqual(podman.run("localhost/other:1"), said)
        self.assertEqual(podman.run("ghcr.io/other/app:2"), said)

    def test_archives(self):
        """On the standard output, into a program of one's own, and as an output of the build: the same image."""
        said = self.edit_data(8)
        docker_folder = self.folder / "docker-archives"
        docker_folder.mkdir()
        docker = self.server(servers.Docker(docker_folder, {"containerd-snapshotter": False}))
        program = self.folder / "loader"
        archive = self.folder / "archive.tar"
        program.write_text(f'#!/bin/sh\necho "$@"\nexec cat > {archive}\n')
        program.chmod(0o755)
        done, _ = self.run_load("//:load_app", flags=[SETTING + "load_daemon=generic"], env={"LOADER_BINARY": str(program)})
        self.assertEqual(done.stdout.splitlines()[1:], ["ghcr.io/demo/app:app", "ghcr.io/demo/app:v1"])
        # Bazel's own standard output is text here, so a shell takes the archive.
        piped = self.folder / "piped.tar"
        command = f"bazel run --repo_env=RULES_IMG_TOOLS_DIR={self.load.tools_dir} {SETTING}load_daemon=tar //:load_app > {piped}"
        process.run(["sh", "-c", command], cwd=self.load.path)
        self.assertEqual(piped.read_bytes(), archive.read_bytes())
        docker.run("image", "load", "--input", piped)
        self.assertEqual(docker.run("run", "--rm", "--network=none", "ghcr.io/demo/app:v1").stdout, said)

    def test_what_cannot_be_loaded(self):
        flags = [SETTING + "load_daemon=containerd"]
        nobody = {"CONTAINERD_ADDRESS": str(self.folder / "nobody.sock")}
        failed, _ = self.run_load("//:load", flags=flags, env=nobody, expect=1)
        self.assertRegex(failed.stderr, r"error: failed to load `//:load`: no containerd answers: `\S*nobody.sock`")
        wrong, _ = self.run_load("//:load", "--platform", "linux/s390x", flags=flags, env=nobody, expect=2)
        self.assertIn("the image is not for `linux/s390x`; it is for `linux/amd64`, `linux/arm64/v8`", wrong.stderr)
        wrong, _ = self.run_load("//:load_app", "--platform", "linux/arm64", flags=flags, env=nobody, expect=2)
        self.assertIn("the image is for `linux/amd64` and not for `linux/arm64/v8`", wrong.stderr)
        wrong, _ = self.run_load("//:load", "--tag", "Upper/Case", flags=flags, env=nobody, expect=2)
        self.assertIn("`Upper/Case` cannot be the name of an image", wrong.stderr)
