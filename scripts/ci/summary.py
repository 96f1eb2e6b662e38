"""The last lines of a run."""

from __future__ import annotations

from results import Results

MAX_LINES = 40
WIDTH = 200


def summarize(results: Results) -> list[str]:
    """Returns at most 40 lines: what failed, what is flaky, what was skipped, how long it took, and the count."""
    failed, flaky, skipped = (results.with_outcome(outcome) for outcome in ("failed", "flaky", "skipped"))
    lines = []
    for step in results.failed_steps:
        problem = next((line.strip() for line in step.problem.splitlines() if line.strip()), "")
        mend = f" (reproduce or mend with: {step.mend})" if step.mend else ""
        lines.append(f"FAILED step {step.name}: {problem}{mend}")
    lines += [f"WARNING: {warning}" for warning in results.warnings]
    lines += [f"FAILED {test.suite} {test.name}: {test.first_line}" for test in failed]
    lines += [f"FLAKY {test.suite} {test.name}: {test.first_line}" for test in flaky]
    lines += [f"not run: {what}" for what in results.not_run]
    lines += [f"skipped {test.suite} {test.name}: {test.message or 'no reason given'}" for test in skipped]
    shown = MAX_LINES - 4
    if len(lines) > shown:
        lines = [*lines[: shown - 1], f"… and {len(lines) - shown + 1} more, above"]
    total = sum(seconds for _, seconds in results.phases)
    phases = ", ".join(f"{name} {_minutes(seconds)}" for name, seconds in results.phases)
    n_passed = len(results.with_outcome("passed")) + len(flaky)
    n_failed = len(failed) + len(results.failed_steps)
    header = f"═══ Summary after {_minutes(total)} minutes: {phases}"
    count = f"{n_passed} passed, {n_failed} failed" + (f", {len(skipped)} skipped" if skipped else "")
    return [header, *(line[:WIDTH] for line in lines), count]


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
