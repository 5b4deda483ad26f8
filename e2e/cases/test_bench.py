"""`make bench` on trees of a few files: it runs, and its tables have figures."""

import os
import re

from harness import process
from harness.bench import Bench
from harness.workspace import CHECKOUT


class Benchmarks(Bench):
    """The command that people run to measure."""

    def run_bench(self, *names):
        environment = dict(os.environ, BENCH_FOLDER=str(self.folder / "bench"), BENCH_SCALE="0.002", RUNS="1")
        return process.run([CHECKOUT / "tests/bench/run", *names], env=environment).stdout

    def test_layers(self):
        said = self.run_bench("layers-15k", "layers-1g")
        for command in ("none", "gzip 6", "zstd 3", r"tar \| pigz -6", r"tar \| zstd -T0 -3", "read and SHA-256"):
            rows = re.findall(rf"^\| {re.escape(command)} \| \d+\.\d\d \| \d+\.\d\d \| \d+ \| \d+\.\d \| \d+ \|", said, re.MULTILINE)
            self.assertEqual(len(rows), 2, f"{command}:\n{said}")
        self.assertIn(r"of tar \| pigz -6 |", said)

    def test_memory(self):
        said = self.run_bench("memory")
        peaks = [float(peak) for peak in re.findall(r"^\| .* \| (\d+\.\d) \|$", said, re.MULTILINE)]
        self.assertEqual(len(peaks), 6, said)
        self.assertLess(max(peaks), 72, said)

    def test_pushes(self):
        said = self.run_bench("push-512m")
        for registry in ("docker-registry", "services/registry"):
            row = rf"\| {registry} \| \d+\.\d\d \| \d+\.\d\d \| \d+\.\d\d \| \d+% \| [\d.]+ \+ [\d.]+ \+ [\d.]+ \| \d+\.\d\d \| \d+\.\d \| (\d+) B \|"
            self.assertRegex(said, row)
            # Nothing of the layer, which has 1 MiB. The time at which a file was read is written, too.
            self.assertLessEqual(int(re.search(row, said)[1]), 16 << 10, said)

    def test_deploy(self):
        # Two images; each asks twice, mounts five layers, sends two blobs with three requests each, and writes a manifest.
        said = self.run_bench("deploy")
        for name in ("ours", "docker's"):
            for what, requests in (("nothing is there but the base", 28), ("all is there", 2)):
                self.assertRegex(said, rf"(?m)^\| {name} \| {what} \| \d+\.\d\d \| \d+\.\d\d \| {requests} \|$")

    def test_unknown(self):
        said = process.run([CHECKOUT / "tests/bench/run", "layers-16k"], expect=2).stdout
        self.assertIn("hint: there are layers-15k", said)
