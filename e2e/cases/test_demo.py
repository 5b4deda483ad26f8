"""The demo, on a small base."""

import os
import pathlib
import sys
import unittest

from harness import process

DEMO = pathlib.Path(__file__).resolve().parents[1] / "demo"


class Demo(unittest.TestCase):
    """What a newcomer sees."""

    def test_tells_what_moved(self):
        environment = dict(os.environ, RULES_IMG_DEMO_INSIDE="1")
        said = process.run([sys.executable, DEMO, "--size", 4 << 20], env=environment).stdout
        for words in ("no layer of the base was downloaded", "unchanged localhost:", "Hello from an image that Bazel built.", "local_path_override"):
            self.assertIn(words, said)
