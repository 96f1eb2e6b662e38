"""Child processes whose output is both shown and kept, and which end with the run."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# How long a process that is told to stop may take before it is killed.
STOP_WITHIN_S = 20


@dataclass
class Finished:
    """What a command left behind."""

    status: int
    lines: list[str]
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        return self.status == 0 and not self.timed_out

    @property
    def tail(self) -> str:
        return "\n".join(self.lines[-15:])


def run(
    command: list[str],
    *,
    within_s: float = 1_800,
    env: Mapping[str, str] | None = None,
    quiet: bool = False,
    on_line: Callable[[str], None] | None = None,
) -> Finished:
    """Runs a command in the checkout and streams its output, unless `quiet`. `within_s` only ends a hang."""
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # A group of its own, so that a hanging command ends with all its children.
        start_new_session=True,
    )
    timed_out = threading.Event()

    def give_up() -> None:
        timed_out.set()
        _end(child)

    timer = threading.Timer(within_s, give_up)
    timer.start()
    lines: list[str] = []
    try:
        assert child.stdout is not None
        for line in child.stdout:
            line = line.rstrip("\n")
            lines.append(line)
            if on_line is not None:
                on_line(line)
            if not quiet:
                print(line, flush=True)
        status = child.wait()
    except BaseException:
        _end(child)
        raise
    finally:
        timer.cancel()
    return Finished(status, lines, timed_out.is_set())


def _end(child: subprocess.Popen[str]) -> None:
    for sent in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, sent)
        except ProcessLookupError:
            return
        try:
            child.wait(timeout=STOP_WITHIN_S)
            # Children that ignored the first signal hold the output open.
            os.killpg(child.pid, signal.SIGKILL)
            return
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            return
