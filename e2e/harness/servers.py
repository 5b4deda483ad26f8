"""Registries, a counting proxy and containerd, each on free loopback ports with folders of their own."""

import itertools
import json
import os
import pathlib
import subprocess
import time

from harness import process


def tool(name):
    """A program of ours, built by `make tools` (and, for tests, the registry and the test kit)."""
    for variable in ("RULES_IMG_TOOLS_DIR", "RULES_IMG_TEST_TOOLS_DIR"):
        path = pathlib.Path(os.environ.get(variable, "/nonexistent")) / name
        if path.exists():
            return path
    raise AssertionError(f"`{name}` is not built; run the tests with `make e2e`")


class Certificate:
    """A certificate for this machine, which nobody trusts who is not told to. `flags` is what servers of ours must be told, `trust` the
    environment of programs that shall trust it, and it alone."""

    def __init__(self, folder):
        self.path, key = folder / "certificate.pem", folder / "key.pem"
        process.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                     "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
                     "-keyout", key, "-out", self.path])
        self.flags = ["--tls-cert", self.path, "--tls-key", key]
        self.trust = {**os.environ, "SSL_CERT_FILE": str(self.path)}


class DockerRegistry:
    """Debian's docker-registry: the server that ours is not."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.port = process.free_port()
        self.host = f"localhost:{self.port}"
        self.url = f"http://{self.host}"
        config = folder / "docker-registry.yml"
        config.write_text(json.dumps({
            "version": 0.1,
            "log": {"level": "info"},
            "storage": {"filesystem": {"rootdirectory": str(folder / "docker-registry")}, "delete": {"enabled": True}},
            "http": {"addr": f"127.0.0.1:{self.port}"},
        }))
        self.server = process.Server(["docker-registry", "serve", config], folder / "docker-registry.log")
        self.server.wait_for_port(self.port)
        self.stop = self.server.stop


class OurRegistry:
    """services/registry with a store on disk; with a remote cache, it also reads that and takes commits at `blob_cache`."""

    def __init__(self, folder, *words, cache=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.root = folder / "registry"
        self.log_path = folder / "registry-requests.jsonl"
        flags = ["--remote-cache", cache.endpoint, "--grpc-port", "0"] if cache else []
        self.server = process.Server([tool("registry"), "--port", "0", "--root", self.root, "--log", "requests",
                                      "--log-file", self.log_path, *flags, *words], folder / "registry.log", stdout=subprocess.PIPE)
        self.url = self.server.wait_for_line("listening on ")
        self.host = self.url.split("://")[1].replace("127.0.0.1", "localhost")
        self.blob_cache = self.server.wait_for_line("blob cache on ") if cache else None
        self.stop = self.server.stop

    def requests(self):
        """All requests so far, one dict each: method, path, status, received, sent."""
        return [json.loads(line) for line in self.log_path.read_text().splitlines()]

    def kill(self):
        """Ends it without warning."""
        self.server.process.kill()
        self.server.process.wait()
        self.stop()


class BuildEventService:
    """services/bes: pushes the images of builds that tell it of themselves with `flags`."""

    def __init__(self, folder, cache, *words, port=0, env=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.log_path = folder / "bes.log"
        self.server = process.Server([tool("bes"), "--port", str(port), "--remote-cache", cache.endpoint, *words],
                                     self.log_path, env=env, stdout=subprocess.PIPE)
        self.endpoint = self.server.wait_for_line("listening on ")
        self.port = int(self.endpoint.rsplit(":", 1)[1])
        self.flags = [f"--bes_backend={self.endpoint}"]
        self.stop = self.server.stop

    def says(self, text, seconds=180):
        """Waits for a text in its log."""
        deadline = time.monotonic() + seconds
        while text not in self.log_path.read_text():
            assert time.monotonic() < deadline, f"`{text}` is not in the log:\n{self.server.tail()}"
            time.sleep(0.05)

    def kill(self):
        """`kill -9`"""
        self.server.process.kill()
        self.server.process.wait()


class CountingProxy:
    """Stands before a registry, delays each request, and counts requests and bytes."""

    def __init__(self, folder, upstream, *, latency_ms=0, name="proxy"):
        self.counts_path = folder / f"{name}.jsonl"
        self.server = process.Server(
            [tool("testkit"), "proxy", "--upstream", upstream.url, "--latency-ms", latency_ms, "--counts", self.counts_path],
            folder / f"{name}.log", stdout=subprocess.PIPE)
        self.url = self.server.wait_for_line("listening on ")
        self.host = self.url.removeprefix("http://").replace("127.0.0.1", "localhost")
        self.stop = self.server.stop

    def requests(self):
        """All requests so far, one dict each: method, path, status, request_bytes, response_bytes."""
        if not self.counts_path.exists():
            return []
        return [json.loads(line) for line in self.counts_path.read_text().splitlines()]

    def since(self, mark):
        """The requests after the first `mark`."""
        return self.requests()[mark:]


class Containerd:
    """A containerd with root, state and socket of its own."""

    _numbers = itertools.count()

    def __init__(self, folder):
        self.socket = folder / "containerd.sock"
        config = folder / "containerd.toml"
        config.write_text("\n".join([
            'version = 3',
            'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]',
            f'root = "{folder}/containerd-root"',
            f'state = "{folder}/containerd-state"',
            '[grpc]',
            f'  address = "{self.socket}"',
            '',
        ]))
        self.server = process.Server(["containerd", "--config", config], folder / "containerd.log")
        self.wait()
        self.stop = self.server.stop

    def wait(self):
        for _ in range(100):
            if process.run(["ctr", "-a", self.socket, "version"], expect="any").returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError(f"containerd does not answer; log:\n{self.server.tail()}")

    def ctr(self, *words, **options):
        """Runs `ctr` against this containerd."""
        return process.run(["ctr", "-a", self.socket, *words], **options)

    def run(self, reference):
        """What a container of an image prints. runc keeps the names of all containers of a machine in one folder, so each gets its own."""
        name = f"rules_img-{os.getpid()}-{next(self._numbers)}"
        return self.ctr("run", "--rm", reference, name).stdout


class Docker:
    """A docker daemon with data and socket of its own.

    features: of the daemon's configuration, e.g. `containerd-snapshotter`.
    """

    def __init__(self, folder, features):
        self.socket = folder / "docker.sock"
        config = folder / "daemon.json"
        config.write_text(json.dumps({"features": features}))
        self.server = process.Server(
            ["dockerd", "--config-file", config, "--iptables=false", "--ip6tables=false", "--bridge=none", "--data-root", folder / "data",
             "--exec-root", folder / "exec", "--pidfile", folder / "docker.pid", "--host", f"unix://{self.socket}"], folder / "docker.log")
        self.wait()
        self.stop = self.server.stop

    def wait(self):
        for _ in range(300):
            if process.run(["docker", "--host", f"unix://{self.socket}", "version"], expect="any").returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError(f"docker does not answer; log:\n{self.server.tail()}")

    def run(self, *words, **options):
        """Runs `docker` against this daemon."""
        return process.run(["docker", "--host", f"unix://{self.socket}", *words], **options)
