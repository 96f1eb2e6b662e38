"""The tests of the dashboard: Vitest, and node:test with Chromium."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from command import ROOT, Finished, run
from results import Results, Test

FRONTEND = ROOT / "frontend"


class Vitest:
    """Unit tests of the dashboard."""

    suite = "vitest"

    def run_all(self, results: Results, files: list[str] | None = None) -> None:
        finished, tests = self._run(files or [])
        results.tests += tests
        _check_that_it_ran(results, self.suite, finished, tests)

    def run_again(self, test: Test) -> bool:
        """Runs the test's file alone, and returns whether all of it passed."""
        finished, tests = self._run([test.again])
        return finished.ok and bool(tests) and all(one.outcome != "failed" for one in tests)

    def _run(self, files: list[str]) -> tuple[Finished, list[Test]]:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            reporters = ["--reporter=default", "--reporter=json", f"--outputFile.json={report}"]
            finished = run(["npm", "--prefix", "frontend", "exec", "--", "vitest", "run", "--root", "frontend", *reporters, *files])
            tests = self._read(report) if report.exists() else []
        return finished, tests

    def _read(self, report: Path) -> list[Test]:
        tests = []
        for file in json.loads(report.read_text())["testResults"]:
            path = os.path.relpath(file["name"], FRONTEND)
            for test in file["assertionResults"]:
                outcome = {"passed": "passed", "failed": "failed"}.get(test["status"], "skipped")
                message = "\n".join(test.get("failureMessages") or [])
                tests.append(Test(self.suite, f"{path} > {test['fullName']}", outcome, message, again=path))
            if file["status"] == "failed" and not any(test["status"] == "failed" for test in file["assertionResults"]):
                tests.append(Test(self.suite, path, "failed", file.get("message") or "the file failed", again=path))
        return tests


class Chromium:
    """Tests of the dashboard in a browser, against the real server."""

    suite = "chromium"

    def __init__(self, server: Path, *, within_s: float) -> None:
        self._server = server
        self._within_s = within_s

    def run_all(self, results: Results, files: list[str] | None = None) -> None:
        all_files = sorted(str(path.relative_to(FRONTEND)) for path in FRONTEND.glob("e2e/*.test.mjs"))
        finished, tests = self._run(files or all_files)
        results.tests += tests
        _check_that_it_ran(results, self.suite, finished, tests)

    def run_again(self, test: Test) -> bool:
        """Runs the test's file alone, and returns whether all of it passed."""
        finished, tests = self._run([test.again])
        return finished.ok and bool(tests) and all(one.outcome != "failed" for one in tests)

    def _run(self, files: list[str]) -> tuple[Finished, list[Test]]:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.jsonl"
            command = ["node", "--test", "--test-concurrency=1"]
            command += ["--test-reporter=spec", "--test-reporter-destination=stdout"]
            command += [f"--test-reporter={FRONTEND}/e2e/support/report.mjs", f"--test-reporter-destination={report}"]
            paths = [str(FRONTEND / file) for file in files]
            finished = run([*command, *paths], env={"GROUNDSWELL_BIN": str(self._server)}, within_s=self._within_s)
            lines = report.read_text().splitlines() if report.exists() else []
        return finished, [self._read(json.loads(line)) for line in lines]

    def _read(self, entry: dict[str, str]) -> Test:
        name = entry["file"] if entry["name"] == entry["file"] else f"{entry['file']} > {entry['name']}"
        message = entry.get("message") or entry.get("reason") or ""
        return Test(self.suite, name, entry["outcome"], message, again=entry["file"])


def _check_that_it_ran(results: Results, suite: str, finished: Finished, tests: list[Test]) -> None:
    if finished.timed_out:
        results.fail(suite, "the run hung and was ended")
    elif not tests:
        results.fail(suite, f"no test ran: {finished.tail}")
    elif not finished.ok and not any(test.outcome == "failed" for test in tests):
        results.fail(suite, f"no test failed, but the run ended with {finished.status}")
