"""The two ways in which the programs reach a workspace that points at a checkout."""

import os

from harness import servers
from harness.bench import Bench, push_base


class Tools(Bench):
    """From source with cargo, and from a folder without cargo."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = cls.server(servers.OurRegistry(cls.folder))
        cls.base = push_base(cls.folder, cls.registry)

    def quickstart(self, name, **options):
        return self.workspace("quickstart", self.registry, self.base, folder=self.folder / name, **options)

    def environment(self, **changes):
        """This environment, with cargo nowhere to be found."""
        path = [folder for folder in os.environ["PATH"].split(":") if not os.path.exists(f"{folder}/cargo")]
        environment = {name: value for name, value in os.environ.items() if name not in ("CARGO", "CARGO_HOME")}
        return {**environment, "PATH": ":".join(path), "HOME": str(self.folder), **changes}

    def test_from_a_folder_without_cargo(self):
        quickstart = self.quickstart("folder")
        environment = self.environment()
        quickstart.build("//:image", f"--repo_env=PATH={environment['PATH']}", env=environment)

    def test_without_cargo_and_without_folder(self):
        quickstart = self.quickstart("nothing", tools_dir=None)
        environment = self.environment()
        said = quickstart.build("//:image", f"--repo_env=PATH={environment['PATH']}", f"--repo_env=HOME={self.folder}",
                                env=environment, expect="failure").stderr
        for word in ("cargo", "rustup", "RULES_IMG_TOOLS_DIR"):
            self.assertIn(word, said)

    def test_from_source(self):
        quickstart = self.quickstart("source", tools_dir=None)
        # What is tested is that the programs come from the source, not how fast they are; this builds them in a third of the time.
        profile = {"OPT_LEVEL": "0", "LTO": "off", "CODEGEN_UNITS": "16"}
        environment = {f"CARGO_PROFILE_RELEASE_{name}": value for name, value in profile.items()}
        quickstart.build("//:image", timeout=1200, env={**os.environ, **environment})
        quickstart.run_target("//:push")

    def test_folder_without_programs(self):
        empty = self.folder / "empty"
        empty.mkdir()
        said = self.quickstart("empty_folder", tools_dir=empty).build("//:image", expect="failure").stderr
        self.assertIn(str(empty), said)
