"""Reports of Vitest and of node:test, and the ends of their runs, from programs that write as they do."""

from __future__ import annotations

import json
import os
from pathlib import Path
from unittest import mock

import dashboard
from dashboard import Chromium, Vitest
from results import Results, Test
from slowest import slowest
from testing import WithPrograms

BROKEN = Test("vitest", "src/a.test.ts > adds", "failed", again="src/a.test.ts")


class Dashboard(WithPrograms):
    def run_all(self, suite: Vitest | Chromium) -> Results:
        results = Results()
        with mock.patch.dict(os.environ, {"PATH": f"{self.folder}:{os.environ['PATH']}"}):
            suite.run_all(results)
        return results

    def vitest(self, outcomes: list[str], end: str, *, said: str = "") -> Results:
        tests = [{"status": outcome, "fullName": f"test {i}", "duration": 5} for i, outcome in enumerate(outcomes)]
        status = "failed" if "failed" in outcomes else "passed"
        path = str(dashboard.FRONTEND / "src/a.test.ts")
        report = json.dumps({"testResults": [{"name": path, "status": status, "assertionResults": tests}]})
        return self.vitest_with(report, f"echo '{said}'\n{end}")

    def vitest_with(self, report: str, end: str) -> Results:
        write = 'for a in "$@"; do case "$a" in --outputFile.json=*) file="${a#*=}" ;; esac; done'
        self.program(f"{write}\ncat >\"$file\" <<'END'\n{report}\nEND\n{end}", "npm")
        return self.run_all(Vitest())

    def chromium(self, lines: str, end: str, within_s: float = 60) -> Results:
        write = 'for a in "$@"; do case "$a" in --test-reporter-destination=/*) file="${a#*=}" ;; esac; done'
        self.program(f"{write}\nprintf '%s' '{lines}' >\"$file\"\n{end}", "node")
        return self.run_all(Chromium(Path("server"), files_at_a_time=2, within_s=within_s))

    def test_the_ends_that_results_explain_fail_no_step(self) -> None:
        self.assertEqual(self.vitest(["passed", "skipped"], "exit 0").failed_steps, [])
        self.assertEqual(self.vitest(["passed", "failed"], "exit 1").failed_steps, [])

    def test_a_failed_test_excuses_no_crash(self) -> None:
        for end in ("exit 0", "exit 134", "kill -KILL $$"):
            self.assertEqual([step.name for step in self.vitest(["failed"], end).failed_steps], ["vitest"], end)
            line = '{"file": "e2e/a.test.mjs", "name": "a", "outcome": "failed"}'
            self.assertEqual([step.name for step in self.chromium(line, end).failed_steps], ["chromium"], end)
        self.assertEqual([step.name for step in self.vitest(["passed"], "exit 1").failed_steps], ["vitest"])

    def test_an_unhandled_error_fails_the_suite_beside_a_failed_test(self) -> None:
        said = "Vitest caught 1 unhandled error during the test run."
        results = self.vitest(["failed"], "exit 1", said=said)
        self.assertEqual([step.problem for step in results.failed_steps], [said])
        self.assertEqual(len(results.with_outcome("failed")), 1)

    def test_a_second_try_with_an_unhandled_error_does_not_pass(self) -> None:
        for said, passes in (("", True), ("Vitest caught 2 unhandled errors during the test run.", False)):
            self.vitest(["passed"], "exit 0", said=said)
            with mock.patch.dict(os.environ, {"PATH": f"{self.folder}:{os.environ['PATH']}"}):
                self.assertEqual(Vitest().run_again(BROKEN), passes)

    def test_a_report_that_is_cut_off_fails_the_suite_and_not_the_runner(self) -> None:
        self.assertTrue(self.vitest_with('{"testResults": [', "exit 0").failed_steps)
        whole = '{"file": "e2e/a.test.mjs", "name": "a", "outcome": "passed", "ms": 1500}'
        results = self.chromium(f'{whole}\n{{"file": "e2e/b.te', "exit 0")
        self.assertEqual([test.name for test in results.tests], ["e2e/a.test.mjs > a"])
        self.assertEqual([step.name for step in results.failed_steps], ["chromium"])

    def test_a_run_in_which_nothing_ran_fails(self) -> None:
        self.assertEqual([step.name for step in self.vitest(["skipped"], "exit 0").failed_steps], ["vitest"])
        self.assertEqual([step.name for step in self.chromium("", "exit 0").failed_steps], ["chromium"])

    def test_a_hang_names_the_files_without_a_result(self) -> None:
        line = '{"file": "e2e/live.test.mjs", "name": "a", "outcome": "passed"}'
        hung, without = (step.problem for step in self.chromium(line, "sleep 60", within_s=0.5).failed_steps)
        self.assertIn("hung", hung)
        self.assertIn("e2e/app.test.mjs", without)
        self.assertNotIn("e2e/live.test.mjs", without)

    def test_the_slowest_tests_and_files_are_named(self) -> None:
        times = (("a", "one", 1.0), ("b", "two", 2.5), ("a", "three", 2.0), ("c", "four", 0.0))
        lines = slowest([Test("chromium", name, "passed", again=file, seconds=seconds) for file, name, seconds in times])
        self.assertEqual([line.split()[-1] for line in lines], ["tests:", "two", "three", "one", "first:", "a", "b"])
        self.assertEqual(slowest([]), [])
