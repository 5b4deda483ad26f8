"""What is in a layer, and of wrong layers: what Bazel's user reads."""

import json

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

RIGHT = '''
image_layer(
    name = "contents",
    srcs = {
        "/app/folder": "folder",
        "/app/hello.sh": "hello.sh",
    },
    annotations = {
        "both": "attribute",
        "io.deis.oras.content.digest": "DERIVE_FROM_DIFF_ID",
    },
    annotations_file = "annotations.json",
    symlinks = {"/bin/hello": "../app/hello.sh"},
)

layer_from_tar(
    name = "contents_again",
    src = ":contents",
    annotations = {"io.deis.oras.content.digest": "DERIVE_FROM_DIFF_ID"},
    compress = "zstd",
)
'''

SETTINGS = "--@rules_img//img/settings:"


class Layers(Bench):
    """The quickstart with more layers, some of which cannot be."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = cls.server(servers.OurRegistry(cls.folder))
        cls.quickstart = cls.workspace("quickstart", cls.registry, push_base(cls.folder, cls.registry))
        build = cls.quickstart.path / "BUILD.bazel"
        loads, rest = build.read_text().split("\n\n", 1)
        build.write_text(loads + "\n" + WRONG + RIGHT + "\n" + rest.replace('load("@rules_img//img:layer.bzl", "image_layer")\n', ""))
        text = build.read_text().replace('load("@rules_img//img:layer.bzl", "image_layer")\n', "")
        build.write_text(text)
        (cls.quickstart.path / "not_a.tar").write_text("<html>not found</html>\n" * 100)
        (cls.quickstart.path / "annotations.json").write_text(json.dumps({"both": "file", "listed": ["first", "last"]}))
        folder = cls.quickstart.path / "folder"
        (folder / "empty").mkdir(parents=True)
        (folder / "a.txt").write_text("a")
        (folder / "b.txt").symlink_to("a.txt")

    def listing(self, target, *flags):
        """The listing of a layer without its first line."""
        self.quickstart.build(f"//:{target}", "--output_groups=mtree,metadata", *flags)
        return self.quickstart.output(f"{target}.mtree").read_text().splitlines()[1:]

    def test_contents(self):
        lines = self.listing("contents", f"{SETTINGS}mtree_options=type,size,nlink,link")
        size = (self.quickstart.path / "hello.sh").stat().st_size
        self.assertEqual(lines, [
            "./app/folder type=dir",
            "./app/folder/a.txt type=file size=1 nlink=2",
            "./app/folder/b.txt type=file size=1 nlink=2",
            "./app/folder/empty type=dir",
            f"./app/hello.sh type=file size={size} nlink=1",
            "./bin/hello type=link size=15 link=../app/hello.sh",
        ])
        self.assertEqual(self.listing("contents_again", f"{SETTINGS}mtree_options=type,size,nlink,link"), lines)
        metadata = json.loads(self.quickstart.output("contents_metadata.json").read_text())
        self.assertEqual(metadata["annotations"], {
            "both": "attribute",
            "io.deis.oras.content.digest": metadata["diff_id"],
            "listed": "last",
        })

    def test_listing_of_what_is_there(self):
        lines = self.listing("contents", f"{SETTINGS}mtree_options=type", f"{SETTINGS}mtree_path_prefix=",
                             f"{SETTINGS}mtree_layer_layout=oci_layer_filesystem_applied_changeset")
        self.assertEqual(lines, ["app/ type=dir", "app/folder/ type=dir", "app/folder/a.txt type=file", "app/folder/b.txt type=file",
                                 "app/folder/empty/ type=dir", "app/hello.sh type=file", "bin/ type=dir", "bin/hello type=link"])

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
