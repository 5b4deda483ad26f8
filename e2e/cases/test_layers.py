"""Wrong layers: what Bazel's user reads."""

from harness import servers
from harness.bench import Bench, push_base

WRONG = '''
load("@rules_img//img:layer.bzl", "file_metadata", "image_layer", "layer_from_tar")

image_layer(
    name = "unused_metadata",
    srcs = {"/app/hello.sh": "hello.sh"},
    file_metadata = {"/app/helo.sh": file_metadata(mode = "0600")},
)

genrule(
    name = "another",
    outs = ["another.sh"],
    cmd = "echo other > $@",
)

image_layer(
    name = "two_sources",
    srcs = {
        "/app/hello.sh": "hello.sh",
        "app/hello.sh": ":another",
    },
)

layer_from_tar(
    name = "no_tar",
    src = "not_a.tar",
)
'''


class WrongLayers(Bench):
    """The quickstart with layers that cannot be."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = cls.server(servers.OurRegistry(cls.folder))
        cls.quickstart = cls.workspace("quickstart", cls.registry, push_base(cls.folder, cls.registry))
        build = cls.quickstart.path / "BUILD.bazel"
        loads, rest = build.read_text().split("\n\n", 1)
        build.write_text(loads + "\n" + WRONG + "\n" + rest.replace('load("@rules_img//img:layer.bzl", "image_layer")\n', ""))
        text = build.read_text().replace('load("@rules_img//img:layer.bzl", "image_layer")\n', "")
        build.write_text(text)
        (cls.quickstart.path / "not_a.tar").write_text("<html>not found</html>\n" * 100)

    def said(self, target):
        """What Bazel says when a target fails."""
        return self.quickstart.build(f"//:{target}", expect="failure").stderr

    def test_metadata_for_nothing(self):
        said = self.said("unused_metadata")
        for word in ("app/helo.sh", "app/hello.sh", "//:unused_metadata"):
            self.assertIn(word, said)

    def test_two_sources(self):
        said = self.said("two_sources")
        for word in ("app/hello.sh", "hello.sh", "another"):
            self.assertIn(word, said)

    def test_not_a_tar(self):
        said = self.said("no_tar")
        self.assertIn("not_a.tar", said)
        self.assertIn("hint:", said)
