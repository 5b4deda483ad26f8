"""podman with a storage of its own."""

import os

from harness import process


class Podman:
    """Images and containers in a folder.

    partial: whether to fetch only the files of a layer that are not there yet, where a layer is eStargz or zstd:chunked.
    """

    def __init__(self, folder, partial=False):
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "storage.conf"
        # podman takes an eStargz layer in parts only where it is told that it need not make the tar again.
        config.write_text("\n".join([
            "[storage]",
            'driver = "overlay"',
            f'graphroot = "{folder}/graph"',
            f'runroot = "{folder}/run"',
            "[storage.options]",
            f'pull_options = {{enable_partial_images = "{str(partial).lower()}", '
            f'insecure_allow_unpredictable_image_contents = "{str(partial).lower()}"}}',
            "",
        ]))
        self.environment = dict(os.environ, CONTAINERS_STORAGE_CONF=str(config))

    def __call__(self, *words, **options):
        """Runs podman; returns the completed process. Its usual runtime, crun, refuses machines with both versions of cgroups."""
        return process.run(["podman", "--runtime=runc", "--cgroup-manager=cgroupfs", *words], env=self.environment, **options)

    def pull(self, reference):
        """Pulls an image over plain HTTP; returns what podman says about how."""
        return self("--log-level=debug", "pull", "--tls-verify=false", reference).stderr

    def run(self, reference, *words):
        """Runs a container without a network; returns what it prints."""
        return self("run", "--rm", "--network=none", reference, *words).stdout

    def stop(self):
        """Takes everything away, mounts included."""
        self("system", "reset", "--force", expect="any")
