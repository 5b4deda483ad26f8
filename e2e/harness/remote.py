"""A remote cache, and remote execution: BuildGrid, and to execute also its queue in PostgreSQL and buildbox's worker.

Both take a folder for logs, listen on free loopback ports, and end with `stop()`. `flags` is what Bazel must be told.
"""

import pathlib
import shutil
import tempfile
import time

from harness import process
from harness.workspace import CHECKOUT

BUILDGRID = "/opt/buildgrid/bin/bgd"
PLATFORM = {"OSFamily": "linux", "ISA": "x86-64"}

# BuildGrid's reference is `server/app/settings/reference.yml` in its package.
CACHE_CONFIG = """
server:
  - !channel
    address: 127.0.0.1:{port}
    insecure-mode: true
{connections}
storages:
  - !disk-storage &storage
    path: {folder}/cas
caches:
  - !lru-action-cache &actions
    storage: *storage
    max-cached-refs: 4096
    allow-updates: true
    cache-failed-actions: false
{schedulers}
instances:
  - name: ''
    services:
      - !action-cache {{cache: *actions}}
      - !cas {{storage: *storage}}
      - !bytestream {{storage: *storage}}
{services}
thread-pool-size: 64
"""
CONNECTIONS = """
connections:
  - !sql-connection &sql
    connection-string: {url}
    pool-size: 10
"""
SCHEDULERS = """
schedulers:
  - !sql-scheduler &queue
    sql: *sql
    storage: *storage
    action-cache: *actions
    property-set: !dynamic-property-set
      match-property-keys: [OSFamily, ISA]
    assigners:
      - !priority-age-assigner {interval: 0.1}
"""
EXECUTION = """
      - !execution {scheduler: *queue}
      - !bots {scheduler: *queue}
"""


class RemoteCache:
    """Content-addressed storage, byte streams and an action cache."""

    def __init__(self, folder, *, connections="", schedulers="", services=""):
        folder.mkdir(parents=True, exist_ok=True)
        self.port = process.free_port()
        self.endpoint = f"grpc://127.0.0.1:{self.port}"
        self.flags = [f"--remote_cache={self.endpoint}"]
        self.blobs = folder / "cas"
        config = folder / "buildgrid.yml"
        config.write_text(CACHE_CONFIG.format(port=self.port, folder=folder, connections=connections,
                                              schedulers=schedulers, services=services))
        self.server = process.Server([BUILDGRID, "server", "start", config], folder / "buildgrid.log")
        self.stop = self.server.stop
        self.server.wait_for_port(self.port)


class Buildbox:
    """buildbox's storage on a socket of this machine. Bazel does not take it as a cache: it is filled by buildbox's own client."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        socket = folder / "casd.sock"
        self.endpoint = f"unix:{socket}"
        self.server = process.Server(["buildbox-casd", f"--bind={self.endpoint}", folder / "store"], folder / "casd.log")
        self.stop = self.server.stop
        for _ in range(200):
            if socket.exists():
                break
            time.sleep(0.05)
        else:
            raise AssertionError(f"no socket; log:\n{self.server.tail()}")

    def put(self, *paths):
        """Stores files."""
        process.run(["casupload", f"--remote={self.endpoint}", *paths])


class RemoteExecution:
    """A remote cache with a worker behind it, which sees the test-bed's programs and libraries, but neither this checkout
    nor the folders in `hidden`: what an action needs must be its input.
    """

    def __init__(self, folder, *, hidden=(), jobs=2):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.started = []
        self.own = pathlib.Path(tempfile.mkdtemp(prefix="rules_img-worker-"))
        try:
            self._start(hidden, jobs)
        except BaseException:
            self.stop()
            raise

    def _start(self, hidden, jobs):
        database = self._server(Postgres(self.folder))
        process.run([BUILDGRID, "migrate", "apply", database.url])
        cache = self._server(RemoteCache(self.folder, connections=CONNECTIONS.format(url=database.url),
                                         schedulers=SCHEDULERS, services=EXECUTION))
        self.endpoint = cache.endpoint
        self.blobs = cache.blobs
        self.flags = [f"--remote_executor={cache.endpoint}",
                      *(f"--remote_default_exec_properties={name}={value}" for name, value in PLATFORM.items())]
        remote = cache.endpoint.replace("grpc:", "http:")
        local = process.free_port()
        storage = self._server(process.Server(
            ["buildbox-casd", f"--cas-remote={remote}", f"--bind=127.0.0.1:{local}", self.own / "casd"],
            self.folder / "casd.log"))
        storage.wait_for_port(local)
        self._server(process.Server(
            [*without([CHECKOUT, *hidden]), "buildbox-worker", f"--bots-remote={remote}", f"--cas-remote=http://127.0.0.1:{local}",
             "--buildbox-run=/usr/bin/buildbox-run-hosttools", "--runner-arg=--staging-mode=copy-or-link",
             *(f"--platform={name}={value}" for name, value in PLATFORM.items()),
             f"--concurrent-jobs={jobs}", "--max-wait-time=2", "worker"],
            self.folder / "worker.log"))

    def _server(self, server):
        self.started.append(server)
        return server

    def stop(self):
        """Ends everything, the worker first."""
        while self.started:
            self.started.pop().stop()
        shutil.rmtree(self.own, ignore_errors=True)


def without(hidden):
    """The beginning of a command that shall not see some folders."""
    script = 'for folder in "$@"; do case $folder in --) break;; esac; mount -t tmpfs none "$folder"; done; ' \
             'while [ "$1" != -- ]; do shift; done; shift; exec "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-euc", script, "sh", *hidden, "--"]


class Postgres:
    """A database server that accepts everyone on this machine; it keeps nothing."""

    def __init__(self, folder):
        self.own = pathlib.Path(tempfile.mkdtemp(prefix="rules_img-postgres-"))
        shutil.chown(self.own, "postgres", "postgres")
        programs = max(pathlib.Path("/usr/lib/postgresql").iterdir()) / "bin"
        as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        data = self.own / "data"
        process.run([*as_postgres, programs / "initdb", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", data],
                    cwd=self.own)
        port = process.free_port()
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
        self.server = process.Server(
            [*as_postgres, programs / "postgres", "-D", data, "-p", port, "-k", self.own, "-c", "listen_addresses=127.0.0.1",
             "-c", "fsync=off", "-c", "full_page_writes=off"], folder / "postgres.log")
        self.server.wait_for_port(port)

    def stop(self):
        """Ends the server and removes its data."""
        self.server.stop()
        shutil.rmtree(self.own, ignore_errors=True)
