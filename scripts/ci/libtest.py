"""Rust test executables: one compilation, runs, and what libtest prints."""

from __future__ import annotations

import json
import re
from pathlib import Path

from command import ROOT, Finished, run
from results import Results, Test

# `test a::b ... ok`; while a test runs alone, its result stands on a line of its own below its output.
RESULT = re.compile(r"^test (?P<name>\S+)(?: - should panic)? \.\.\. (?P<outcome>ok|FAILED|ignored)(?:, (?P<reason>.*))?$")
# A test that passes without judging everything says so.
SKIPPED = re.compile(r"^SKIPPED: (?P<name>\S+): (?P<reason>.*)$")
STDOUT_OF = re.compile(r"^---- (?P<name>\S+) stdout ----$")


def compile_tests(results: Results) -> dict[str, Path]:
    """Compiles all tests of the server and the server itself, once. Returns executables by target name."""
    command = ["cargo", "test", "--locked", "--no-run", "--message-format=json-render-diagnostics"]
    executables: dict[str, Path] = {}

    def read(line: str) -> None:
        if not line.startswith("{"):
            print(line, flush=True)
            return
        message = json.loads(line)
        if message.get("reason") == "compiler-artifact" and message.get("executable"):
            if message["profile"]["test"]:
                executables[message["target"]["name"]] = Path(message["executable"])

    finished = run(command, quiet=True, on_line=read)
    if not finished.ok:
        results.fail("compile", _first_error(finished), "cargo test --no-run")
        return {}
    return executables


def _first_error(finished: Finished) -> str:
    errors = [line for line in finished.lines if line.startswith("error")]
    return errors[0] if errors else finished.tail.splitlines()[-1]


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
        tests = parse(self.suite, finished.lines)
        results.tests += tests
        if any(line.startswith("test result: ") for line in finished.lines):
            if not finished.ok and not any(test.outcome == "failed" for test in tests):
                results.fail(self.suite, f"all tests passed, but the run ended with {finished.status}: {_last_words(finished)}")
            return
        why = f"did not end within {self._within_s:.0f} s" if finished.timed_out else f"ended with {finished.status}"
        results.fail(self.suite, f"the run {why} before all tests had finished: {_last_words(finished)}")

    def run_again(self, test: Test) -> bool:
        """Runs one test alone, and returns whether it passed."""
        finished = self._run(["--test-threads=1", "--exact", test.again])
        passed = [line for line in finished.lines if line.startswith("test result: ok. 1 passed")]
        return finished.ok and bool(passed)

    def _run(self, arguments: list[str]) -> Finished:
        package = {
            "CARGO_MANIFEST_DIR": str(ROOT),
            "CARGO_PKG_NAME": "groundswell",
            # Failures print where they happened; a whole backtrace would bury them.
            "RUST_BACKTRACE": "0",
        }
        return run([str(self._executable), *arguments], env=package, within_s=self._within_s)


def _last_words(finished: Finished) -> str:
    unfinished = [line for line in finished.lines if "has been running for over" in line]
    return (unfinished or finished.lines or ["it printed nothing"])[-1]


def parse(suite: str, lines: list[str]) -> list[Test]:
    """Reads what libtest printed."""
    tests: dict[str, Test] = {}
    output: dict[str, list[str]] = {}
    current: list[str] | None = None
    outcomes = {"ok": "passed", "FAILED": "failed", "ignored": "skipped"}
    partly: list[Test] = []
    for line in lines:
        if found := SKIPPED.match(line):
            partly.append(Test(suite, f"{found['name']} (a part)", "skipped", found["reason"]))
        elif found := RESULT.match(line):
            name = found["name"]
            tests[name] = Test(suite, name, outcomes[found["outcome"]], found["reason"] or "", again=name)
        elif found := STDOUT_OF.match(line):
            current = output.setdefault(found["name"], [])
        elif line == "failures:" or line.startswith("test result: "):
            current = None
        elif current is not None:
            current.append(line)
    for name, said in output.items():
        if name in tests:
            # The place of the panic, then its message.
            tests[name].message = "\n".join(said).strip()
    return [*tests.values(), *partly]
