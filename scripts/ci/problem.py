"""The one line of a command's output that says best what went wrong."""

from __future__ import annotations

import re

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
# What cargo prints while it works, such as `Compiling thiserror v2.0.12`.
PROGRESS = re.compile(
    r"^\s*(Compiling|Checking|Documenting|Downloading|Downloaded|Updating|Locking|Adding|Blocking|Fresh|Finished|Running|Generated) "
)
# Says only that something failed, as lines before it say better.
VAGUE = re.compile(r"^error: (test failed, to rerun|could not (compile|document)|aborting due to|process didn't exit|\d+ targets? failed)")
# In this order: a compiler's error, `src/x.ts(1,2): error TS2322: …` and eslint's `1:2  error  …`, a test, any other mention.
ERRORS = [
    re.compile(r"^error(\[|:)"),
    re.compile(r"^\s*\S+\s*(: )?\berror\b( TS\d+)?[: ]"),
    re.compile(r"^(test \S+ \.\.\. FAILED|(FAIL|ERROR): )"),
    re.compile(r"\berror\b", re.IGNORECASE),
]


def first_problem(lines: list[str]) -> str:
    """Returns the first line that looks most like an error, or else the first that is not about progress."""
    plain = [COLOURS.sub("", line).rstrip() for line in lines]
    telling = [line for line in plain if line.strip() and not PROGRESS.match(line) and not VAGUE.match(line)]
    for pattern in ERRORS:
        for line in telling:
            if pattern.search(line):
                return line.strip()
    said = telling or [line for line in plain if line.strip()]
    return said[0].strip() if said else "it printed nothing"
