"""Whether the run of a suite ended in a way that its results explain."""

from __future__ import annotations

from command import Finished
from results import Results, Test


def judge_end(results: Results, suite: str, finished: Finished, tests: list[Test], *, status_of_failures: int) -> None:
    """Fails the suite unless all tests passed and it ended with 0, or some failed and it ended as it then does.

    A crash after a failed test is no failed test: a second try of that test would hide it.
    """
    if finished.left_behind:
        results.warn_of_processes_left(suite)
    n_failed = sum(test.outcome == "failed" for test in tests)
    how = finished.how_it_ended
    if finished.timed_out:
        results.fail(suite, f"the run {how}")
    elif finished.status != (status_of_failures if n_failed else 0):
        failed = f"{n_failed} failed" if n_failed else "no test failed"
        results.fail(suite, f"{failed}, but the run {how}: {(finished.lines or ['it printed nothing'])[-1]}")


def check_that_tests_ran(results: Results, suite: str, finished: Finished, tests: list[Test]) -> None:
    """Fails the suite if it judged nothing, although all its tests should have run."""
    already = any(step.name == suite for step in results.failed_steps)
    if not already and not any(test.outcome in ("passed", "failed") for test in tests):
        results.fail(suite, f"no test ran: {(finished.lines or ['it printed nothing'])[-1]}")
