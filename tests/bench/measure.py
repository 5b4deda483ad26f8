"""Runs commands and says what they took."""

import os
import statistics
import subprocess
import tempfile
import time


class Cost:
    """What one run took: seconds on the clock, seconds of processors, the largest process in bytes, bytes of output,
    and bytes that were written to disks."""

    def __init__(self, wall, cpu, peak, size, written):
        self.wall, self.cpu, self.peak, self.size, self.written = wall, cpu, peak, size, written


def cost(command, output=None):
    """Runs a command (a list, or a text for the shell) and all that it starts."""
    words = ["bash", "-euo", "pipefail", "-c", command] if isinstance(command, str) else [str(word) for word in command]
    with tempfile.NamedTemporaryFile() as report:
        # GNU time stands between, because a child of this process would begin with the size of this process.
        words = ["time", "--quiet", "--format=%M %O", f"--output={report.name}", *words]
        start = time.monotonic()
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        peak, blocks = map(int, report.read().split()[-2:])
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"error: `{' '.join(words)}` ended with {process.returncode}")
    return Cost(wall, used.ru_utime + used.ru_stime, peak * 1024, output.stat().st_size if output else 0, blocks * 512)


def used(process):
    """Seconds of processors that a running process took so far, by its id."""
    with open(f"/proc/{process}/stat", encoding="ascii") as file:
        user, system = file.read().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def rounds(contestants, runs, output):
    """Runs all contestants in turn, `runs` times, beginning with another one each time, so that noise is shared.

    contestants: name -> command. Returns name -> list of costs.
    """
    costs = {name: [] for name in contestants}
    names = list(contestants)
    for number in range(runs):
        for name in names[number % len(names):] + names[:number % len(names)]:
            output.unlink(missing_ok=True)
            costs[name].append(cost(contestants[name], output))
    output.unlink(missing_ok=True)
    return costs


def median(costs, key):
    """The median of one figure."""
    return statistics.median(getattr(cost, key) for cost in costs)


def ratio(costs, others, key):
    """The median of the quotients within each round."""
    return statistics.median(getattr(a, key) / getattr(b, key) for a, b in zip(costs, others))
