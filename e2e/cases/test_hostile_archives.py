"""Archives that an attacker could write, given to `layer_from_tar`: a clear error, or what most other readers see."""

import collections
import concurrent.futures
import gzip
import os
import subprocess
import zlib

from harness import archives, listings, process, servers
from harness.bench import Bench

MEBIBYTE = 1 << 20
BOMB = 1536 * MEBIBYTE

# Taken as they are although all others refuse them: nobody can be led astray.
ALONE = {
    # A map of holes is content to us, as nothing is unpacked; other readers stop at it.
    "holes: 1.0 with a wild map",
}


class Imported:
    """One run of `builder import`: its exit status, what it said, its peak memory in bytes, and its listing if it succeeded."""

    def __init__(self, folder, archive, *words, form="none", bound=1 << 40):
        metadata, listing, self.output = (folder / f"{archive.name}.{name}" for name in ("json", "mtree", "out"))
        command = [servers.tool("builder"), "import", f"--input={archive}", f"--source-format={form}", f"--metadata={metadata}",
                   '--values={"label":"//:hostile"}', *(word.format(output=self.output) for word in words)]
        self.status, self.said, self.peak = process.measured(command, folder / f"{archive.name}.peak")
        assert self.peak < bound, f"{self.peak} bytes of memory for {archive.stat().st_size} bytes of archive"
        self.entries = None
        if self.status == 0:
            # What became of it, where it was rewritten.
            made = [word.removeprefix("--format=") for word in words if word.startswith("--format=")]
            process.run([servers.tool("builder"), "layer-listing", f"--input={self.output if made else archive}",
                         f"--source-format={made[0] if made else form}", f"--output={listing}"])
            self.entries = listings.mtree(listing.read_text())

    def assert_clear(self, what, archive):
        """Refused with one chain of causes that names the file."""
        lines = [line for line in self.said.splitlines() if line.startswith("error:")]
        assert self.status == 2, f"{what}: exit status {self.status}: {self.said}"
        assert len(lines) == 1 and str(archive) in lines[0] and "panicked" not in self.said, f"{what}: {self.said}"


class HostileArchives(Bench):
    """Small archives by the hundred, and a few that grow."""

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def judged(self, number, what, content):
        """(what, what we do, the readers that agree, the readers that refuse)."""
        archive = self.write(f"{number}.tar", content)
        ours = Imported(self.folder, archive, bound=100 * MEBIBYTE)
        if ours.status != 0:
            ours.assert_clear(what, archive)
            self.assertIn(", byte " if "is not a tar" not in ours.said else "begins with", ours.said, what)
            return what, "refused", [], []
        agree, refuse = [], []
        for name, reader in listings.READERS.items():
            try:
                if listings.agree(ours.entries, reader(archive)):
                    agree.append(name)
            except listings.Refused:
                refuse.append(name)
        self.assert_faithful(what, archive, ours)
        return what, "accepted", agree, refuse

    def assert_faithful(self, what, archive, ours):
        """A copy has the same bytes; an optimized one has the same entries, files perhaps as hardlinks."""
        same = Imported(self.folder, archive, "--output={output}", "--format=none")
        self.assertEqual((same.status, same.output.read_bytes()), (0, archive.read_bytes()), what)
        small = Imported(self.folder, archive, "--output={output}", "--format=none", "--optimize")
        self.assertEqual((small.status, small.entries), (0, ours.entries), what)
        again = Imported(self.folder, small.output)
        self.assertEqual((again.status, [entry[:2] for entry in again.entries]), (0, [entry[:2] for entry in ours.entries]), what)

    def test_every_archive_is_refused_or_read_as_others_read_it(self):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            table = list(pool.map(lambda item: self.judged(item[0], *item[1]), enumerate(archives.table())))
        alone = [f"{what}: only {agree} agree, {refuse} refuse" for what, done, agree, refuse in table
                 if done == "accepted" and len(agree) < 2 and not (what in ALONE and len(refuse) == len(listings.READERS))]
        self.assertEqual(alone, [], "accepted, but the majority of readers sees something else")
        counts = collections.Counter(done for _, done, _, _ in table)
        print(dict(counts), "of", len(table), "archives;",
              sum(len(agree) == 3 for _, done, agree, _ in table if done == "accepted"), "read alike by all")
        self.assertGreater(counts["refused"], 200)
        self.assertGreater(counts["accepted"], 200)

    def test_what_grows(self):
        entry = archives.header(b"f" * 90)
        for what, content, bound in (
                ("a million entries", (archives.header(b"%07d" % number) for number in range(1_000_000)), 512 * MEBIBYTE),
                ("an extended header of 2 MiB", [archives.extended((b"comment", b"x" * (2 << 20))), entry], 80 * MEBIBYTE),
                ("a name of 2 MiB", [archives.long_name(b"n" * (2 << 20)), entry], 80 * MEBIBYTE),
                ("a header that claims 8 GiB", [archives.header(b"pax", b"x", (8 << 30) - 1)], 80 * MEBIBYTE),
                ("a thousand extended headers", [archives.extended((b"path", b"a"))] * 1000 + [entry], 80 * MEBIBYTE),
                ("global headers with ever new keys",
                 (archives.extended((b"key%d" % number, b"x" * 60_000), kind=b"g") for number in range(2_000)), 80 * MEBIBYTE),
                ("sparse maps without end", [archives.header(b"s", b"S", fields=[(257, b"ustar  \0"), (482, b"\1")]),
                                             b"\1" * (64 << 20)], 80 * MEBIBYTE)):
            with self.subTest(what):
                archive = self.folder / "large.tar"
                with open(archive, "wb") as file:
                    file.writelines(content)
                    file.write(archives.END)
                done = Imported(self.folder, archive, bound=bound)
                if done.status != 0:
                    done.assert_clear(what, archive)
                self.assertEqual(done.status == 0, what == "a million entries", done.said)

    def test_bombs(self):
        zeros = bytes(16 << 20)
        head = archives.header(b"bomb", b"0", BOMB)
        bombs = {"gzip": lambda: zlib.compressobj(9, wbits=31), "zstd": None}
        for form, compressor in bombs.items():
            with self.subTest(form):
                archive = self.folder / f"bomb.{form}"
                with open(archive, "wb") as file:
                    if compressor:
                        stream = compressor()
                        file.write(stream.compress(head) + b"".join(stream.compress(zeros) for _ in range(BOMB // len(zeros))) + stream.flush())
                    else:
                        pipe = subprocess.Popen(["zstd", "-q", "-c"], stdin=subprocess.PIPE, stdout=file)
                        pipe.stdin.write(head)
                        for _ in range(BOMB // len(zeros)):
                            pipe.stdin.write(zeros)
                        pipe.stdin.close()
                        self.assertEqual(pipe.wait(), 0)
                stopped = Imported(self.folder, archive, form=form, bound=80 * MEBIBYTE)
                stopped.assert_clear(form, archive)
                self.assertIn("1000 times", stopped.said)
                self.assertIn("--@rules_img//img/settings:allow_any_compression_ratio=enabled", stopped.said)
                taken = Imported(self.folder, archive, "--allow-any-ratio", form=form, bound=80 * MEBIBYTE)
                self.assertEqual((taken.status, [entry.size for entry in taken.entries or []]), (0, [BOMB]), taken.said)

    def test_wrappings(self):
        """Compressed data that is cut, longer, damaged or strange."""
        tar = archives.file(b"f", os.urandom(2000)) + archives.END
        packed = gzip.compress(tar, 6, mtime=0)
        zstd = subprocess.run(["zstd", "-q", "-c", "--check"], input=tar, capture_output=True, check=True).stdout
        half = gzip.compress(tar[:700], mtime=0) + gzip.compress(tar[700:], mtime=0)
        empty = gzip.compress(b"", mtime=0)
        skippable = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
        # A frame that wants a window of 2 TiB: RFC 8878, 3.1.1.1.2.
        window = b"\x28\xb5\x2f\xfd\x00\xf8" + zstd[6:]
        for what, form, content, accepted in (
                ("whole", "gzip", packed, True), ("two members", "gzip", half, True),
                ("empty members", "gzip", empty + packed + empty, True),
                ("another check sum", "gzip", packed[:-8] + b"\0" * 4 + packed[-4:], False), ("another size", "gzip", packed[:-1] + b"\1", False),
                ("zeros behind", "gzip", packed + bytes(512), False), ("text behind", "gzip", packed + b"text", False),
                ("a reserved flag", "gzip", packed[:3] + b"\xe0" + packed[4:], False),
                ("another method", "gzip", packed[:2] + b"\7" + packed[3:], False),
                ("whole", "zstd", zstd, True), ("skippable frames", "zstd", skippable + zstd + skippable, True),
                ("text behind", "zstd", zstd + b"text", False),
                ("another check sum", "zstd", zstd[:-1] + bytes([zstd[-1] ^ 1]), False), ("a window of 2 TiB", "zstd", window, False),
                ("a dictionary", "zstd", b"\x28\xb5\x2f\xfd\x01\x00\x07" + zstd[6:], False),
                *((f"cut at {at}", "gzip", packed[:at], False) for at in range(0, len(packed), 97)),
                *((f"cut at {at}", "zstd", zstd[:at], False) for at in range(0, len(zstd), 97))):
            with self.subTest(f"{form}, {what}"):
                archive = self.write(f"wrapped.{form}", content)
                done = Imported(self.folder, archive, form=form, bound=100 * MEBIBYTE)
                if accepted:
                    self.assertEqual((done.status, len(done.entries or [])), (0, 1), done.said)
                else:
                    done.assert_clear(f"{form}, {what}", archive)
