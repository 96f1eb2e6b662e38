"""Second tries of failed tests, and what makes a flaky test acceptable."""

from __future__ import annotations

from typing import Protocol

from results import Results, Test

# More flaky tests than this fail the run.
MAX_FLAKY = 3
# A commit that breaks much is not tried again test by test.
MAX_TRIED = 12


class Suite(Protocol):
    suite: str

    def run_again(self, test: Test) -> bool: ...


def try_again(results: Results, suites: list[Suite]) -> None:
    """Runs each failed test once more, alone; those that pass then become flaky."""
    failed = results.with_outcome("failed")
    if len(failed) > MAX_TRIED:
        print(f"no second tries: {len(failed)} tests failed, which is no accident")
        return
    by_name = {suite.suite: suite for suite in suites}
    passed: dict[tuple[str, str], bool] = {}
    for test in failed:
        key = (test.suite, test.again)
        if key not in passed:
            print(f"── again, alone: {test.suite} {test.again}", flush=True)
            passed[key] = by_name[test.suite].run_again(test)
        if passed[key]:
            test.outcome = "flaky"
            print(f"FLAKY {test.suite} {test.name}\n{test.message}", flush=True)
    n_flaky = len(results.with_outcome("flaky"))
    if n_flaky > MAX_FLAKY:
        results.fail("second tries", f"{n_flaky} tests are flaky; more than {MAX_FLAKY} are not accepted")
