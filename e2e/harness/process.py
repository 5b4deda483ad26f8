"""Processes: commands that must end, and servers that are ended when a test is done. Only what was started here is ended."""

import os
import select
import signal
import socket
import subprocess
import time


class CommandFailed(AssertionError):
    """A command ended with another exit status than was expected."""


def run(command, *, expect=0, timeout=600, cwd=None, env=None, stdin=None):
    """Runs a command to its end and returns the completed process with text output.

    expect: the exit status, "any", or "failure" for every status but 0.
    """
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=env, text=True, input=stdin,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, check=False)
    wrong = done.returncode == 0 if expect == "failure" else expect != "any" and done.returncode != expect
    if wrong:
        raise CommandFailed(f"{' '.join(map(str, command))}\nexit status {done.returncode}, expected {expect}\n"
                            f"stdout:\n{done.stdout[-4000:]}\nstderr:\n{done.stderr[-8000:]}")
    return done


def measured(command, report, *, seconds=60):
    """Runs a command to its end, for at most that long (exit status 124); returns its exit status, its standard error, and the
    peak of its memory in bytes. `report` is a file to be written; GNU time starts the command, because a child of this process
    would begin with the size of this process."""
    done = subprocess.run(["time", "--quiet", "--format=%M", f"--output={report}", "timeout", str(seconds), *map(str, command)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stderr.decode(errors="replace"), int(report.read_text().split()[-1]) * 1024


def free_port():
    """A port of the loopback interface that nobody listened on a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A long-running child process; `stop()` ends it and all it started."""

    def __init__(self, command, log_path, *, env=None, stdout=None):
        self.log_path = log_path
        self.log = open(log_path, "ab")  # closed in stop()
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                        stdout=stdout or self.log, stderr=self.log, env=env, start_new_session=True, bufsize=0)

    def wait_for_port(self, port, seconds=30):
        """Returns once something listens on the port; fails when the process ends before."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with socket.socket() as client:
                client.settimeout(1)
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    return self
            time.sleep(0.05)
        raise AssertionError(f"nothing listens on port {port}; log:\n{self.tail()}")

    def wait_for_line(self, prefix, seconds=30):
        """The first line of standard output that starts with the prefix, without it."""
        assert self.process.stdout is not None, "start the server with stdout=subprocess.PIPE"
        deadline = time.monotonic() + seconds
        while select.select([self.process.stdout], [], [], max(deadline - time.monotonic(), 0))[0]:
            line = self.process.stdout.readline().decode()
            if line.startswith(prefix):
                return line[len(prefix):].strip()
            if not line:
                break
        raise AssertionError(f"no line `{prefix}...` from the server; log:\n{self.tail()}")

    def tail(self):
        """The end of the log."""
        with open(self.log_path, "rb") as log:
            return log.read()[-4000:].decode(errors="replace")

    def stop(self):
        """Asks the process group to end, then insists."""
        for number, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
            if self.process.poll() is None:
                try:
                    os.killpg(self.process.pid, number)
                    self.process.wait(patience)
                except (ProcessLookupError, subprocess.TimeoutExpired):
                    continue
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.log.close()
