"""Layers that several repositories need: who uploads them, who mounts them, and who may do neither.

What moved is counted by a proxy before the registry; what is there afterwards is judged by crane.
"""

import collections
import hashlib
import urllib.parse

from harness import judges, servers
from harness.bench import Bench

SETTINGS = "--@rules_img//img/settings:"
IMAGES = ["deploy/app:1.0", "deploy/tool:1.0", "deploy/report:1.0", "deploy/report:latest"]
REPOSITORIES = ["archive/report", "deploy/app", "deploy/report", "deploy/tool"]
SHARED = "team/shared"
ANNOTATION = "com.github.bazel-contrib.rules-img.artificial-blob-reference"

# What an upload, a mount or a refused mount says.
Moved = collections.namedtuple("Moved", "repository digest source")


class Cases:
    """The workspace `deploy`: four repositories of a registry that is empty before each test."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.deploy = cls.workspace("deploy", cls.start(cls.folder / "first"), None)

    @classmethod
    def start(cls, folder):
        """A registry."""
        raise NotImplementedError

    def setUp(self):
        folder = self.folder / self._testMethodName
        self.registry = self.start(folder)
        self.proxy = self.server(servers.CountingProxy(folder, self.registry))
        self.deploy.edit("BUILD.bazel", r'REGISTRY = "[^"]*"', f'REGISTRY = "{self.proxy.host}"')

    def name(self, name):
        return f"{self.registry.host}/{name}"

    def run_target(self, target, *flags, words=(), expect=0):
        """Runs a target with settings; returns the process, the uploads, the mounts and the mounts that were refused."""
        mark = len(self.proxy.requests())
        done = self.deploy.bazel("run", *(SETTINGS + flag for flag in flags), target, "--", *words, expect=expect)
        uploads, mounts, refused = [], [], []
        for request in self.proxy.since(mark):
            address = urllib.parse.urlsplit(request["path"])
            query = dict(urllib.parse.parse_qsl(address.query))
            repository = address.path.removeprefix("/v2/").partition("/blobs/uploads/")[0]
            if "mount" in query:
                (mounts if request["status"] == 201 else refused).append(Moved(repository, query["mount"], query.get("from")))
            elif "digest" in query and request["status"] == 201:
                uploads.append(Moved(repository, query["digest"], None))
        return done, uploads, mounts, refused

    def layers(self, name):
        """Digests of the layers of an image, or of all images of an index."""
        document = judges.manifest(self.name(name))
        if "layers" in document:
            return {layer["digest"] for layer in document["layers"]}
        repository = name.partition(":")[0]
        return set.union(*(self.layers(f"{repository}@{child['digest']}") for child in document["manifests"]))

    def check_images(self):
        """All images are whole; returns the digests of the layer that all have, and of all layers."""
        for name in IMAGES:
            judges.validate(self.name(name))
        # The document about an image has a layer, too, which is the file itself.
        sbom = "sha256:" + hashlib.sha256((self.deploy.path / "data/sbom.json").read_bytes()).hexdigest()
        judges.validate(self.name(f"archive/report@{judges.digest(self.name('deploy/report:1.0'))}"))
        all_layers = [self.layers(name) for name in IMAGES]
        shared, = set.intersection(*all_layers)
        return shared, set.union({sbom}, *all_layers)

    def of(self, moves, digest):
        return sorted((move.repository, move.source) for move in moves if move.digest == digest)

    def test_nothing_is_asked_for(self):
        _, uploads, mounts, _ = self.run_target("//:deploy")
        shared, _ = self.check_images()
        (home, _), = self.of(uploads, shared)
        others = [repository for repository in REPOSITORIES if repository != home]
        self.assertEqual(self.of(mounts, shared), [(repository, home) for repository in others])

    def test_a_promise(self):
        done, uploads, mounts, refused = self.run_target("//:deploy", "deduplicated_push=enabled")
        shared, _ = self.check_images()
        # `cross_mount_from` names a repository of this run, so the layer goes there first. What nobody names goes to the first by name.
        home = "deploy/app"
        self.assertEqual(self.of(uploads, shared), [(home, None)], done.stderr)
        self.assertEqual(self.of(mounts, shared), [(repository, home) for repository in REPOSITORIES if repository != home])
        own, = self.layers("deploy/report:1.0") - {shared}
        self.assertEqual((self.of(uploads, own), self.of(mounts, own)), ([("archive/report", None)], [("deploy/report", "archive/report")]))
        _, uploads, mounts, refused = self.run_target("//:deploy", "deduplicated_push=enabled")
        self.assertEqual((uploads, mounts, refused), ([], [], []))

        # Another image on a repository's shared layer: the layer is where a manifest that is served has it.
        (self.deploy.path / "data/tool.txt").write_text("another tool\n")
        _, uploads, mounts, _ = self.run_target("//:deploy", "deduplicated_push=enabled")
        self.check_images()
        self.assertEqual(self.of(uploads, shared), [])
        self.assertEqual({move.repository for move in uploads}, {"deploy/tool"})

    def test_a_repository_for_layers(self):
        settings = ["deduplicated_push=enabled", f"deduplicated_push_blob_repository={SHARED}"]
        _, uploads, mounts, refused = self.run_target("//:deploy", *settings)
        self.check_repository_for_layers(uploads, mounts, refused)
        judges.crane("ls", "--insecure", self.name(SHARED), expect="any")

    def check_repository_for_layers(self, uploads, mounts, refused):
        """Each layer was sent once, to one repository, and mounted from there to where it is needed. Configs are not shared."""
        _, layers = self.check_images()
        sent = [move for move in uploads if move.digest in layers]
        self.assertEqual(sorted(sent), sorted(Moved(SHARED, digest, None) for digest in layers))
        self.assertEqual({move.source for move in mounts}, {SHARED})
        self.assertEqual({move.digest for move in mounts}, layers)
        self.assertEqual(len(mounts), len(set(mounts)), "each once for each repository")
        self.assertLessEqual({move.source for move in refused}, {"deploy/app"}, "which `cross_mount_from` names")
        configs = {move.repository for move in uploads if move.digest not in layers}
        self.assertEqual(configs, set(REPOSITORIES))

    def test_the_command_line_has_the_last_word(self):
        words = ["--deduplicated-push=best_effort", f"--deduplicated-push-blob-repository={SHARED}"]
        _, *moved = self.run_target("//:deploy", "deduplicated_push=disabled", words=words)
        self.check_repository_for_layers(*moved)

    def test_manifests_that_hold_layers(self):
        settings = ["deduplicated_push=enabled", f"deduplicated_push_blob_repository={SHARED}",
                    "deduplicated_push_content=blobs_and_artificial_manifests"]
        mark = len(self.proxy.requests())
        self.run_target("//:deploy", *settings)
        _, layers = self.check_images()
        place = f"/v2/{SHARED}/manifests/"
        put = [request["path"].removeprefix(place) for request in self.proxy.since(mark)
               if request["method"] == "PUT" and request["path"].startswith(place)]
        self.assertEqual((len(put), {name.partition(":")[0] for name in put}), (len(layers), {"sha256"}), "no tags")
        held = set()
        for digest in put:
            manifest = judges.manifest(self.name(f"{SHARED}@{digest}"))
            layer, = manifest["layers"]
            if layer["mediaType"].startswith("application/vnd.oci.image.layer."):
                judges.validate(self.name(f"{SHARED}@{digest}"))
            self.assertEqual(manifest["annotations"], {ANNOTATION: layer["digest"]})
            held.add(layer["digest"])
        self.assertEqual(held, layers)
        # They are the same bytes each time, and not written again.
        (self.deploy.path / "data/tool.txt").write_text("a third tool\n")
        mark = len(self.proxy.requests())
        self.run_target("//:deploy", *settings)
        again = [request["path"] for request in self.proxy.since(mark)
                 if request["method"] == "PUT" and request["path"].startswith(place)]
        self.assertEqual(len(again), 1, again)

    def test_cross_mount_from(self):
        self.run_target("//:push_app")
        done, uploads, mounts, refused = self.run_target("//:push_tool")
        judges.validate(self.name("deploy/tool:1.0"))
        shared, = self.layers("deploy/app:1.0") & self.layers("deploy/tool:1.0")
        own, = self.layers("deploy/tool:1.0") - {shared}
        self.assertEqual(self.of(mounts, shared), [("deploy/tool", "deploy/app")], done.stderr)
        # Whether the other layer is there is known when it is tried.
        self.assertEqual([move.digest for move in refused], [own])
        self.assertNotIn(shared, {move.digest for move in uploads})

        _, uploads, mounts, refused = self.run_target("//:push_tool", "cross_mount=disabled", words=["--repository", "other/tool"])
        judges.validate(self.name("other/tool:1.0"))
        self.assertEqual((mounts, refused), ([], []))
        self.assertEqual(len({move.digest for move in uploads} & {shared, own}), 2)

    def test_forbid_layer_push(self):
        forbidden = "forbid_layer_push=enabled"
        done, uploads, _, _ = self.run_target("//:push_tool", forbidden, expect=1)
        self.assertRegex(done.stderr, rf"error: failed to push `//:push_tool`: refusing to upload layer `sha256:\w+`: forbid_layer_push is enabled, "
                                      rf"`{self.proxy.host}/deploy/tool` does not have it, and it could not be mounted from `deploy/app`")
        judges.crane("manifest", "--insecure", self.name("deploy/tool:1.0"), expect="failure")
        # Somebody puts the layers into the other push's repository; now they can be mounted.
        self.run_target("//:push_tool", words=["--repository", "deploy/app"])
        layers = self.layers("deploy/app:1.0")
        self.assertEqual({move.digest for move in uploads} & layers, set())
        _, uploads, mounts, _ = self.run_target("//:push_tool", forbidden)
        judges.validate(self.name("deploy/tool:1.0"))
        self.assertEqual({move.digest for move in uploads} & layers, set())
        self.assertEqual(sorted(mounts), sorted(Moved("deploy/tool", digest, "deploy/app") for digest in layers))


class WithDistribution(Cases, Bench):
    """Debian's docker-registry."""

    @classmethod
    def start(cls, folder):
        return cls.server(servers.DockerRegistry(folder))


class WithOurs(Cases, Bench):
    """services/registry."""

    @classmethod
    def start(cls, folder):
        return cls.server(servers.OurRegistry(folder))
