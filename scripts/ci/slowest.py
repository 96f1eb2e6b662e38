"""The slowest tests and files of a suite, so that a test that has become slow is seen. libtest tells no durations."""

from __future__ import annotations

from results import Test

N_SHOWN = 10


def slowest(tests: list[Test]) -> list[str]:
    """Returns the slowest tests, then all files, each with the sum of its tests."""
    timed = sorted((test for test in tests if test.seconds > 0), key=lambda test: -test.seconds)
    if not timed:
        return []
    lines = [f"slowest {timed[0].suite} tests:"]
    lines += [f"{test.seconds:8.1f} s  {test.name}" for test in timed[:N_SHOWN]]
    files: dict[str, float] = {}
    for test in timed:
        files[test.again] = files.get(test.again, 0) + test.seconds
    if len(files) > 1:
        lines.append("files, slowest first:")
        lines += [f"{seconds:8.1f} s  {file}" for file, seconds in sorted(files.items(), key=lambda one: -one[1])]
    return lines
