"""The Rust tests: their runs, and what libtest prints."""

from __future__ import annotations

from pathlib import Path

from command import ROOT, Finished, run
from libtest_output import Output
from results import Results
from verdict import check_that_tests_ran, judge_end

# Status of an executable of which a test failed.
STATUS_OF_FAILURES = 101


class Libtest:
    """One test executable."""

    def __init__(self, suite: str, executable: Path, *, threads: int, within_s: float) -> None:
        self.suite = suite
        self._executable = executable
        self._threads = threads
        self._within_s = within_s

    def run_all(self, results: Results, names: str | None = None) -> None:
        """Runs all tests, or those whose path contains `names`."""
        finished, output = self._judged(results, [names] if names else [])
        if output.is_complete and not names:
            check_that_tests_ran(results, self.suite, finished, output.tests)

    def run_some(self, results: Results, names: list[str]) -> None:
        """Runs the tests with exactly these paths."""
        self._judged(results, ["--exact", *names])

    def _judged(self, results: Results, chosen: list[str]) -> tuple[Finished, Output]:
        finished = self._run([f"--test-threads={self._threads}", *chosen])
        output = Output(self.suite, finished.lines)
        results.tests += output.tests
        if not output.is_complete:
            running = f"; still running: {', '.join(output.running)}" if output.running else ""
            results.fail(self.suite, f"the run {finished.how_it_ended} before all tests had finished{running}: {output.last_words}")
            return finished, output
        judge_end(results, self.suite, finished, output.tests, status_of_failures=STATUS_OF_FAILURES)
        if output.contradiction:
            results.fail(self.suite, output.contradiction)
        return finished, output

    def run_again(self, again: str) -> set[str]:
        """Runs one test alone, and returns its name if it passed."""
        finished = self._run(["--test-threads=1", "--exact", again])
        output = Output(self.suite, finished.lines)
        if not finished.ok or not output.is_complete or output.contradiction:
            return set()
        return {test.name for test in output.tests if test.outcome == "passed"}

    def _run(self, arguments: list[str]) -> Finished:
        package = {
            "CARGO_MANIFEST_DIR": str(ROOT),
            "CARGO_PKG_NAME": "groundswell",
            # Failures print where they happened; a whole backtrace would bury them.
            "RUST_BACKTRACE": "0",
        }
        return run([str(self._executable), *arguments], env=package, within_s=self._within_s)
