"""Which tests are burnt in, and that one failure of many runs is found."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

import burn_in
from compilation import Compiled
from landed import Landed
from results import Results
from testing import WithPrograms, is_running

LIST = "a::tests::adds: test\na::tests::subtracts: test\nb::adds: test\nbench: benchmark"


class BurnIn(WithPrograms):
    def setUp(self) -> None:
        super().setUp()
        root = mock.patch.object(burn_in, "ROOT", self.folder)
        root.start()
        self.addCleanup(root.stop)

    def source(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def executable(self, run: str) -> Path:
        return self.program(f'if [[ "$1" == --list ]]; then\ncat <<END\n{LIST}\nEND\nelse\n{run}\nfi')

    def test_new_are_the_tests_whose_function_stands_in_a_changed_file(self) -> None:
        self.source("src/a.rs", "fn subtracts() {}")
        self.source("src/b.rs", "fn adds() {}")
        listed = self.executable("exit 1")
        of = lambda *changed: burn_in.new_tests(listed, "src", set(changed))
        self.assertEqual(of("src/a.rs", "src/deleted.rs", "docs/b.md"), ["a::tests::subtracts"])
        self.assertEqual(of("src/b.rs"), ["a::tests::adds", "b::adds"])
        self.assertEqual(of("tests/it/b.rs"), [])

    def burnt_in(self, run: str, changed: set[str] | None) -> Results:
        self.source("src/a.rs", "fn subtracts() {}")
        executables = {"groundswell": self.executable(run), "it": self.executable(run), burn_in.SERVER: Path("server")}
        results = Results()
        with mock.patch.object(burn_in, "compile_tests", lambda _: Compiled(executables)), redirect_stdout(StringIO()):
            burn_in.burn_in(results, 3, Landed("abc", changed))
        return results

    def test_a_test_that_fails_in_one_of_three_runs_fails(self) -> None:
        runs = self.folder / "runs"
        passes = "test a::tests::subtracts ... ok\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 2 filtered out; finished in 0.1s"
        fails = passes.replace("... ok", "... FAILED").replace("1 passed; 0 failed", "0 passed; 1 failed")
        script = f'echo "$@" >>{runs}\necho "running 1 test"\nif [[ $(wc -l <{runs}) == 2 ]]; then echo "{fails}"; exit 101; else echo "{passes}"; fi'
        results = self.burnt_in(script, {"src/a.rs"})
        self.assertEqual([test.outcome for test in results.tests], ["passed", "failed", "passed"])
        self.assertEqual(results.failed_steps, [])
        for line in runs.read_text().splitlines():
            self.assertTrue(line.endswith("--exact a::tests::subtracts"), line)

    def test_without_a_known_commit_the_run_fails(self) -> None:
        self.assertEqual([step.name for step in self.burnt_in("exit 1", None).failed_steps], ["burn-in"])

    def test_the_load_ends_with_the_run(self) -> None:
        started = []
        popen = burn_in.subprocess.Popen

        def noted(*arguments: object, **options: object) -> object:
            started.append(popen(*arguments, **options))
            return started[-1]

        with mock.patch.object(burn_in.subprocess, "Popen", noted), burn_in.busy_processors(2):
            self.assertEqual([is_running(process.pid) for process in started], [True, True])
        self.assertEqual([is_running(process.pid) for process in started], [False, False])
