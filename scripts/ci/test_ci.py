"""Unit tests of the runner: `python3 -m unittest discover -s scripts/ci`."""

from __future__ import annotations

import unittest
from unittest import mock

import second_try
from landed import files_of, is_new
from libtest import parse
from results import Results, Test
from summary import MAX_LINES, summarize

LIBTEST = """
running 4 tests
test a::passes ... ok
test a::panics - should panic ... ok
test b::is_slow ... ignored, takes an hour
test b::fails has been running for over 60 seconds
test b::fails ... FAILED

failures:

---- b::fails stdout ----

thread 'b::fails' (31526) panicked at src/b.rs:80:9:
assertion failed: 1 == 2
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace


failures:
    b::fails

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 17.94s
"""


class FakeSuite:
    """A suite whose second tries end as given."""

    suite = "it"

    def __init__(self, passes: bool) -> None:
        self.passes = passes
        self.tried: list[str] = []

    def run_again(self, test: Test) -> bool:
        self.tried.append(test.name)
        return self.passes


def failed(n: int) -> Results:
    results = Results()
    results.tests = [Test("it", f"a::test_{i}", "failed", "it broke", again=f"a::test_{i}") for i in range(n)]
    return results


def try_again(results: Results, suite: FakeSuite, *, new: bool = False) -> None:
    with mock.patch.object(second_try, "is_new", lambda test, changed: new):
        second_try.try_again(results, [suite])


class Libtest(unittest.TestCase):
    def test_outcomes_reasons_and_messages_are_read(self) -> None:
        tests = {test.name: test for test in parse("library", LIBTEST.splitlines())}
        outcomes = {name: test.outcome for name, test in tests.items()}
        expected = {"a::passes": "passed", "a::panics": "passed", "b::is_slow": "skipped", "b::fails": "failed"}
        self.assertEqual(outcomes, expected)
        self.assertEqual(tests["b::is_slow"].message, "takes an hour")
        self.assertEqual(tests["b::fails"].first_line, "src/b.rs:80:9: assertion failed: 1 == 2")


class SecondTry(unittest.TestCase):
    def test_what_passes_alone_is_flaky_and_the_run_passes(self) -> None:
        results, suite = failed(3), FakeSuite(passes=True)
        try_again(results, suite)
        self.assertEqual(len(results.with_outcome("flaky")), 3)
        self.assertEqual(results.failed_steps, [])

    def test_a_fourth_flaky_test_fails_the_run(self) -> None:
        results = failed(4)
        try_again(results, FakeSuite(passes=True))
        self.assertEqual([step.name for step in results.failed_steps], ["second tries"])

    def test_what_fails_twice_stays_failed(self) -> None:
        results = failed(1)
        try_again(results, FakeSuite(passes=False))
        self.assertEqual(len(results.with_outcome("failed")), 1)

    def test_a_test_whose_file_changed_is_not_tried_again(self) -> None:
        results, suite = failed(1), FakeSuite(passes=True)
        try_again(results, suite, new=True)
        self.assertEqual((suite.tried, len(results.with_outcome("failed"))), ([], 1))

    def test_each_file_of_the_browser_is_tried_once(self) -> None:
        results, suite = Results(), FakeSuite(passes=True)
        suite.suite = "chromium"
        results.tests = [Test("chromium", name, "failed", again="e2e/a.test.mjs") for name in ("one", "two")]
        try_again(results, suite)
        self.assertEqual(suite.tried, ["one"])


class Landed(unittest.TestCase):
    def test_the_file_of_a_rust_test_is_found_by_its_function(self) -> None:
        test = Test("it", "live_window::a_steady_source_shows_the_same_count_at_any_moment_by_rest_and_by_socket", "failed")
        self.assertEqual(files_of(test), {"tests/it/live_window.rs"})
        self.assertFalse(is_new(test, {"src/lib.rs"}))
        self.assertTrue(is_new(test, {"tests/it/live_window.rs"}))

    def test_what_is_not_known_counts_as_new(self) -> None:
        self.assertTrue(is_new(Test("it", "no::such_test", "failed"), set()))
        self.assertTrue(is_new(Test("vitest", "x", "failed", again="src/x.test.ts"), None))


class Summary(unittest.TestCase):
    def test_it_ends_with_the_count_and_stays_within_forty_lines(self) -> None:
        results = failed(100)
        results.fail("format", "Diff in src/lib.rs", "cargo fmt")
        lines = summarize(results)
        self.assertLessEqual(len(lines), MAX_LINES)
        self.assertEqual(lines[-1], "0 passed, 101 failed")
        self.assertIn("FAILED step format: Diff in src/lib.rs (reproduce or mend with: cargo fmt)", lines)


if __name__ == "__main__":
    unittest.main()
