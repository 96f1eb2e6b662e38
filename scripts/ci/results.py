"""Outcomes of steps and tests, gathered over a whole run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

PANIC = re.compile(r"^thread '.*' (?:\(\d+\) )?panicked at (?P<place>.*)$")


@dataclass
class Test:
    """One finished test. `again` is what has to run for a second try."""

    suite: str
    name: str
    outcome: str  # passed, failed, flaky, skipped
    message: str = ""
    again: str = ""
    seconds: float = 0
    # A file that failed as a whole: its process crashed, a hook of it failed, or it could not be loaded.
    is_file: bool = False

    @property
    def first_line(self) -> str:
        """The first line of the message that says something, after the place of a Rust panic."""
        lines = [line.strip() for line in self.message.splitlines() if line.strip()]
        for line, following in zip(lines, lines[1:]):
            if found := PANIC.match(line):
                return f"{found['place']} {following}"
        return lines[0] if lines else ""


@dataclass
class Step:
    """A command that passes or fails as a whole, such as a lint or a compilation."""

    name: str
    problem: str
    mend: str = ""


@dataclass
class Results:
    """Everything that the summary reports."""

    tests: list[Test] = field(default_factory=list)
    failed_steps: list[Step] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    phases: list[tuple[str, float]] = field(default_factory=list)

    def with_outcome(self, outcome: str) -> list[Test]:
        return [test for test in self.tests if test.outcome == outcome]

    def warn_of_processes_left(self, name: str) -> None:
        self.warnings.append(f"{name} left processes behind that held its output open; they were killed")

    def fail(self, name: str, problem: str, mend: str = "") -> None:
        self.failed_steps.append(Step(name, problem, mend))
