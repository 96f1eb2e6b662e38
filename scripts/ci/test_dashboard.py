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


class Dashboard(WithPrograms):
    def run_all(self, suite: Vitest | Chromium, files: list[str] | None = None) -> Results:
        results = Results()
        with mock.patch.dict(os.environ, {"PATH": f"{self.folder}:{os.environ['PATH']}"}):
            suite.run_all(results, files)
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

    def chromium(self, lines: str, end: str, files: list[str] | None = None, within_s: float = 60) -> Results:
        write = 'for a in "$@"; do case "$a" in --test-reporter-destination=/*) file="${a#*=}" ;; esac; done'
        self.program(f"{write}\nprintf '%s' '{lines}' >\"$file\"\n{end}", "node")
        return self.run_all(Chromium(Path("server"), files_at_a_time=2, within_s=within_s), files)

    def test_the_ends_that_results_explain_fail_no_step(self) -> None:
        self.assertEqual(self.vitest(["passed", "skipped"], "exit 0").failed_steps, [])
        self.assertEqual(self.vitest(["passed", "failed"], "exit 1").failed_steps, [])

    def test_a_failed_test_excuses_no_crash(self) -> None:
        for end in ("exit 0", "exit 134", "kill -KILL $$"):
            self.assertEqual([step.name for step in self.vitest(["failed"], end).failed_steps], ["vitest"], end)
            line = '{"file": "e2e/a.test.mjs", "name": "a", "outcome": "failed"}'
            self.assertEqual([step.name for step in self.chromium(line, end, ["e2e/a.test.mjs"]).failed_steps], ["chromium"], end)
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
                self.assertEqual(bool(Vitest().run_again("src/a.test.ts")), passes)

    def test_a_report_that_is_cut_off_fails_the_suite_and_not_the_runner(self) -> None:
        self.assertTrue(self.vitest_with('{"testResults": [', "exit 0").failed_steps)
        whole = '{"file": "e2e/a.test.mjs", "name": "a", "outcome": "passed", "ms": 1500}'
        results = self.chromium(f'{whole}\n{{"file": "e2e/b.te', "exit 0", ["e2e/a.test.mjs"])
        self.assertEqual([test.name for test in results.tests], ["e2e/a.test.mjs > a"])
        self.assertEqual([step.name for step in results.failed_steps], ["chromium"])

    def test_a_run_in_which_nothing_ran_fails(self) -> None:
        self.assertEqual([step.name for step in self.vitest(["skipped"], "exit 0").failed_steps], ["vitest"])
        self.assertEqual([step.name for step in self.chromium("", "exit 0").failed_steps], ["chromium"] * 2)

    def test_a_file_of_which_no_test_passed_or_failed_fails_the_suite_unless_all_are_skipped_with_reasons(self) -> None:
        other = '{"file": "e2e/b.test.mjs", "name": "b", "outcome": "passed"}'
        for outcome, reason, n_failed in (("passed", "", 0), ("skipped", "no nginx", 0), ("skipped", "no reason given", 1)):
            line = json.dumps({"file": "e2e/a.test.mjs", "name": "a", "outcome": outcome, "reason": reason})
            found = self.chromium(f"{other}\n{line}", "exit 0", ["e2e/a.test.mjs", "e2e/b.test.mjs"])
            self.assertEqual(len(found.failed_steps), n_failed, (outcome, reason))
        found = self.chromium(other, "exit 0", ["e2e/a.test.mjs", "e2e/b.test.mjs"])
        self.assertEqual([step.problem for step in found.failed_steps], ["without a result: e2e/a.test.mjs"])

    def test_a_file_that_exits_in_the_middle_fails_as_a_whole(self) -> None:
        begins = "import { before, describe, test } from 'node:test';\n"
        for script, is_whole in (
            ("test('a', () => {}); test('b', async (t) => { await t.test('c', () => {}); });", True),
            ("test('a', () => {}); test('b', () => process.exit(0)); test('c', () => {});", False),
            ("test('a', () => {}); test('b', async (t) => { await t.test('c', () => process.exit(0)); });", False),
            ("test('a', () => {}, 1); test.skip('b', () => {});", True),
            ("describe('g', () => { test('a', () => {}); test('b', { skip: 'no' }, () => {}); }); describe.skip('h', () => { test('i', () => {}); });", True),
            ("describe('g', () => { before(() => { throw new Error('no'); }); test('a', () => {}); test('b', () => {}); });", True),
            ("test('a', { timeout: 10 }, () => new Promise((end) => setTimeout(end, 100))); test('b', { todo: true }, () => {});", True),
            ("", False),
        ):
            file = self.folder / "a.test.mjs"
            file.write_text(begins + script)
            report = Chromium(Path("server"), files_at_a_time=2, within_s=60)._run([str(file)])
            failed_files = [test.message for test in report.tests if test.outcome == "failed" and test.is_file]
            self.assertEqual(len(failed_files), 0 if is_whole else 1, (script, report.finished.tail, failed_files))

    def test_a_hang_names_the_files_without_a_result(self) -> None:
        line = '{"file": "e2e/live.test.mjs", "name": "a", "outcome": "passed"}'
        hung, without = (step.problem for step in self.chromium(line, "sleep 60", within_s=5).failed_steps)
        self.assertIn("hung", hung)
        self.assertIn("e2e/app.test.mjs", without)
        self.assertNotIn("e2e/live.test.mjs", without)

    def test_the_slowest_tests_and_files_are_named(self) -> None:
        times = (("a", "one", 1.0), ("b", "two", 2.5), ("a", "three", 2.0), ("c", "four", 0.0))
        lines = slowest([Test("chromium", name, "passed", again=file, seconds=seconds) for file, name, seconds in times])
        self.assertEqual([line.split()[-1] for line in lines], ["tests:", "two", "three", "one", "first:", "a", "b"])
        self.assertEqual(slowest([]), [])
