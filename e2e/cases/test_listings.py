"""Layers of every codec are read alike by GNU tar, bsdtar, Python's tarfile and umoci: names, types, sizes, modes, owners, times, links."""

import hashlib
import json
import os
import stat

from harness import listings, process, servers
from harness.bench import Bench

CODECS = [["--format=none"], *(["--format=gzip", f"--level={level}"] for level in (0, 1, 6, 9)),
          *(["--format=zstd", f"--level={level}"] for level in (1, 3, 9, 19)), ["--format=gzip", "--estargz"], ["--format=zstd", "--estargz"]]
MEDIA_TYPES = {"none": "tar", "gzip": "tar+gzip", "zstd": "tar+zstd"}
METADATA = {
    "owned": {"mode": "4711", "uid": 1000, "gid": 1001, "uname": "me", "gname": "us", "mtime": "2024-02-29T01:02:03Z"},
    "big ids": {"uid": 3000000, "gid": 4294967293, "uname": "nöbödy", "mtime": "2024-02-29T01:02:03.5Z"},
    "before": {"mtime": "1969-12-31T23:59:58Z", "pax_records": {"SCHILY.xattr.user.k": "v"}},
    "tree": {"mode": "1777"},
}


class Listings(Bench):
    """One tree with everything that a header can say."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.entries = cls.folder / "entries"
        names = ["plain", "n" * 120, f"{'d' * 90}/{'e' * 90}/file", f"{'p' * 150}/{'q' * 99}",
                 "ünï cödé/ß", "owned", "big ids", "before", "back\\slash"]
        contents = {name: f"content {number}".encode() for number, name in enumerate(names)}
        contents.update({"copy": contents["plain"], "z copy of a long name": contents["n" * 120], "empty": b"",
                         **{f"chunk{extra:+}": b"c" * ((1 << 20) + extra) for extra in (-1, 0, 1)}})
        lines = []
        for number, (name, content) in enumerate(contents.items()):
            source = cls.folder / "sources" / str(number)
            source.parent.mkdir(exist_ok=True)
            source.write_bytes(content)
            lines.append(f"{name}\0f\0{source}")
        tree = cls.folder / "tree"
        (tree / "sub/void").mkdir(parents=True)
        (tree / "sub/x").write_text("10")
        lines += [f"tree\0d\0{tree}", "short link\0s\0plain", f"long link\0s\0{'t/' * 80}", "ünï link\0s\0zïel", "void\0e\0"]
        cls.entries.write_text("".join(f"{line}\n" for line in lines))

    def layer(self, words):
        """(path of the blob, our own listing)."""
        blob, listing, metadata = (self.folder / name for name in ("blob", "listing", "metadata"))
        process.run([servers.tool("builder"), "layer", f"--output={blob}", f"--metadata={metadata}", f"--entries={self.entries}",
                     "--create-parent-directories", f"--values={json.dumps({'file_metadata': METADATA})}", *words])
        form = next(word.removeprefix("--format=") for word in words if word.startswith("--format="))
        process.run([servers.tool("builder"), "layer-listing", f"--input={blob}", f"--source-format={form}", f"--output={listing}"])
        return blob, listings.mtree(listing.read_text())

    def test_readers(self):
        for words in CODECS:
            blob, ours = self.layer(words)
            for name, reader in listings.READERS.items():
                with self.subTest(f"{name}, {' '.join(words)}"):
                    theirs = reader(blob)
                    self.assertEqual([entry.name for entry in theirs], [entry.name for entry in ours])
                    for mine, other in zip(ours, theirs):
                        self.assertTrue(listings.same(mine, other), f"{mine}\n{other}")
                    links = {entry.name: entry.link for entry in theirs if entry.kind == "hard"}
                    self.assertEqual(links, {b"plain": b"copy", b"z copy of a long name": b"n" * 120}, "hardlinks")

    def test_umoci(self):
        for words in CODECS:
            with self.subTest(" ".join(words)):
                blob, ours = self.layer(words)
                root = self.unpacked(blob, words)
                for entry in ours:
                    path = os.path.join(os.fsencode(root), entry.name)
                    found = os.lstat(path)
                    self.assertEqual(self.seen(entry, path, found), entry)
                self.assertEqual(os.lstat(root / "plain").st_ino, os.lstat(root / "copy").st_ino)
                self.assertEqual(os.getxattr(root / "before", "user.k"), b"v")

    @staticmethod
    def seen(entry, path, found):
        """A file on disk as an entry of a listing."""
        kind = {stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "link"}[stat.S_IFMT(found.st_mode)]
        return listings.Entry(entry.name, kind, found.st_size if kind == "file" else 0, found.st_mode & 0o7777, found.st_uid, found.st_gid,
                              found.st_mtime_ns // 10**9, os.readlink(path) if kind == "link" else b"")

    def unpacked(self, blob, words):
        """The root folder that umoci makes of an image with this one layer."""
        folder = self.folder / f"umoci-{'-'.join(word.strip('-').replace('=', '') for word in words)}"
        blobs = folder / "layout/blobs/sha256"
        blobs.mkdir(parents=True)

        def put(content, media_type):
            digest = hashlib.sha256(content).hexdigest()
            (blobs / digest).write_bytes(content)
            return {"mediaType": f"application/vnd.oci.image.{media_type}", "digest": f"sha256:{digest}", "size": len(content)}

        metadata = json.loads((self.folder / "metadata").read_text())
        layer = put(blob.read_bytes(), f"layer.v1.{MEDIA_TYPES[words[0].removeprefix('--format=')]}")
        self.assertEqual({name: metadata[name] for name in layer}, layer)
        config = put(json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                                 "rootfs": {"type":
                                 "layers", "diff_ids": [metadata["diff_id"]]}, "history": [{"created_by": "test"}]}).encode(), "config.v1+json")
        manifest = put(json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config,
                                   "layers": [layer]}).encode(), "manifest.v1+json")
        (folder / "layout/oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        (folder / "layout/index.json").write_text(json.dumps(
            {"schemaVersion": 2, "manifests": [{**manifest, "annotations": {"org.opencontainers.image.ref.name": "image"}}]}))
        process.run(["umoci", "unpack", "--image", f"{folder}/layout:image", folder / "bundle"])
        return folder / "bundle/rootfs"
