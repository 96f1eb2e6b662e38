"""How many processors this run may use, and how busy they were."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
# More tests at a time run into limits other than processors: connections, memory, ports.
N_THREADS_MAX = 24


def count(cgroups: Path = CGROUPS, own: Path = Path("/proc/self/cgroup")) -> int:
    """Returns the number of processors that this process may run on, or the quota of its container (cgroup v2) if that is less."""
    n = len(os.sched_getaffinity(0))
    quotas = [quota for quota in map(_quota, _folders(cgroups, own)) if quota is not None]
    return max(1, min([n, *(math.ceil(quota) for quota in quotas)]))


def _folders(cgroups: Path, own: Path) -> list[Path]:
    """Returns the folders of the own control group and of all those around it."""
    lines = own.read_text().splitlines() if own.exists() else []
    paths = [line.split(":", 2)[2].strip("/") for line in lines if line.startswith("0::")]
    group = Path(paths[0]) if paths else Path()
    return [cgroups / group, *(cgroups / parent for parent in group.parents)]


def _quota(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def library_threads(n_cores: int) -> int:
    """Returns how many library tests run at a time: they compute, but some wait."""
    return min(N_THREADS_MAX, max(2, 2 * n_cores))


def server_threads(n_cores: int) -> int:
    """Returns how many server tests run at a time: they mostly wait for servers."""
    return min(N_THREADS_MAX, max(8, 4 * n_cores))


def chromium_files(n_cores: int) -> int:
    """Returns how many files of Chromium's tests run at a time. Each has a browser and a server of its own."""
    return min(4, max(2, math.ceil(n_cores / 2)))


class Busy:
    """The share of processor time that was used since this was made, by all processes of the machine."""

    def __init__(self, stat: Path = Path("/proc/stat")) -> None:
        self._stat = stat
        self._began = self._read()

    def percent(self) -> int | None:
        """Returns `None` where the system does not tell."""
        now = self._read()
        if self._began is None or now is None or now[1] <= self._began[1]:
            return None
        return round(100 * (now[0] - self._began[0]) / (now[1] - self._began[1]))

    def _read(self) -> tuple[int, int] | None:
        """Returns the processor time used and the processor time there was."""
        try:
            # user, nice, system, idle, iowait, irq, softirq, steal; guests are part of user.
            times = [int(time) for time in self._stat.read_text().splitlines()[0].split()[1:9]]
            return sum(times) - times[3] - times[4], sum(times)
        except (OSError, ValueError, IndexError):
            return None
