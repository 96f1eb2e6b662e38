"""The end of a run: a summary and a status, however the work ends."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from command import Stopped, stop_if_told, stop_on_signals
from results import Results
from summary import summarize


def conclude(work: Callable[[], None], results: Results) -> int:
    """Does the work and prints the summary, even if a signal or an error of the runner ends the work. Returns the status."""
    status = 0
    stop_on_signals()
    try:
        work()
        stop_if_told()
    except Stopped as stopped:
        status = stopped.status
        results.not_run.append(f"everything after {stopped} told the run to stop")
    except Exception as error:
        traceback.print_exc()
        results.fail("runner", f"{type(error).__name__}: {error}")
    print("\n" + "\n".join(summarize(results)), flush=True)
    return status or (1 if results.failed_steps or results.with_outcome("failed") else 0)
