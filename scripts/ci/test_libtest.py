"""Libtest's output and its ends, from programs that print as it does."""

from __future__ import annotations

from libtest import Libtest
from results import Results
from testing import WithPrograms

OUTPUT = """
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


class LibtestRuns(WithPrograms):
    def run_all(self, output: str, end: str = "exit 0", *, names: str | None = None, within_s: float = 60) -> Results:
        program = self.program(f"cat <<'END'\n{output}\nEND\n{end}")
        results = Results()
        Libtest("it", program, threads=2, within_s=within_s).run_all(results, names)
        return results

    def outcomes(self, results: Results) -> dict[str, str]:
        return {test.name: test.outcome for test in results.tests}

    def test_outcomes_reasons_and_messages_are_read(self) -> None:
        results = self.run_all(OUTPUT, "exit 101")
        expected = {"a::passes": "passed", "a::panics": "passed", "b::is_slow": "skipped", "b::fails": "failed"}
        self.assertEqual(self.outcomes(results), expected)
        tests = {test.name: test for test in results.tests}
        self.assertEqual(tests["b::is_slow"].message, "takes an hour")
        self.assertEqual(tests["b::fails"].first_line, "src/b.rs:80:9: assertion failed: 1 == 2")
        self.assertEqual(results.failed_steps, [])

    def test_a_failure_whose_line_is_torn_is_not_lost(self) -> None:
        torn = OUTPUT.replace("b::fails ... FAILED", "b::fails ... WARN retried\nFAILED")
        other = torn.replace("a::passes ... ok", "a::passes ... FAILED").replace("2 passed; 1 failed", "1 passed; 2 failed")
        results = self.run_all(other.replace("    b::fails", "    a::passes\n    b::fails"), "exit 101")
        self.assertEqual(self.outcomes(results)["b::fails"], "failed")
        self.assertEqual(self.outcomes(results)["a::passes"], "failed")
        self.assertEqual(results.failed_steps, [])

    def test_a_failure_is_known_from_the_heading_of_its_output_alone(self) -> None:
        results = self.run_all(OUTPUT.replace("test b::fails ... FAILED", "").replace("    b::fails", ""), "exit 101")
        self.assertEqual(self.outcomes(results)["b::fails"], "failed")

    def test_a_success_whose_line_is_torn_passes(self) -> None:
        for torn in ("a::passes ... WARN retried\nok", "a::passes ... WARN retriedok", "a::passes ... SKIPPED: c::d: no nginx\nok"):
            results = self.run_all(OUTPUT.replace("a::passes ... ok", torn), "exit 101")
            self.assertEqual(self.outcomes(results)["a::passes"], "passed", torn)
            self.assertEqual(results.failed_steps, [], torn)
        self.assertEqual(self.outcomes(results)["c::d (a part)"], "skipped")

    def test_numbers_that_differ_from_the_tests_read_fail_the_suite(self) -> None:
        results = self.run_all(OUTPUT.replace("2 passed", "3 passed"), "exit 101")
        self.assertIn("3 passed, 1 failed", results.failed_steps[0].problem)

    def test_a_run_that_counts_fewer_tests_than_it_announced_fails_the_suite(self) -> None:
        results = self.run_all(OUTPUT.replace("running 4 tests", "running 5 tests"), "exit 101")
        self.assertIn("announced 5 tests", results.failed_steps[0].problem)
        results = self.run_all(OUTPUT.replace("running 4 tests", ""), "exit 101")
        self.assertIn("announced no number", results.failed_steps[0].problem)

    def test_a_result_that_a_child_process_printed_does_not_end_the_run(self) -> None:
        ended = "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s"
        for said in (f"child: {ended}", ended.replace("; finished in 0.1s", "")):
            results = self.run_all(f"running 2 tests\ntest a::passes ... ok\ntest a::other ... ok\n{said}")
            self.assertIn("before all tests had finished", results.failed_steps[0].problem)

    def test_outputs_of_failed_tests_are_no_results(self) -> None:
        results = self.run_all(OUTPUT.replace("assertion failed", "test x::y ... ok\nassertion failed"), "exit 101")
        self.assertNotIn("x::y", self.outcomes(results))
        self.assertEqual(results.failed_steps, [])

    def test_a_failed_test_excuses_no_crash(self) -> None:
        for end in ("kill -SEGV $$", "exit 1", "exit 0"):
            results = self.run_all(OUTPUT, end)
            self.assertEqual([step.name for step in results.failed_steps], ["it"], end)

    def test_a_hang_after_results_is_recorded_beside_failed_tests(self) -> None:
        results = self.run_all(OUTPUT, "sleep 60", within_s=5)
        self.assertIn("hung", results.failed_steps[0].problem)
        self.assertEqual(self.outcomes(results)["b::fails"], "failed")

    def test_a_hang_names_the_tests_that_still_run(self) -> None:
        said = "test a::one ... ok\ntest b::hangs has been running for over 60 seconds\ntest c::torn ... "
        results = self.run_all(said, "sleep 60", within_s=5)
        self.assertIn("still running: b::hangs:", results.failed_steps[0].problem)
        self.assertEqual(self.outcomes(results), {"a::one": "passed"})

    def test_a_whole_suite_in_which_nothing_ran_fails(self) -> None:
        nothing = "running 1 test\ntest a::b ... ignored\n\ntest result: ok. 0 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0s"
        self.assertEqual([step.name for step in self.run_all(nothing).failed_steps], ["it"])
        self.assertEqual(self.run_all(nothing, names="a").failed_steps, [])

    def test_a_second_try_passes_only_if_the_test_ran(self) -> None:
        end_of_run = "0 failed; 0 ignored; 0 measured; 9 filtered out; finished in 0.1s"
        for n, end, passes in ((1, "exit 0", True), (0, "exit 0", False), (1, "exit 101", False)):
            ran = "test a::b ... ok" if n else ""
            program = self.program(f"printf '%s\\n' 'running {n} tests' '{ran}' 'test result: ok. {n} passed; {end_of_run}'\n{end}")
            again = Libtest("it", program, threads=2, within_s=60).run_again("a::b")
            self.assertEqual(again, {"a::b"} if passes else set(), (n, end))
