"""Runs the checks and the tests in phases, cheap ones first, and judges everything that can be judged in one run.

`python3 scripts/ci` runs everything, as `.ci/run` does; `check` and `test` run their parts (`make check`, `make test`).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import output
import processors
from command import ROOT, run
from compilation import CLIPPY, DENY_WARNINGS, DOCS, SERVER, compile_tests, docs
from conclusion import conclude
from dashboard import Chromium, Vitest
from landed import read_landed
from libtest import Libtest
from problem import first_problem
from results import Results
from second_try import Suite, try_again
from side_by_side import side_by_side
from slowest import slowest

LINTERS = ROOT / ".groundswell/linters/bin"
N_CORES = processors.count()
VITEST = (".test.ts", ".test.tsx")


class Run:
    """One run, phase by phase. A phase is left out only if it needs something that an earlier one failed to make."""

    def __init__(self, parts: set[str], filter_: str | None) -> None:
        self.results = Results()
        self._parts = parts
        self._filter = filter_
        self._suites: list[Suite] = []
        self._has_dashboard = False
        self._is_for_vitest = filter_ is not None and filter_.endswith(VITEST)
        self._is_for_chromium = filter_ is not None and filter_.endswith(".test.mjs")

    def run(self) -> None:
        landed = read_landed()
        print(f"new are tests whose file changed since the last landed commit: {landed.shown}", flush=True)
        if landed.warning:
            print(f"WARNING: {landed.warning}", flush=True)
            self.results.warnings.append(landed.warning)
        with self._phase("A set-up"):
            for purpose in sorted(self._parts):
                self._step(f"set-up for {purpose}", ["scripts/setup.sh", purpose])
        if self.results.failed_steps:
            self.results.not_run.append("everything else, which needs the set-up")
            return
        with self._phase("B quick checks"):
            self._quick_checks()
        if not self._is_for_vitest:
            with self._phase("C compilation"):
                executables = self._compile()
            if executables and "test" in self._parts:
                self._test(executables)
        if self.results.with_outcome("failed"):
            with self._phase("G second tries"):
                try_again(self.results, self._suites, landed)
        self._check_that_tests_ran()

    def _quick_checks(self) -> None:
        if self._parts == {"check", "test"}:
            side_by_side(self._quick_tests, self._checks)
        elif "check" in self._parts:
            self._checks()
        else:
            self._quick_tests()

    def _checks(self) -> None:
        self._step("format", ["cargo", "fmt", "--all", "--check"], "cargo fmt --all")
        self._step("spelling", [f"{LINTERS}/typos"])
        self._step("migrations", ["scripts/lint-migrations.sh"])
        self._step("style samples", ["scripts/lint-style.sh"])
        self._step("runner", ["python3", "-m", "unittest", "discover", "--buffer", "-s", "scripts/ci"])
        self._step("architecture", ["cargo", "test", "--locked", "--package", "groundswell-architecture"])
        self._step("unused dependencies", [f"{LINTERS}/cargo-shear", "--locked"])
        self._step("dependency rules", [f"{LINTERS}/cargo-deny", "--locked", "--log-level", "error", "check", "licenses", "bans", "sources"])
        self._npm("types", ["tsc", "-b"])
        self._npm("eslint", ["eslint", "."])
        self._npm("prettier", ["prettier", "--check", "."], "npm --prefix frontend run format")

    def _quick_tests(self) -> None:
        if self._filter is None or self._is_for_vitest:
            vitest = Vitest()
            vitest.run_all(self.results, [self._filter] if self._filter else None)
            self._suites.append(vitest)
        if not self._is_for_vitest:
            self._has_dashboard = self._step("dashboard", ["make", "--no-print-directory", "dashboard"])

    def _compile(self) -> dict:
        # Where tests are compiled anyway, the same pass lints them.
        is_one_pass = self._parts == {"check", "test"}
        if "check" in self._parts and not is_one_pass:
            self._step("clippy", CLIPPY)
            self._step("docs", DOCS, env=DENY_WARNINGS)
        compiled = compile_tests(self.results, lint=is_one_pass)
        if is_one_pass and compiled.library:
            command, env = docs(compiled.library)
            reproduce = " ".join([*(f"{name}='{value}'" for name, value in DENY_WARNINGS.items()), *DOCS])
            self._step("docs", command, reproduce, env=env, shown=reproduce)
        elif is_one_pass:
            self.results.not_run.append("docs, which need the library compiled")
        executables = compiled.executables
        if not executables:
            self.results.not_run.append("generated files and all tests of the server, which need it compiled")
        elif "check" in self._parts:
            self._step("generated files", ["scripts/check-generated.sh"], "make types", env={"GROUNDSWELL_BIN": str(executables[SERVER])})
        return executables

    def _test(self, executables: dict) -> None:
        if not self._is_for_chromium:
            library = Libtest("library", executables["groundswell"], threads=processors.library_threads(N_CORES), within_s=3_600)
            servers = Libtest("it", executables["it"], threads=processors.server_threads(N_CORES), within_s=5_400)
            with self._phase("D library tests"):
                library.run_all(self.results, self._filter)
            with self._phase("E server tests"):
                servers.run_all(self.results, self._filter)
            self._suites += [library, servers]
        if self._filter is None or self._is_for_chromium:
            with self._phase("F Chromium"):
                if self._has_dashboard:
                    at_a_time = processors.chromium_files(N_CORES)
                    chromium = Chromium(executables[SERVER], files_at_a_time=at_a_time, within_s=7_200)
                    chromium.run_all(self.results, [self._filter] if self._filter else None)
                    tests = [test for test in self.results.tests if test.suite == chromium.suite]
                    print("\n".join(slowest(tests)), flush=True)
                    self._suites.append(chromium)
                else:
                    self.results.not_run.append("Chromium, which needs the dashboard built")

    def _check_that_tests_ran(self) -> None:
        """Fails a run for a filter that chose no test, or only ignored ones."""
        ran = any(test.outcome != "skipped" for test in self.results.tests)
        if self._filter and not ran and not self.results.failed_steps:
            self.results.fail("filter", f"no test matches {self._filter}, or only tests that are ignored")

    def _npm(self, name: str, command: list[str], mend: str = "") -> None:
        shown = mend or f"cd frontend && npx {' '.join(command)}"
        self._step(name, ["sh", "-c", 'cd frontend && exec npx --no-install "$@"', "sh", *command], shown)

    def _step(self, name: str, command: list[str], mend: str = "", env: dict[str, str] | None = None, shown: str = "") -> bool:
        with output.of_a_step() as say:
            say(f"── {name}: {shown or ' '.join(command)}")
            began = time.monotonic()
            try:
                finished = run(command, env=env)
            except OSError as error:
                self.results.fail(name, str(error))
                return False
            say(f"── {name}: {time.monotonic() - began:.0f} s")
        if finished.left_behind:
            self.results.warn_of_processes_left(name)
        if not finished.ok:
            problem = "it hung and was ended: " if finished.timed_out else ""
            self.results.fail(name, problem + first_problem(finished.lines), mend or " ".join(command))
        return finished.ok

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        print(f"\n═══ {name}", flush=True)
        began, busy = time.monotonic(), processors.Busy()
        try:
            yield
        finally:
            seconds, percent = time.monotonic() - began, busy.percent()
            self.results.phases.append((name, seconds))
            shown = "" if percent is None else f", processors {percent} % busy"
            print(f"═══ {name}: {seconds:.0f} s{shown}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=["all", "check", "test"], default="all")
    parser.add_argument("--filter", help="run only the Rust tests whose path contains this, or one file of the dashboard's tests, such as e2e/live.test.mjs")
    arguments = parser.parse_args()
    parts = {"check", "test"} if arguments.part == "all" else {arguments.part}
    # Hooks and `git rebase --exec` name their own repository there, and the tests make others.
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        del os.environ[name]
    # One seed for all generators of tests, so that the same commit is tested with the same inputs.
    seed = os.environ.setdefault("GROUNDSWELL_TEST_SEED", "1")
    os.environ.setdefault("PROPTEST_RNG_SEED", seed)
    print(f"seed of generated inputs: GROUNDSWELL_TEST_SEED={seed}", flush=True)
    whole = Run(parts, arguments.filter or None)
    return conclude(whole.run, whole.results)


if __name__ == "__main__":
    sys.exit(main())
