"""Runs the tests that get no second try many times, beside processes that keep all processors busy (`make burn-in`).

A new test must pass from the start (`second_try`), so one that fails in one of twenty runs costs a submission. Here it shows first.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import processors
from command import ROOT, run
from compilation import SERVER, compile_tests
from conclusion import conclude
from dashboard import FRONTEND, Chromium
from landed import Landed, read_landed
from libtest import Libtest
from results import Results

FUNCTION = re.compile(r"\bfn (\w+)")
LISTED = re.compile(r"^(?P<name>\S+): test$")
# Computes until it is ended, and ends with the run that started it.
LOAD = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(1_000_000))"
# A run of Chromium's tests takes minutes, so they run this many times less often.
CHROMIUM_SHARE = 10


def new_tests(executable: Path, folder: str, changed: set[str]) -> list[str]:
    """Returns the tests of an executable whose function stands in a changed file of the folder."""
    files = [ROOT / path for path in changed if path.startswith(f"{folder}/") and path.endswith(".rs")]
    functions = {name for file in files if file.exists() for name in FUNCTION.findall(file.read_text())}
    listed = run([str(executable), "--list"], quiet=True).lines
    names = [found["name"] for line in listed if (found := LISTED.match(line))]
    return [name for name in names if name.rsplit("::", 1)[-1] in functions]


def new_files_of_chromium(changed: set[str]) -> list[str]:
    """Returns the changed files of Chromium's tests, relative to the folder of the dashboard."""
    paths = [ROOT / path for path in changed if path.startswith("frontend/e2e/") and path.endswith(".test.mjs")]
    return sorted(str(path.relative_to(FRONTEND)) for path in paths if path.exists())


@contextmanager
def busy_processors(n: int) -> Iterator[None]:
    """Keeps this many processors busy meanwhile."""
    load = [subprocess.Popen([sys.executable, "-c", LOAD]) for _ in range(n)]
    try:
        yield
    finally:
        for process in load:
            process.kill()
            process.wait()


def burn_in(results: Results, times: int, landed: Landed) -> None:
    """Runs the new tests `times` times. Each failure is a failed test of the results."""
    changed = landed.changed
    if changed is None:
        results.fail("burn-in", f"no test is known to be new, because the last landed commit is {landed.shown}")
        return
    executables = compile_tests(results).executables
    if not executables:
        return
    n_cores = processors.count()
    library = Libtest("library", executables["groundswell"], threads=processors.library_threads(n_cores), within_s=3_600)
    servers = Libtest("it", executables["it"], threads=processors.server_threads(n_cores), within_s=5_400)
    of_library = new_tests(executables["groundswell"], "src", changed)
    of_servers = new_tests(executables["it"], "tests/it", changed)
    files = new_files_of_chromium(changed)
    print(f"new: {len(of_library)} library tests, {len(of_servers)} server tests, {len(files)} files of Chromium's tests", flush=True)
    with busy_processors(n_cores):
        for turn in range(1, times + 1):
            print(f"\n═══ run {turn} of {times}", flush=True)
            if of_library:
                library.run_some(results, of_library)
            if of_servers:
                servers.run_some(results, of_servers)
            if files and turn % CHROMIUM_SHARE == 1:
                Chromium(executables[SERVER], files_at_a_time=1, within_s=7_200).run_all(results, files)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20, help="number of runs")
    times = parser.parse_args().times
    results = Results()
    return conclude(lambda: burn_in(results, times, read_landed()), results)


if __name__ == "__main__":
    sys.exit(main())
