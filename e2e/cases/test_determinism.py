"""The same inputs give the same digest, however, wherever and however often they are built."""

from harness import servers
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

    @staticmethod
    def digests(workspace, *flags):
        """The digests of all images of a workspace."""
        workspace.build(*(f"//:{name}" for name in IMAGES), "--output_groups=+digest", *flags)
        return {name: workspace.output(f"{name}_digest").read_text() for name in IMAGES}

    def test_digests_agree(self):
        expected = self.digests(self.first)
        self.assertEqual(self.digests(self.second, "--jobs=1"), expected, "in another folder with --jobs=1")
        self.first.bazel("clean")
        self.assertEqual(self.digests(self.first), expected, "after bazel clean")
        jobs = "--@rules_img//img/settings:compression_jobs="
        self.assertEqual(self.digests(self.first, f"{jobs}1"), expected, "with one compression job")
        self.assertEqual(self.digests(self.first, f"{jobs}3"), expected, "with three compression jobs")
