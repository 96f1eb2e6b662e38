"""Child processes whose output is both shown and kept, and which end with the run."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from output import printer

ROOT = Path(__file__).resolve().parents[2]

# How long a process that is told to stop may take before it is killed.
STOP_WITHIN_S = 20
# How long the output of an ended process may stay open. Its own output is read in milliseconds; what it started and left
# behind can hold the pipe open forever.
DRAIN_WITHIN_S = 10

# How often a wait for a child looks whether the runner was told to stop.
LOOK_EVERY_S = 0.2

# Children of all threads. Once the run is over, none is added.
_children: set[subprocess.Popen[str]] = set()
_changing_children = threading.Lock()
_is_over = threading.Event()
_told_to_stop_by: int | None = None


class Stopped(BaseException):
    """The runner was told to stop by this signal. Not an `Exception`, so that nothing catches it by mistake."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.status = 128 + number


def stop_on_signals() -> None:
    """Notes the first signal to stop, so that `run` ends its child and raises `Stopped`, and the run prints its summary.

    The handler itself raises nothing: it can interrupt any line, also one that holds a lock or has just started a child.
    """
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def note(number: int, _frame: object) -> None:
        global _told_to_stop_by
        for one in signals:
            signal.signal(one, signal.SIG_IGN)
        _told_to_stop_by = number

    for one in signals:
        # A run under `nohup` goes on when its terminal closes.
        if one != signal.SIGHUP or signal.getsignal(one) != signal.SIG_IGN:
            signal.signal(one, note)


def stop_if_told() -> None:
    """Raises `Stopped` if a signal told the runner to stop."""
    if _told_to_stop_by is not None:
        raise Stopped(_told_to_stop_by)


@dataclass
class Finished:
    """What a command left behind."""

    status: int
    lines: list[str]
    timed_out: bool = False
    # Processes that it started held its output open after its end.
    left_behind: bool = False

    @property
    def ok(self) -> bool:
        return self.status == 0 and not self.timed_out

    @property
    def tail(self) -> str:
        return "\n".join(self.lines[-15:])

    @property
    def how_it_ended(self) -> str:
        if self.timed_out:
            return "hung and was ended"
        return f"ended with {_name_of(self.status)}"


def _name_of(status: int) -> str:
    try:
        return signal.Signals(-status).name if status < 0 else f"status {status}"
    except ValueError:
        return f"signal {-status}"


def run(
    command: list[str],
    *,
    within_s: float = 1_800,
    env: Mapping[str, str] | None = None,
    quiet: bool = False,
    on_line: Callable[[str], None] | None = None,
) -> Finished:
    """Runs a command in the checkout and streams its output, unless `quiet`. `within_s` only ends a hang.

    The command has ended when its process has, even if something that it left behind still holds its output open.
    """
    stop_if_told()
    with _changing_children:
        if _is_over.is_set():
            raise RuntimeError(f"not started, because the run is over: {command[0]}")
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
        _children.add(child)
    say = printer()
    lines: list[str] = []
    unshown: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    errors: list[Exception] = []

    def read() -> None:
        assert child.stdout is not None
        with child.stdout as output:
            for line in output:
                line = line.rstrip("\n")
                lines.append(line)
                unshown.put(line)

    # Apart from the reader, so that a terminal or a log collector that is slow or paused loses no line.
    def show() -> None:
        while (line := unshown.get()) is not None:
            try:
                if on_line is not None:
                    on_line(line)
                if not quiet:
                    say(line)
            except Exception as error:
                # Shows the rest too.
                errors.append(error)

    reader = threading.Thread(target=read, daemon=True)
    shower = threading.Thread(target=show, daemon=True)
    timed_out = left_behind = False
    try:
        reader.start()
        shower.start()
        try:
            _wait(child, within_s)
        except subprocess.TimeoutExpired:
            timed_out = True
            _end(child)
        reader.join(DRAIN_WITHIN_S)
        left_behind = reader.is_alive()
        if left_behind:
            _signal_group(child, signal.SIGKILL)
            # What left the group too is beyond reach. The output so far has been read.
            reader.join(1)
        unshown.put(None)
        shower.join()
    except BaseException:
        _end(child)
        raise
    finally:
        with _changing_children:
            _children.discard(child)
    if errors:
        raise errors[0]
    return Finished(child.returncode, list(lines), timed_out, left_behind)


def _wait(child: subprocess.Popen[str], within_s: float) -> None:
    """Waits until the child has ended. Raises `subprocess.TimeoutExpired` after `within_s`."""
    last = time.monotonic() + within_s
    while True:
        stop_if_told()
        left = last - time.monotonic()
        try:
            child.wait(timeout=min(max(left, 0), LOOK_EVERY_S))
            return
        except subprocess.TimeoutExpired:
            if left <= LOOK_EVERY_S:
                raise


def end_all() -> None:
    """Ends the commands of all threads, and lets none start from now on."""
    with _changing_children:
        _is_over.set()
        children = list(_children)
    for child in children:
        _end(child)


def _end(child: subprocess.Popen[str]) -> None:
    _signal_group(child, signal.SIGTERM)
    try:
        child.wait(timeout=STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        pass
    # Also for children of it that ignored the first signal.
    _signal_group(child, signal.SIGKILL)
    child.wait()


def _signal_group(child: subprocess.Popen[str], number: int) -> None:
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        pass
