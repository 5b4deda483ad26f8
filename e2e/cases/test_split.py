"""An edit of one source file, in a program with 200 MB of packages: what is built and sent again."""

import re

from harness import judges, servers
from harness.bench import Bench, push_base

# Two packages, 100 MB each.
LARGE = "--repo_env=PACKAGE_MEGABYTES=100"
MEGABYTE = 1 << 20


class Split(Bench):
    """The Python example with large packages."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = cls.server(servers.OurRegistry(cls.folder))
        cls.proxy = cls.server(servers.CountingProxy(cls.folder, cls.registry))
        cls.python = cls.workspace("python", cls.registry, push_base(cls.folder, cls.registry))

    def push(self):
        """Builds and pushes; returns the labels of the layers that were written, and the bytes that were sent."""
        mark = len(self.proxy.requests())
        done = self.python.bazel("run", LARGE, "--subcommands=pretty_print", "//:push_private", "--", "--registry", self.proxy.host)
        written = re.findall(r"\[action 'Writing layer (\S+?)[,']", done.stderr)
        return written, sum(request["request_bytes"] for request in self.proxy.since(mark))

    def blobs(self):
        """The layers of the program: name -> (size, time of the last change)."""
        return {path.name: (path.stat().st_size, path.stat().st_mtime_ns)
                for path in self.python.output(".").glob("greeter_private_*.tgz")}

    def test_an_edit_moves_one_small_layer(self):
        written, sent = self.push()
        before = self.blobs()
        self.assertEqual(len(written), len(before), written)
        self.assertGreater(sent, 200 * MEGABYTE)
        manifest = judges.manifest(f"{self.registry.host}/python/private:latest")

        self.python.edit("greeter.py", "Greets whom", "Loudly greets whom")
        written, sent_again = self.push()
        after = self.blobs()
        rebuilt = {name: size for name, (size, time) in after.items() if before[name][1] != time}
        print(f"layers: { {name: size for name, (size, _) in after.items()} }; sent at first: {sent}; "
              f"after the edit: rebuilt {rebuilt}, sent {sent_again}", flush=True)
        self.assertEqual(len(written), 1, written)
        self.assertEqual(list(rebuilt), ["greeter_private_app.tgz"])
        self.assertLess(sum(rebuilt.values()) + sent_again, MEGABYTE)

        again = judges.manifest(f"{self.registry.host}/python/private:latest")
        self.assertEqual(len([layer for layer in again["layers"] if layer not in manifest["layers"]]), 1)
        judges.validate(f"{self.registry.host}/python/private:latest")
