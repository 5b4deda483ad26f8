"""Copies of the workspaces under e2e/, built by the test-bed's Bazel against this checkout."""

import os
import pathlib
import re
import shutil

from harness import process

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]


class Workspace:
    """A copy of e2e/<name> in a folder of its own, so that a test may edit it.

    tools_dir: folder with the programs; "" is the one that the environment names, None lets Bazel build them from source.
    """

    def __init__(self, folder, name, *, replace=None, tools_dir=""):
        self.path = folder / name
        self.tools_dir = os.environ.get("RULES_IMG_TOOLS_DIR") if tools_dir == "" else tools_dir
        ignore = shutil.ignore_patterns("bazel-*")
        shutil.copytree(CHECKOUT / "e2e" / name, self.path, symlinks=True, ignore=ignore)
        self.edit("MODULE.bazel", r'path = "\.\./\.\."', f'path = "{CHECKOUT}"')
        for old, new in (replace or {}).items():
            files = [file for file in self.path.rglob("*.bazel") if old in file.read_text()]
            assert files, f"`{old}` is in no .bazel file of {name}"
            for file in files:
                file.write_text(file.read_text().replace(old, new))

    def edit(self, file, pattern, replacement):
        """Replaces what a regular expression matches in a file; it must match."""
        path = self.path / file
        text, count = re.subn(pattern, lambda _: replacement, path.read_text())
        assert count, f"`{pattern}` does not match in {path}"
        path.write_text(text)

    def bazel(self, command, *words, **options):
        """Runs Bazel in the workspace; startup options are the user's defaults."""
        flags = [f"--repo_env=RULES_IMG_TOOLS_DIR={self.tools_dir}"] if self.tools_dir else []
        flags += ["--color=no", "--curses=no", "--noshow_progress"] if command in ("build", "run", "test") else []
        if command in ("shutdown", "info", "clean"):
            flags = []
        if not self.tools_dir:
            environment = options.pop("env", os.environ)
            options["env"] = {name: value for name, value in environment.items() if name != "RULES_IMG_TOOLS_DIR"}
        return process.run(["bazel", command, *flags, *words], cwd=self.path, **options)

    def build(self, *words, **options):
        return self.bazel("build", *words, **options)

    def run_target(self, target, *words, **options):
        """`bazel run`; returns the completed process."""
        return self.bazel("run", target, *(["--", *words] if words else []), **options)

    def output(self, path):
        """A file below bazel-bin."""
        return self.path / "bazel-bin" / path

    def files(self, target, group):
        """The files of an output group, wherever the target's own configuration puts them."""
        done = self.bazel("cquery", target, "--output=files", f"--output_groups={group}",
                          "--noshow_progress")
        return [self.path / line for line in done.stdout.split()]

    def external(self, name):
        """The folder of a repository that this workspace's module pulled."""
        base = pathlib.Path(self.bazel("info", "output_base").stdout.strip())
        found, = (folder for folder in (base / "external").iterdir() if re.search(rf"[~+]{name}$", folder.name) and folder.is_dir())
        return found

    def shutdown(self):
        """Ends this workspace's Bazel server."""
        self.bazel("shutdown", expect="any")
