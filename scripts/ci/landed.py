"""Which files changed since the last commit that landed on main."""

from __future__ import annotations

import re
from dataclasses import dataclass

from command import ROOT, run
from results import Test

# Names the last landed commit; `make fix` updates it. A clone of main alone cannot tell where main was before.
LANDED = ROOT / ".ci/landed"


@dataclass
class Landed:
    """The last landed commit, from which new is measured."""

    shown: str
    # Paths relative to the checkout, or `None` if the commit is not known here.
    changed: set[str] | None = None
    # Why the commit may be the wrong one.
    warning: str = ""


class GitError(Exception):
    """Git could not answer, and why."""


def read_landed() -> Landed:
    """Reads the last landed commit, and which files changed since."""
    landed = LANDED.read_text().strip() if LANDED.exists() else ""
    if not re.fullmatch(r"[0-9a-f]{40}", landed):
        return Landed("unknown: .ci/landed names no commit")
    try:
        if not _is_ancestor(landed, "HEAD"):
            return Landed(f"unknown: {landed[:9]} (.ci/landed) is not in the history that is here")
        is_on_main = _is_on_main(landed)
    except GitError as error:
        return Landed(f"unknown: {landed[:9]} (.ci/landed): {error}")
    # Against the working tree, because `make test` also runs on uncommitted changes.
    changed = _git("diff", "--name-only", landed)
    untracked = _git("ls-files", "--others", "--exclude-standard")
    if changed is None or untracked is None:
        return Landed(f"unknown: git could not compare with {landed[:9]}")
    shown = (_git("log", "-1", "--format=%h %s", landed) or [landed])[0]
    # Only a warning, because the main of a clone may be older than the last landing.
    warning = f".ci/landed names {landed[:9]}, which is not on the main that is known here: tests added before it count as known"
    return Landed(shown, {*changed, *untracked}, "" if is_on_main else warning)


def _is_on_main(commit: str) -> bool:
    """Returns whether a main that is known here contains a commit; also true if none is known, as in a detached clone."""
    mains = [main for main in ("origin/main", "main") if _git("rev-parse", "--verify", "--quiet", f"{main}^{{commit}}")]
    return not mains or any(_is_ancestor(commit, main) for main in mains)


def _is_ancestor(commit: str, of: str) -> bool:
    finished = run(["git", "merge-base", "--is-ancestor", commit, of], quiet=True)
    if finished.status not in (0, 1) or finished.timed_out:
        raise GitError((finished.lines or [f"git {finished.how_it_ended}"])[-1])
    return finished.status == 0


def _git(*arguments: str) -> list[str] | None:
    """Returns the lines that git prints, or `None` if it fails."""
    finished = run(["git", *arguments], quiet=True)
    return finished.lines if finished.ok else None


def files_of(test: Test) -> set[str]:
    """Returns the files that may define a test: the one that it names, or all Rust files with a function of its name."""
    if test.suite in ("vitest", "chromium"):
        return {f"frontend/{test.again}"}
    folder = "tests/it" if test.suite == "it" else "src"
    function = re.compile(rf"\bfn {re.escape(test.name.rsplit('::', 1)[-1])}\b")
    paths = (ROOT / folder).rglob("*.rs")
    return {str(path.relative_to(ROOT)) for path in paths if function.search(path.read_text())}


def is_new(test: Test, changed: set[str]) -> bool:
    """Returns whether a test's file changed, so that its first failure counts. A test that cannot be found is new."""
    files = files_of(test)
    return not files or bool(files & changed)
