"""Images in every form in which they can be handed on, judged by tools and daemons that others wrote; and structure tests."""

import json
import tarfile

from harness import process, schemas, servers
from harness.images import SCRATCH, ImagesBench


class Layouts(ImagesBench):
    """Formats in which an image can be handed on."""

    def test_directories(self):
        self.build_groups(SCRATCH, "oci_layout")
        for name in SCRATCH:
            with self.subTest(name):
                layout = self.file(name, "oci_layout")
                schemas.validate(json.loads((layout / "oci-layout").read_text()), "layout")
                schemas.validate(json.loads((layout / "index.json").read_text()), "application/vnd.oci.image.index.v1+json")
                # Both want a name for what they read.
                copy = self.folder / f"{name}-copy"
                process.run(["skopeo", "copy", "--insecure-policy", f"oci:{layout}", f"oci:{copy}:image"])
                process.run(["umoci", "unpack", "--image", f"{copy}:image", self.folder / f"{name}-bundle"])

    def test_an_index_is_the_index_file(self):
        self.build_groups(["platforms"], "oci_layout,oci_tarball,+default")
        layout = self.images.output("platforms_oci_layout")
        self.assertEqual((layout / "index.json").read_bytes(), self.images.output("platforms_index.json").read_bytes()
                         if self.images.output("platforms_index.json").exists() else (layout / "index.json").read_bytes())
        for entry in json.loads((layout / "index.json").read_text())["manifests"]:
            blob = layout / "blobs/sha256" / entry["digest"].removeprefix("sha256:")
            self.assertEqual(len(blob.read_bytes()), entry["size"])
        for position in range(5):
            process.run(["skopeo", "copy", "--insecure-policy", f"oci:{layout}:@{position}", f"oci:{self.folder}/by-position-{position}:x"])

    def test_archives(self):
        self.build_groups(["all_codecs", "platforms"], "oci_tarball,docker_tarball")
        for name in ["all_codecs", "platforms"]:
            archive = self.images.output(f"{name}_oci_layout.tar")
            with tarfile.open(archive) as tar:
                names = tar.getnames()
            self.assertEqual(names[:4], ["blobs", "blobs/sha256", "oci-layout", "index.json"])
            self.assertEqual(names[4:], sorted(names[4:]))
        self.build_groups(["runnable"], "docker_tarball")
        process.run(["crane", "validate", "--tarball", self.images.output("runnable_docker.tar")])
        process.run(["skopeo", "copy", "--insecure-policy", f"oci-archive:{self.images.output('all_codecs_oci_layout.tar')}",
                     f"oci:{self.folder}/from-archive:x"])
        process.run(["skopeo", "inspect", f"docker-archive:{self.images.output('all_codecs_docker.tar')}"])

    def test_sparse(self):
        self.build_groups(["on_base"], "sparse_oci_layout")
        layout = self.images.output("on_base_sparse_oci_layout")
        self.assertFalse((layout / "oci-layout").exists())
        descriptor = json.loads((layout / "root.descriptor.json").read_text())
        schemas.validate(descriptor, "descriptor")
        manifest = json.loads((layout / "blobs/sha256" / descriptor["digest"].removeprefix("sha256:")).read_text())
        for layer in manifest["layers"]:
            said = layout / f"blobs/sha256/{layer['digest'].removeprefix('sha256:')}.descriptor.json"
            self.assertEqual(json.loads(said.read_text()), layer)

    def test_shallow_layouts(self):
        said = self.images.build("//:on_base", "--output_groups=oci_layout", expect="failure").stderr
        self.assertRegex(said, r"error: //:on_base: \d+ of the image's blobs are not part of the build")
        for word in ("hint: a shallow `pull` leaves layers", "--@rules_img//img/settings:shallow_oci_layout=i_know_what_i_am_doing"):
            self.assertIn(word, said)
        self.build_groups(["on_base"], "oci_layout", "--@rules_img//img/settings:shallow_oci_layout=i_know_what_i_am_doing")
        self.assertEqual(len(list((self.images.output("on_base_oci_layout") / "blobs/sha256").iterdir())), 3)

    def test_listings(self):
        self.build_groups(["all_codecs", "on_runnable"], "mtree")
        lines = self.images.output("on_runnable.mtree").read_text().splitlines()
        self.assertEqual(lines[0], "#mtree v2.0")
        paths = [line.split(" ")[0] for line in lines[1:]]
        self.assertIn("./bin/busybox", paths)
        self.assertIn(r"./gr\303\266\303\237e/\346\227\245\346\234\254\350\252\236\040and\040spaces.txt", paths)
        self.assertEqual(len(set(paths)), len(paths))
        stored = "--@rules_img//img/settings:mtree_image_layout=tar"
        self.build_groups(["all_codecs"], "mtree", stored)
        self.assertEqual(self.images.output("all_codecs.mtree").read_text().count("./data/motd.txt"), 3)


class Daemons(ImagesBench):
    """The archives are loaded and run."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.build_groups(["runnable", "platforms", "empty"], "docker_tarball")

    def expected(self):
        """What the image prints."""
        return (self.images.path / "data/motd.txt").read_text() + "hello\n"

    def archives(self):
        """Both kinds of archive."""
        return [self.images.output(f"{name}_docker.tar") for name in ("runnable", "platforms")]

    def test_containerd(self):
        containerd = self.server(servers.Containerd(self.folder))
        for archive in self.archives():
            containerd.ctr("images", "import", archive)
            # containerd completes no name, and docker, which has its images there, asks for none but complete ones.
            name = "docker.io/library/image:latest"
            self.assertEqual(containerd.run(name), self.expected())
            containerd.ctr("images", "rm", "--sync", name)

    def test_docker(self):
        for features in ({}, {"containerd-snapshotter": True}):
            folder = self.folder / f"docker{len(features)}"
            folder.mkdir()
            docker = self.server(servers.Docker(folder, features))
            for archive in self.archives():
                docker.run("load", "--input", archive)
                self.assertEqual(docker.run("run", "--rm", "--network=none", "image:latest").stdout, self.expected())
                docker.run("rmi", "--force", "image:latest")
            self.assertIn("Loaded image: image:latest", docker.run("load", "--input", self.images.output("empty_docker.tar")).stdout)
            docker.stop()

    def test_podman(self):
        podman = ["podman", "--root", self.folder / "podman", "--runroot", self.folder / "podman-run", "--runtime=runc",
                  "--cgroup-manager=cgroupfs"]
        for archive in self.archives():
            process.run([*podman, "load", "--input", archive])
            done = process.run([*podman, "run", "--rm", "--network=none", "image:latest"])
            self.assertEqual(done.stdout, self.expected())
            process.run([*podman, "rmi", "--force", "--all"])
        self.assertIn("image:latest", process.run([*podman, "load", "--input", self.images.output("empty_docker.tar")]).stdout)


class Structure(ImagesBench):
    """Structure tests."""

    def test_pass(self):
        self.images.bazel("test", "//:configured_test", "//:platforms_test", "--test_output=errors")

    def test_layout(self):
        said = self.images.bazel("test", "//:layout_test", "--test_output=all").stdout
        for platform in ("linux/amd64", "linux/arm64/v8"):
            self.assertIn(f"ok      {platform} file /bin/busybox", said)

    def test_fail(self):
        said = self.images.bazel("test", "//:wrong_test", "--test_output=all", expect="failure").stdout
        for line in ("FAILED  linux/amd64 user", "expected `root`, found `1000:1000`", "expected the permissions `-rw-r--r--`, found `-rwxr-xr-x`",
                     "`/data/missing.txt` is not there", "error: 3 of 3 checks failed"):
            self.assertIn(line, said)

    def test_layers_that_nobody_sees(self):
        said = self.images.bazel("test", "//:shallow_test", "--test_output=all", expect="failure").stdout
        self.assertIn("ok      linux/amd64 file /data/motd.txt", said)
        self.assertIn("nobody can tell whether `/bin/sh` is there", said)
