"""Which files changed since the last commit that landed on main."""

from __future__ import annotations

import re

from command import ROOT, run
from results import Test

# Names the last landed commit; `make fix` updates it. A clone of main alone cannot tell where main was before.
LANDED = ROOT / ".ci/landed"


def changed_since_landed() -> set[str] | None:
    """Returns paths relative to the checkout, or `None` if the last landed commit is not known here."""
    landed = LANDED.read_text().strip() if LANDED.exists() else ""
    if not re.fullmatch(r"[0-9a-f]{40}", landed):
        return None
    if not run(["git", "merge-base", "--is-ancestor", landed, "HEAD"], quiet=True).ok:
        return None
    # Against the working tree, because `make test` also runs on uncommitted changes.
    changed = run(["git", "diff", "--name-only", landed], quiet=True)
    untracked = run(["git", "ls-files", "--others", "--exclude-standard"], quiet=True)
    return {*changed.lines, *untracked.lines} if changed.ok and untracked.ok else None


def files_of(test: Test) -> set[str]:
    """Returns the files that may define a test: the one that it names, or all Rust files with a function of its name."""
    if test.suite in ("vitest", "chromium"):
        return {f"frontend/{test.again}"}
    folder = "tests/it" if test.suite == "it" else "src"
    function = re.compile(rf"\bfn {re.escape(test.name.rsplit('::', 1)[-1])}\b")
    paths = (ROOT / folder).rglob("*.rs")
    return {str(path.relative_to(ROOT)) for path in paths if function.search(path.read_text())}


def is_new(test: Test, changed: set[str] | None) -> bool:
    """Returns whether a test's file changed, so that its first failure counts. A test that cannot be found is new."""
    files = files_of(test)
    return changed is None or not files or bool(files & changed)
