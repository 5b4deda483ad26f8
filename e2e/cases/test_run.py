"""Images are run, not only listed: containerd pulls them and starts their programs."""

from harness import judges, servers
from harness.bench import Bench, push_base, root_filesystem


class Run(Bench):
    """A static program on no base, and one with a shared library and runfiles on a base."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = cls.server(servers.DockerRegistry(cls.folder))
        cls.base = push_base(cls.folder, cls.registry, rootfs=root_filesystem(cls.folder))
        cls.cc = cls.workspace("cc", cls.registry, cls.base)
        cls.containerd = cls.server(servers.Containerd(cls.folder))

    def run_image(self, target, reference, name):
        """Pushes, pulls into containerd, runs; returns what the program printed."""
        self.cc.run_target(target)
        reference = f"{self.registry.host}/{reference}"
        judges.validate(reference)
        self.containerd.ctr("images", "pull", "--plain-http", reference)
        return self.containerd.ctr("run", "--rm", reference, name).stdout

    def test_static_program(self):
        printed = self.run_image("//:push_standalone", "cc/standalone:1.0", "standalone")
        self.assertEqual(printed, f"standalone: {(self.cc.path / 'config.txt').read_text()}")

    def test_program_with_runfiles(self):
        printed = self.run_image("//:push_with_runfiles", "cc/with_runfiles:latest", "with_runfiles")
        self.assertEqual(printed, f"hello, {(self.cc.path / 'data/name.txt').read_text()}")
