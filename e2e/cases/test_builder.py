"""The static builder as a process: the same bytes as the development build, on any number of processors, in bounded memory."""

import hashlib
import json
import os
import pathlib
import random

from harness import process, servers
from harness.bench import Bench
from harness.workspace import CHECKOUT

MEBIBYTE = 1 << 20
CODECS = {
    "none": ["--format=none"],
    **{f"gzip-{level}": ["--format=gzip", f"--level={level}"] for level in (0, 1, 6, 9)},
    **{f"zstd-{level}": ["--format=zstd", f"--level={level}"] for level in (1, 3, 9, 19)},
    "estargz-6": ["--format=gzip", "--level=6", "--estargz"],
    "zstd-chunked-3": ["--format=zstd", "--level=3", "--estargz"],
}
GOLDEN = CHECKOUT / "crates/layer/tests/it/golden/digests.txt"


class Builder(Bench):
    """`builder layer` on sources that are made here."""

    def command(self, entries, *words, values=None, folder=None):
        """A command and the blob that it writes."""
        folder = folder or self.folder
        blob, list_file = folder / "blob", folder / "entries"
        list_file.write_text("".join("\0".join(map(str, entry)) + "\n" for entry in entries))
        return [servers.tool("builder"), "layer", f"--output={blob}", f"--metadata={folder}/metadata.json", f"--entries={list_file}",
                f"--values={json.dumps(values or {})}", *words], blob

    def source(self, name, content):
        """A file of this content."""
        path = self.folder / "sources" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def test_release_writes_what_the_golden_digests_of_the_development_build_say(self):
        (self.folder / "void/a/b").mkdir(parents=True)
        (self.folder / "void/c").write_text("")
        same = self.source("same", b"same")
        mode, owner = {"mode": "0600"}, {"uid": 1}
        trees = {
            "nothing": ([], [], {}),
            "one": ([("app/bin", "f", self.source("one", b"#!/bin/sh\necho hello\n"))], [], {}),
            "parents": ([("a/b/c", "f", self.source("parents", b"1")), ("a/d/e", "e", ""), ("bin", "s", "usr/bin")],
                        ["--create-parent-directories"], {}),
            "empties": ([("none", "e", ""), ("also", "f", self.source("empty", b"")),
                         ("void", "d", self.folder / "void")], [], {}),
            "metadata": ([(name, "f", same) for name in "abcd"], [], {"file_metadata": {"b": mode, "c": mode, "d": owner}}),
        }
        golden = {tuple(line.split()[:2]): line.split()[2] for line in GOLDEN.read_text().splitlines()}
        for name, (entries, words, values) in trees.items():
            for codec, codec_words in CODECS.items():
                with self.subTest(f"{name} {codec}"):
                    command, blob = self.command(entries, *words, *codec_words, values=values)
                    process.run(command)
                    self.assertEqual(hashlib.sha256(blob.read_bytes()).hexdigest(), golden[name, codec])

    def test_processors_jobs_order_and_environment_change_nothing(self):
        noise = random.Random(1)
        contents = {f"d{number % 7}/f{number}": noise.randbytes(noise.randrange(4000)) + b"x" * 2000 for number in range(400)}
        contents["large"] = noise.randbytes(5 * MEBIBYTE) + bytes(3 * MEBIBYTE)
        contents["copy"] = contents["d1/f1"]
        entries = [(name, "f", self.source(f"noise/{name}", content)) for name, content in contents.items()]
        second = self.folder / "another folder"
        second.mkdir()
        moved = []
        for name, kind, source in reversed(entries):
            path = second / "sources" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(source.read_bytes())
            path.chmod(0o400)
            os.utime(path, (7, 7))
            moved.append((name, kind, path))
        strange = ["env", "-i", "TZ=Asia/Kathmandu", "LC_ALL=tr_TR.UTF-8", "sh", "-c", 'umask 077; cd /; exec "$@"', "sh"]
        processors = sorted(os.sched_getaffinity(0))[:2]
        for codec in ("none", "gzip-6", "zstd-3", "estargz-6", "zstd-chunked-3"):
            digests = {}
            for title, prefix, chosen, folder, words in (
                    *((f"{jobs} jobs", [], entries, None, [f"--jobs={jobs}"]) for jobs in (1, 2, 3, 8)),
                    ("one processor", ["taskset", "-c", str(processors[0])], entries, None, []),
                    ("two processors", ["taskset", "-c", ",".join(map(str, processors))], entries, None, []),
                    ("elsewhere", strange, moved, second, [])):
                command, blob = self.command(chosen, *CODECS[codec], *words, folder=folder)
                process.run([*prefix, *command])
                digests.setdefault(hashlib.sha256(blob.read_bytes()).hexdigest(), []).append(title)
            self.assertEqual(len(digests), 1, f"{codec}: {digests}")

    def test_memory_does_not_grow_with_the_layer(self):
        sparse = self.folder / "sparse"
        with open(sparse, "wb") as file:
            file.truncate(2 << 30)
        many = self.folder / "many"
        for number in range(20_000):
            path = many / f"{number // 100}" / f"{number % 100}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{number}\n" * (number % 40))
        for source, kind in ((sparse, "f"), (many, "d")):
            for codec in ("none", "gzip-1"):
                for jobs in (1, 4):
                    with self.subTest(f"{pathlib.Path(source).name}, {codec}, {jobs} jobs"):
                        command, blob = self.command([("x", kind, source)], *CODECS[codec], f"--jobs={jobs}")
                        status, said, peak = process.measured(command, self.folder / "peak", seconds=300)
                        self.assertEqual(status, 0, said)
                        self.assertLess(peak, (64 + 4 * jobs) * MEBIBYTE)
                        blob.unlink()
