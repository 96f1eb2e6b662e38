"""The Rust tests: their compilation, their runs, and what libtest prints."""

from __future__ import annotations

import json
from pathlib import Path

from command import ROOT, Finished, run
from libtest_output import Output
from problem import first_problem
from results import Results
from verdict import check_that_tests_ran, judge_end

# The executable of the server, as opposed to those of tests.
SERVER = "the server"
# Status of an executable of which a test failed.
STATUS_OF_FAILURES = 101


def compile_tests(results: Results) -> dict[str, Path]:
    """Compiles all tests of the server and the server itself, once. Returns executables by target name.

    The server itself is under `SERVER`, because its library, whose tests are an executable too, has the same name.
    """
    command = ["cargo", "test", "--locked", "--no-run", "--message-format=json-render-diagnostics"]
    executables: dict[str, Path] = {}

    def read(line: str) -> None:
        if not line.startswith("{"):
            print(line, flush=True)
            return
        try:
            message = json.loads(line)
        except ValueError:
            print(line, flush=True)
            return
        if message.get("reason") == "compiler-artifact" and message.get("executable"):
            is_server = message["target"]["kind"] == ["bin"] and not message["profile"]["test"]
            executables[SERVER if is_server else message["target"]["name"]] = Path(message["executable"])

    finished = run(command, quiet=True, on_line=read)
    if not finished.ok:
        # Messages of cargo about artifacts are no errors, whatever their names are.
        said = [line for line in finished.lines if not line.startswith("{")]
        results.fail("compile", first_problem(said), "cargo test --no-run")
        return {}
    if missing := {"groundswell", "it", SERVER} - executables.keys():
        results.fail("compile", f"cargo named no executable of {', '.join(sorted(missing))}", "cargo test --no-run")
        return {}
    return executables


class Libtest:
    """One test executable."""

    def __init__(self, suite: str, executable: Path, *, threads: int, within_s: float) -> None:
        self.suite = suite
        self._executable = executable
        self._threads = threads
        self._within_s = within_s

    def run_all(self, results: Results, names: str | None = None) -> None:
        """Runs all tests, or those whose path contains `names`."""
        arguments = [f"--test-threads={self._threads}"]
        finished = self._run([*arguments, names] if names else arguments)
        output = Output(self.suite, finished.lines)
        results.tests += output.tests
        if not output.is_complete:
            running = f"; still running: {', '.join(output.running)}" if output.running else ""
            results.fail(self.suite, f"the run {finished.how_it_ended} before all tests had finished{running}: {output.last_words}")
            return
        judge_end(results, self.suite, finished, output.tests, status_of_failures=STATUS_OF_FAILURES)
        if output.contradiction:
            results.fail(self.suite, output.contradiction)
        if not names:
            check_that_tests_ran(results, self.suite, finished, output.tests)

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
