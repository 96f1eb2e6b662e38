"""Which phases run for which filter."""

from __future__ import annotations

import importlib.util
import os
import sys
import unittest
from contextlib import ExitStack, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

from command import Finished
from compilation import Compiled
from landed import Landed
from results import Results, Test

SPEC = importlib.util.spec_from_file_location("runner", Path(__file__).parent / "__main__.py")
assert SPEC is not None and SPEC.loader is not None
runner = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(runner)


class FakeSuite:
    """A suite with one test, which fails at first."""

    def __init__(self, suite: str, outcome: str) -> None:
        self.suite = suite
        self._outcome = outcome

    def run_all(self, results: Results, _names: object = None) -> None:
        results.tests.append(Test(self.suite, "src/a.test.ts > adds", self._outcome, again="src/a.test.ts"))

    def run_again(self, again: str) -> set[str]:
        return {f"{again} > adds"}


class Phases(unittest.TestCase):
    def run_with(self, filter_: str, outcome: str) -> Results:
        executables = {"groundswell": Path("library"), "it": Path("it"), runner.SERVER: Path("server")}
        with ExitStack() as stack:
            stack.enter_context(redirect_stdout(StringIO()))
            for name, value in {
                "read_landed": lambda: Landed("abc", set()),
                "run": lambda *_, **__: Finished(0, []),
                "compile_tests": lambda *_, **__: Compiled(executables),
                "Vitest": lambda: FakeSuite("vitest", outcome),
                "Libtest": lambda suite, *_, **__: FakeSuite(suite, outcome),
            }.items():
                stack.enter_context(mock.patch.object(runner, name, value))
            run = runner.Run({"test"}, filter_)
            run.run()
        return run.results

    def names(self, results: Results) -> list[str]:
        return [name[0] for name, _ in results.phases]

    def test_a_file_of_vitest_gets_a_second_try_and_compiles_nothing(self) -> None:
        results = self.run_with("src/a.test.ts", "failed")
        self.assertEqual(self.names(results), ["A", "B", "G"])
        self.assertEqual([test.outcome for test in results.tests], ["flaky"])

    def test_the_repository_of_the_caller_is_not_that_of_the_tests(self) -> None:
        with ExitStack() as stack:
            stack.enter_context(redirect_stdout(StringIO()))
            stack.enter_context(mock.patch.dict(os.environ, {"GIT_DIR": "/elsewhere"}))
            stack.enter_context(mock.patch.object(sys, "argv", ["ci", "check"]))
            stack.enter_context(mock.patch.object(runner, "conclude", lambda *_: 0))
            runner.main()
            self.assertNotIn("GIT_DIR", os.environ)

    def test_a_filter_that_chooses_only_ignored_tests_fails(self) -> None:
        self.assertEqual([step.name for step in self.run_with("redelivery", "skipped").failed_steps], ["filter"])
        self.assertEqual(self.run_with("redelivery", "passed").failed_steps, [])
