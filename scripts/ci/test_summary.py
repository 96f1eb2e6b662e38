"""The summary, the line that it shows of a failed step, and the end of a run that breaks."""

from __future__ import annotations

import signal
import unittest
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

from conclusion import conclude
from problem import first_problem
from results import Results, Test
from summary import MAX_LINES, summarize


class Summary(unittest.TestCase):
    def test_it_ends_with_the_count_and_stays_within_forty_lines(self) -> None:
        results = Results()
        results.tests = [Test("it", f"a::test_{i}", "failed", "it broke") for i in range(100)]
        results.fail("format", "Diff in src/lib.rs", "cargo fmt")
        lines = summarize(results)
        self.assertLessEqual(len(lines), MAX_LINES)
        self.assertEqual(lines[-1], "0 passed, 101 failed")
        self.assertIn("FAILED step format: Diff in src/lib.rs (reproduce or mend with: cargo fmt)", lines)

    def test_an_error_of_the_runner_loses_no_result(self) -> None:
        results, said = Results(), StringIO()

        def work() -> None:
            results.tests.append(Test("it", "a::b", "failed", "it broke"))
            raise KeyError("the report")

        kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            with redirect_stdout(said), redirect_stderr(StringIO()):
                status = conclude(work, results)
        finally:
            for number, handler in kept.items():
                signal.signal(number, handler)
        self.assertEqual(status, 1)
        self.assertIn("FAILED it a::b: it broke", said.getvalue())
        self.assertIn("FAILED step runner: KeyError: 'the report'", said.getvalue())


class Problem(unittest.TestCase):
    def test_the_line_that_says_most_is_chosen(self) -> None:
        for output, expected in (
            ("   Compiling thiserror v2.0.12\nwarning: an error\nerror[E0308]: mismatched types", "error[E0308]: mismatched types"),
            ("   Compiling thiserror v2.0.12\nDiff in src/lib.rs:3:", "Diff in src/lib.rs:3:"),
            ("npm notice\nsrc/a.ts(1,2): error TS2322: no string", "src/a.ts(1,2): error TS2322: no string"),
            ("src/error.ts\n  1:2  error  no-var", "1:2  error  no-var"),
            ("   Running tests\ntest a::b ... FAILED\nerror: test failed, to rerun pass `-p x`", "test a::b ... FAILED"),
            ("test_error (x) ... ok\nFAIL: test_b (test_x.X)", "FAIL: test_b (test_x.X)"),
            ("\x1b[31merror\x1b[0m: no such command", "error: no such command"),
            ("   Compiling thiserror v2.0.12", "Compiling thiserror v2.0.12"),
            ("\n", "it printed nothing"),
        ):
            self.assertEqual(first_problem(output.split("\n")), expected)
