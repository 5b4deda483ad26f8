"""Images are run, not only listed: containerd pulls them and starts their programs, which read their runfiles and call each other."""

from harness import judges, process, servers
from harness.bench import Bench, push_base
from harness.root_filesystem import root_filesystem

# Ways into an image: image_layer, and layer_from_binary with runfiles beside the program and in a shared folder.
WAYS = ("files", "private", "shared")


class Run(Bench):
    """C++, Python and shell on one base, Java on another, in one containerd."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = cls.server(servers.DockerRegistry(cls.folder))
        cls.base = push_base(cls.folder, cls.registry, rootfs=root_filesystem(cls.folder))
        cls.containerd = cls.server(servers.Containerd(cls.folder))

    def printed(self, workspace, target, reference):
        """Pushes an image, pulls it into containerd, runs it; returns what its program printed."""
        process.run([workspace.output(target)])
        reference = f"{self.registry.host}/{reference}"
        judges.validate(reference)
        self.containerd.ctr("images", "pull", "--plain-http", reference)
        return self.containerd.run(reference)

    def built(self, name, *flags, base=None):
        """A workspace with all of its targets built, on the base of the class or on another."""
        workspace = self.workspace(name, self.registry, base or self.base)
        workspace.build("//:all", *flags)
        return workspace

    def test_cc(self):
        cc = self.built("cc")
        with self.subTest("on no base"):
            printed = self.printed(cc, "push_standalone", "cc/standalone:1.0")
            self.assertEqual(printed, f"standalone: {(cc.path / 'config.txt').read_text()}")
        for way in WAYS:
            with self.subTest(way):
                printed = self.printed(cc, f"push_greeter_{way}", f"cc/greeter_{way}:latest")
                self.assertEqual(printed, f"hello, {(cc.path / 'data/name.txt').read_text()}")

    def test_python(self):
        python = self.built("python")
        for way in WAYS:
            with self.subTest(way):
                printed = self.printed(python, f"push_{way}", f"python/{way}:latest")
                self.assertEqual(printed, "good morning, Ada Lovelace! (11 letters) production\n")

    def test_shell(self):
        shell = self.built("shell")
        for way in WAYS:
            with self.subTest(way):
                printed = self.printed(shell, f"push_{way}", f"shell/{way}:latest")
                self.assertEqual(printed, "HELLO, GRACE HOPPER\n")

    def test_java(self):
        base = push_base(self.folder, self.registry, repository="demo/java", rootfs=root_filesystem(self.folder, java=True))
        java = self.built("java", "--config=java", base=base)
        for way in WAYS:
            with self.subTest(way):
                printed = self.printed(java, f"push_{way}", f"java/{way}:latest")
                self.assertEqual(printed, "good afternoon, Barbara Liskov! production\n")
