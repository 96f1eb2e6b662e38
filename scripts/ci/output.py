"""Where a step prints: at once, or, if it runs beside other steps, in one piece when it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_own = threading.local()


def printer() -> Callable[[str], None]:
    """Returns what prints a line for this thread. Threads that print on its behalf may call it too."""
    held: list[str] | None = getattr(_own, "held", None)
    return _print if held is None else held.append


def _print(line: str) -> None:
    print(line, flush=True)


@contextmanager
def of_a_step() -> Iterator[Callable[[str], None]]:
    """Gives what prints a line of a step. Beside the main thread, holds the lines back until the step ends."""
    if threading.current_thread() is threading.main_thread():
        yield _print
        return
    held: list[str] = []
    _own.held = held
    try:
        yield held.append
    finally:
        del _own.held
        _print("\n".join(held))
