"""Images that the build itself pushes, here and on a remote worker."""

import os
import urllib.error
import urllib.request

from harness import judges, remote, servers
from harness.bench import Bench

SETTINGS = "--@rules_img//img/settings:"
ENABLED = f"{SETTINGS}push_at_build_time=enabled"
BEST_EFFORT = f"{SETTINGS}push_at_build_time=best_effort"


class BuildTimePush(Bench):
    """The workspace `deploy` and Debian's docker-registry; each test pushes to a registry of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.deploy = cls.workspace("deploy", cls.server(servers.DockerRegistry(cls.folder / "first")), None)

    def setUp(self):
        folder = self.folder / self._testMethodName
        self.registry = self.server(servers.DockerRegistry(folder))
        self.proxy = self.server(servers.CountingProxy(folder, self.registry))
        self.deploy.edit("BUILD.bazel", r'REGISTRY = "[^"]*"', f'REGISTRY = "{self.proxy.host}"')

    def name(self, repository):
        return f"{self.registry.host}/{repository}"

    def has_blob(self, repository, digest):
        try:
            with urllib.request.urlopen(f"{self.registry.url}/v2/{repository}/blobs/{digest}", timeout=30):
                return True
        except urllib.error.HTTPError:
            return False

    def sent(self, mark):
        """The paths of what was uploaded after the first `mark` requests."""
        return [request["path"] for request in self.proxy.since(mark) if request["method"] in ("PUT", "PATCH", "POST")]

    def test_an_image(self):
        self.deploy.build("//:push_app", "--norun_validations", ENABLED)
        self.assertEqual(self.proxy.requests(), [])
        self.deploy.build("//:push_app", ENABLED)
        judges.validate(self.name("deploy/app:1.0"))
        self.assertEqual(judges.crane("ls", "--insecure", self.name("deploy/app")).split(), ["1.0"])

        # One layer changes, and only one is pushed.
        mark = len(self.proxy.requests())
        (self.deploy.path / "data/app.txt").write_text("another app\n")
        self.deploy.build("//:push_app", ENABLED)
        # The layer, and the config of each platform. Two actions that want one layer at the same moment may both send it.
        uploads = {path.rpartition("digest=")[2] for path in self.sent(mark) if "/blobs/uploads/" in path and "digest=" in path}
        self.assertEqual(len(uploads), 3, uploads)
        judges.validate(self.name("deploy/app:1.0"))

        # What is left for the run is what the build does not push: the image itself is there.
        mark = len(self.proxy.requests())
        layers = {layer["digest"] for child in judges.manifest(self.name("deploy/app:1.0"))["manifests"]
                  for layer in judges.manifest(self.name(f"deploy/app@{child['digest']}"))["layers"]}
        self.deploy.bazel("run", ENABLED, "//:push_app")
        self.assertFalse([path for path in self.sent(mark) for layer in layers if layer in path])
        judges.validate(self.name("deploy/app:1.0"))

    def test_images_with_specs_and_a_staging_repository(self):
        flags = [ENABLED, f"{SETTINGS}push_at_build_time_blob_repository=staging/layers"]
        self.deploy.build("//:report", *flags)
        judges.validate(self.name("deploy/report:latest"))
        layers = [layer["digest"] for layer in judges.manifest(self.name("deploy/report:latest"))["layers"]]
        for layer in layers:
            self.assertTrue(self.has_blob("staging/layers", layer))
        judges.validate(self.name(f"archive/report@{judges.digest(self.name('deploy/report:1.0'))}"))

    def test_blobs_only(self):
        self.deploy.build("//:push_tool", ENABLED, f"{SETTINGS}push_at_build_time_content=blobs")
        judges.crane("manifest", "--insecure", self.name("deploy/tool:1.0"), expect="failure")
        mark = len(self.proxy.requests())
        self.deploy.run_target("//:push_tool")
        judges.validate(self.name("deploy/tool:1.0"))
        # To mount what another image of the run has is to ask for it.
        self.assertEqual([path for path in self.sent(mark) if "/blobs/" in path and "?mount=" not in path], [])

    def test_through_a_gateway(self):
        """The registry's name means nothing here; the proxy is the gateway, and knows where it is."""
        nowhere = "registry.invalid"
        self.deploy.edit("BUILD.bazel", r'REGISTRY = "[^"]*"', f'REGISTRY = "{nowhere}"')
        self.deploy.build("//:push_app", ENABLED, f"{SETTINGS}registry_gateway={self.proxy.url}")
        judges.validate(self.name("deploy/app:1.0"))
        environment = dict(os.environ, IMG_REGISTRY_PUSH_GATEWAY=self.proxy.url)
        done = self.deploy.bazel("run", "//:push_tool", env=environment)
        self.assertIn(f"{nowhere}/deploy/tool:1.0", done.stdout)
        judges.validate(self.name("deploy/tool:1.0"))
        requests = self.proxy.requests()
        self.assertEqual({request.get("original_host") for request in requests}, {nowhere})
        self.assertEqual({request.get("authorization") for request in requests}, {None})

    def test_a_registry_that_is_not_there(self):
        self.proxy.stop()
        environment = {"IMG_REGISTRY_RETRY_MAX_ATTEMPTS": "1"}
        flags = [f"--action_env={name}={value}" for name, value in environment.items()]
        # What it depends on is pushed, too, and may fail first.
        done = self.deploy.build("//:push_tool", "--keep_going", ENABLED, *flags, expect=1)
        self.assertIn("error: failed to push `//:push_tool` during the build: layer `sha256:", done.stderr)
        done = self.deploy.build("//:push_tool", BEST_EFFORT, *flags)
        self.assertIn("warning: //:push_tool: ", done.stderr)

    def test_on_a_remote_worker(self):
        outputs = self.deploy.bazel("info", "output_base").stdout.strip()
        execution = self.server(remote.RemoteExecution(self.folder / "execution", hidden=[self.deploy.path, outputs]))
        flags = [*execution.flags, "--remote_download_minimal", ENABLED]
        # What a target depends on is validated, too.
        done = self.deploy.build("//:deploy", *flags)
        self.assertRegex(done.stderr, r"\d+ remote")
        judges.validate(self.name("deploy/app:1.0"))
        judges.validate(self.name("deploy/report:1.0"))

        # A second machine finds all of it in the cache, and asks the registry nothing.
        mark = len(self.proxy.requests())
        self.deploy.bazel("clean")
        self.deploy.build("//:push_app", *flags)
        self.assertEqual(self.proxy.since(mark), [])

        # What is not cached is done again.
        self.deploy.bazel("clean")
        self.deploy.build("//:push_app", *execution.flags, "--remote_download_minimal", BEST_EFFORT)
        again = self.proxy.since(mark)
        self.assertNotEqual(again, [])
        mark = len(self.proxy.requests())
        self.deploy.bazel("clean")
        self.deploy.build("//:push_app", *execution.flags, "--remote_download_minimal", BEST_EFFORT)
        self.assertNotEqual(self.proxy.since(mark), [])
