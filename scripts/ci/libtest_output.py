"""What libtest prints, read so that no failed test is lost.

Other threads and child processes write to the same output, also in the middle of a line of libtest: `test a::b ... ` may be
followed by a line of a log, and its `FAILED` may stand below. Names are printed in one piece. So a test fails if its line, the
list of failures or the heading of its output says so, and all numbers must be those with which libtest ends.
"""

from __future__ import annotations

import re

from results import Test

# `test a::b ... ok`, anywhere in a line. While a test runs alone, its result stands on a line of its own below its output.
NAMED = re.compile(r"test (?P<name>\S+)(?: - should panic)? \.\.\. (?P<rest>.*)$")
OUTCOME = re.compile(r"(?P<outcome>ok|FAILED|ignored(?:, (?P<reason>.*))?)$")
# A test that passes without judging everything says so.
SKIPPED = re.compile(r"SKIPPED: (?P<name>\S+): (?P<reason>.*)$")
STDOUT_OF = re.compile(r"^---- (?P<name>\S+) stdout ----$")
FAILURE = re.compile(r"^    (?P<name>\S+)$")
SLOW = re.compile(r"test (?P<name>\S+) has been running for over \d+ seconds$")
RUNNING = re.compile(r"^running (?P<n>\d+) tests?$")
# At the start of a line, and whole, because a child process may be a test executable too.
RESULT = re.compile(
    r"^test result: \w+\. (?P<passed>\d+) passed; (?P<failed>\d+) failed; (?P<ignored>\d+) ignored;"
    r" \d+ measured; \d+ filtered out; finished in "
)


class Output:
    """The results that libtest printed, and whether they are all there."""

    def __init__(self, suite: str, lines: list[str]) -> None:
        self._lines = lines
        self._tests: dict[str, Test] = {}
        self._slow: dict[str, None] = {}
        self._partly: list[Test] = []
        self._counts: dict[str, int] = {}
        self._n_announced: int | None = None
        self._suite = suite
        self._has_listed_all = False
        for line in lines:
            self._read(line)
        if not self._counts:
            # A test of which only the name was printed was still running.
            self._tests = {name: test for name, test in self._tests.items() if test.outcome != "unknown"}
        self._read_failures()
        # Torn, and in no list of failures. The numbers tell whether these passed.
        for test in self._tests.values():
            if test.outcome == "unknown":
                test.outcome = "passed"

    @property
    def tests(self) -> list[Test]:
        return [*self._tests.values(), *self._partly]

    @property
    def is_complete(self) -> bool:
        return bool(self._counts)

    @property
    def running(self) -> list[str]:
        """Tests that had run for a minute or more and had no result yet."""
        return [name for name in self._slow if name not in self._tests]

    @property
    def last_words(self) -> str:
        said = [line for line in self._lines if line.strip()]
        return said[-1] if said else "it printed nothing"

    @property
    def contradiction(self) -> str:
        """How the tests that were read, or those announced, differ from the numbers that libtest gives, if they do."""
        read = {"passed": 0, "failed": 0, "skipped": 0}
        for test in self._tests.values():
            read[test.outcome] += 1
        if sum(self._counts.values()) != self._n_announced:
            announced = "no number of tests" if self._n_announced is None else f"{self._n_announced} tests"
            return f"libtest counts {_sentence(self._counts)}, but it announced {announced}"
        if read == self._counts:
            return ""
        return f"libtest counts {_sentence(self._counts)}, but its lines show {_sentence(read)}"

    def _read(self, line: str) -> None:
        if found := SKIPPED.search(line):
            self._partly.append(Test(self._suite, f"{found['name']} (a part)", "skipped", found["reason"]))
        if found := SLOW.search(line):
            self._slow[found["name"]] = None
        if self._n_announced is None and (found := RUNNING.match(line)):
            self._n_announced = int(found["n"])
        if found := RESULT.search(line):
            self._counts = {"passed": int(found["passed"]), "failed": int(found["failed"]), "skipped": int(found["ignored"])}
        # What follows are outputs of failed tests, which may look like results.
        self._has_listed_all = self._has_listed_all or line == "failures:"
        if not self._has_listed_all and (found := NAMED.search(line)):
            outcome, reason = _outcome(found["rest"])
            self._tests[found["name"]] = Test(self._suite, found["name"], outcome, reason, again=found["name"])

    def _read_failures(self) -> None:
        """Reads what stands below the results: the output of each failed test, then the list of their names."""
        output: dict[str, list[str]] = {}
        said: list[str] | None = None
        for line in self._lines:
            if found := STDOUT_OF.match(line):
                said = output.setdefault(found["name"], [])
            elif line == "failures:" or RESULT.search(line):
                said = None
            elif said is not None:
                said.append(line)
        for name, its_lines in output.items():
            # The place of the panic, then its message.
            self._fail(name).message = "\n".join(its_lines).strip()
        starts = [i for i, line in enumerate(self._lines) if line.endswith("failures:")]
        for line in self._lines[starts[-1] + 1 :] if starts else []:
            if RESULT.search(line):
                return
            if found := FAILURE.match(line):
                self._fail(found["name"])

    def _fail(self, name: str) -> Test:
        test = self._tests.setdefault(name, Test(self._suite, name, "failed", again=name))
        test.outcome = "failed"
        return test


def _outcome(rest: str) -> tuple[str, str]:
    found = OUTCOME.search(rest)
    if found is None:
        return "unknown", ""
    outcome = {"ok": "passed", "FAILED": "failed"}.get(found["outcome"], "skipped")
    return outcome, found["reason"] or ""


def _sentence(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {outcome}" for outcome, n in counts.items())
