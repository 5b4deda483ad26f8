"""What most cases start from: a folder, a registry with a base image, and a workspace that pulls it."""

import pathlib
import shutil
import tempfile
import unittest

from harness import judges, process, servers, workspace

ZERO_DIGEST = "sha256:" + "0" * 64
# Go's names; eight of them, as official images have.
EIGHT_PLATFORMS = ("linux/amd64,linux/arm64,linux/arm/v7,linux/arm/v6,linux/386,linux/ppc64le,linux/s390x,linux/riscv64")


class Bench(unittest.TestCase):
    """A test case with a folder of its own and servers that end with it."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="rules_img-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)

    @classmethod
    def server(cls, server):
        """Ends a server when the class is done."""
        cls.addClassCleanup(server.stop)
        return server

    @classmethod
    def workspace(cls, name, registry, base, **options):
        """A workspace under e2e/ that pulls this base, if there is one, and pushes to this registry."""
        replace = {"localhost:5000": registry.host, **({ZERO_DIGEST: base} if base else {}), **options.pop("replace", {})}
        copy = workspace.Workspace(options.pop("folder", cls.folder), name, replace=replace, **options)
        cls.addClassCleanup(copy.shutdown)
        return copy


def push_base(folder, registry, *, repository="demo/base", tag="1.0", size=1 << 20, platforms="linux/amd64,linux/arm64", rootfs=None):
    """Puts a deterministic multi-platform image into a registry; `size` is that of all its layers together."""
    words = ["--rootfs", rootfs] if rootfs else []
    done = process.run([servers.tool("testkit"), "base-image", "--registry", registry.url, "--repository", repository, "--tag", tag,
                        "--size", size, "--platforms", platforms, *words])
    digest = done.stdout.split()[-1]
    assert digest == judges.digest(f"{registry.host}/{repository}:{tag}")
    return digest
