"""Second tries of failed tests, and what makes a flaky test acceptable."""

from __future__ import annotations

from typing import Protocol

from landed import Landed, is_new
from results import Results, Test

# More flaky tests than this fail the run.
MAX_FLAKY = 3
# With more failures, the commit is broken, and second tries would only take time.
MAX_TRIED = 12


class Suite(Protocol):
    """Tests that can run again, one by one or file by file."""

    suite: str

    def run_again(self, again: str) -> set[str]:
        """Runs a test or file alone, and returns the names of the tests that passed; none if the run failed."""
        ...


def try_again(results: Results, suites: list[Suite], landed: Landed) -> None:
    """Runs each failed test once more, alone; those that pass then become flaky.

    Tests whose file changed since the last landed commit get no second try: they must pass from the start. If that commit
    is not known, any test may be new, so there are no second tries. A file that failed as a whole gets none either,
    because a crash is no failed test.
    """
    failed = results.with_outcome("failed")
    changed = landed.changed
    if changed is None:
        print(f"no second tries: the last landed commit is {landed.shown}")
        return
    for test in failed:
        if test.is_file:
            print(f"no second try: {test.suite} {test.name} failed as a whole")
        elif is_new(test, changed):
            print(f"no second try: the file of {test.suite} {test.name} changed since the last landed commit")
    accepted = [test for test in failed if not test.is_file and not is_new(test, changed)]
    if len(accepted) > MAX_TRIED:
        print(f"no second tries: {len(accepted)} tests failed")
        return
    by_name = {suite.suite: suite for suite in suites}
    passed: dict[tuple[str, str], set[str]] = {}
    for test in accepted:
        key = (test.suite, test.again)
        if key not in passed:
            print(f"── again, alone: {test.suite} {test.again}", flush=True)
            passed[key] = by_name[test.suite].run_again(test.again)
        if _passed(test, passed[key]):
            test.outcome = "flaky"
            print(f"FLAKY {test.suite} {test.name}\n{test.message}", flush=True)
    n_flaky = len(results.with_outcome("flaky"))
    if n_flaky > MAX_FLAKY:
        results.fail("second tries", f"{n_flaky} tests are flaky; more than {MAX_FLAKY} are not accepted")


def _passed(test: Test, names: set[str]) -> bool:
    """Returns whether a test is among those that passed, or, for a group whose hook failed, one of its tests is."""
    return test.name in names or any(name.startswith(f"{test.name} > ") for name in names)
