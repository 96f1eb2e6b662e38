"""Work that runs beside other work of the same phase."""

from __future__ import annotations

import threading
from collections.abc import Callable

from command import Stopped, end_all, stop_if_told


def side_by_side(work: Callable[[], None], other: Callable[[], None]) -> None:
    """Does both, the first in this thread. If that one raises, or a signal stops the run, ends the commands of both."""
    errors: list[Exception] = []

    def do_other() -> None:
        try:
            other()
        except Stopped:
            # The first thread says so.
            pass
        except Exception as error:
            errors.append(error)

    # A daemon, because a run that is told to stop does not wait for it.
    thread = threading.Thread(target=do_other, daemon=True)
    thread.start()
    try:
        work()
        thread.join()
        stop_if_told()
    except BaseException:
        end_all()
        raise
    if errors:
        raise errors[0]
