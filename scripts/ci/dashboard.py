"""The tests of the dashboard: Vitest, and node:test with Chromium."""

from __future__ import annotations

import json
import os
import re
import tempfile
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from command import ROOT, Finished, run
from problem import COLOURS
from results import Results, Test
from verdict import check_that_tests_ran, judge_end

FRONTEND = ROOT / "frontend"
# Vitest prints this where no test is to blame: a rejection that nobody awaited, or a worker that crashed.
UNHANDLED = re.compile(r"Vitest caught \d+ unhandled errors?")
# What `e2e/support/report.mjs` writes for a test that is skipped without a reason.
NO_REASON = "no reason given"


@dataclass
class Report:
    """How a run of files ended, the tests in its report, and why the report cannot be believed, if so."""

    finished: Finished
    tests: list[Test]
    problem: str = ""


class Files(ABC):
    """Tests of the dashboard that run file by file."""

    suite: str

    def run_all(self, results: Results, files: list[str] | None = None) -> None:
        """Runs all files, or these."""
        report = self._run(files or [])
        results.tests += report.tests
        judge_end(results, self.suite, report.finished, report.tests, status_of_failures=1)
        check_that_tests_ran(results, self.suite, report.finished, report.tests)
        # In no second try, which would hide an error that only some runs have.
        if report.problem:
            results.fail(self.suite, report.problem)

    def run_again(self, again: str) -> set[str]:
        """Runs a file alone, and returns the tests that passed; none if anything in it failed."""
        report = self._run([again])
        if not report.finished.ok or report.problem or any(test.outcome == "failed" for test in report.tests):
            return set()
        return {test.name for test in report.tests if test.outcome == "passed"}

    @abstractmethod
    def _run(self, files: list[str]) -> Report: ...


class Vitest(Files):
    """Unit tests of the dashboard."""

    suite = "vitest"

    def _run(self, files: list[str]) -> Report:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "report.json"
            reporters = ["--reporter=default", "--reporter=json", f"--outputFile.json={path}"]
            finished = run(["npm", "--prefix", "frontend", "exec", "--", "vitest", "run", "--root", "frontend", *reporters, *files])
            report = Report(finished, *read_vitest(_text_of(path)))
        unhandled = [line.strip() for line in finished.lines if UNHANDLED.search(line)]
        if unhandled:
            report.problem = COLOURS.sub("", unhandled[0])
        return report


class Chromium(Files):
    """Tests of the dashboard in a browser, against the real server."""

    suite = "chromium"

    def __init__(self, server: Path, *, files_at_a_time: int, within_s: float) -> None:
        self._server = server
        self._files_at_a_time = files_at_a_time
        self._within_s = within_s

    def _run(self, files: list[str]) -> Report:
        chosen = files or sorted(str(path.relative_to(FRONTEND)) for path in FRONTEND.glob("e2e/*.test.mjs"))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "report.jsonl"
            command = ["node", "--test", f"--test-concurrency={self._files_at_a_time}"]
            command += ["--test-reporter=spec", "--test-reporter-destination=stdout"]
            command += [f"--test-reporter={FRONTEND}/e2e/support/report.mjs", f"--test-reporter-destination={path}"]
            paths = [str(FRONTEND / file) for file in chosen]
            finished = run([*command, *paths], env={"GROUNDSWELL_BIN": str(self._server)}, within_s=self._within_s)
            report = Report(finished, *read_chromium(_text_of(path)))
        if without := files_without_a_result(report.tests, chosen):
            report.problem = f"without a result: {', '.join(without)}"
        return report


def _text_of(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def read_vitest(text: str) -> tuple[list[Test], str]:
    """Reads Vitest's report: its tests, and what is wrong with the report."""
    try:
        files = json.loads(text)["testResults"]
    except (ValueError, KeyError, TypeError):
        return [], "the report of the run is missing or not whole"
    tests = []
    for file in files:
        path = os.path.relpath(file["name"], FRONTEND)
        for test in file["assertionResults"]:
            outcome = {"passed": "passed", "failed": "failed"}.get(test["status"], "skipped")
            message = "\n".join(test.get("failureMessages") or [])
            seconds = (test.get("duration") or 0) / 1_000
            tests.append(Test("vitest", f"{path} > {test['fullName']}", outcome, message, again=path, seconds=seconds))
        if file["status"] == "failed" and not any(test["status"] == "failed" for test in file["assertionResults"]):
            tests.append(Test("vitest", path, "failed", file.get("message") or "the file failed", again=path, is_file=True))
    return tests, ""


def read_chromium(text: str) -> tuple[list[Test], str]:
    """Reads one JSON line for each test, as `e2e/support/report.mjs` writes them."""
    tests, problem = [], ""
    for line in text.splitlines():
        try:
            entry = json.loads(line)
            file, name, outcome = entry["file"], entry["name"], entry["outcome"]
        except (ValueError, KeyError, TypeError):
            problem = f"a line of the report is not whole: {line[:80]}"
            continue
        shown = file if name == file else f"{file} > {name}"
        message = entry.get("message") or entry.get("reason") or ""
        tests.append(Test("chromium", shown, outcome, message, again=file, seconds=entry.get("ms", 0) / 1_000, is_file=name == file))
    return tests, problem


def files_without_a_result(tests: list[Test], chosen: list[str]) -> list[str]:
    """Returns the files of which no test passed or failed, unless they skip all their tests with reasons."""
    without = []
    for file in chosen:
        found = [test for test in tests if test.again == file]
        is_judged = any(test.outcome in ("passed", "failed") for test in found)
        is_left_out = bool(found) and all(test.outcome == "skipped" and test.message != NO_REASON for test in found)
        if not is_judged and not is_left_out:
            without.append(file)
    return without
