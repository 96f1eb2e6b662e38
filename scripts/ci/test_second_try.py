"""Second tries, and the last landed commit that decides which tests get one."""

from __future__ import annotations

import subprocess
import unittest
from contextlib import redirect_stdout
from io import StringIO
from unittest import mock

import command
import landed
import second_try
from landed import Landed, files_of, is_new, read_landed
from results import Results, Test
from testing import WithPrograms


class FakeSuite:
    """A suite whose second tries end as given."""

    suite = "it"

    def __init__(self, passes: bool) -> None:
        self.passes = passes
        self.names = {f"a::test_{i}" for i in range(4)}
        self.tried: list[str] = []

    def run_again(self, again: str) -> set[str]:
        self.tried.append(again)
        return self.names if self.passes else set()


def failed(n: int) -> Results:
    results = Results()
    results.tests = [Test("it", f"a::test_{i}", "failed", "it broke", again=f"a::test_{i}") for i in range(n)]
    return results


def try_again(results: Results, suite: FakeSuite, *, new: bool = False, changed: set[str] | None = frozenset()) -> str:
    said = StringIO()
    with mock.patch.object(second_try, "is_new", lambda test, changed: new), redirect_stdout(said):
        second_try.try_again(results, [suite], Landed("abc", changed))
    return said.getvalue()


class SecondTry(unittest.TestCase):
    def test_what_passes_alone_is_flaky_and_the_run_passes(self) -> None:
        results, suite = failed(3), FakeSuite(passes=True)
        try_again(results, suite)
        self.assertEqual(len(results.with_outcome("flaky")), 3)
        self.assertEqual(results.failed_steps, [])

    def test_a_fourth_flaky_test_fails_the_run(self) -> None:
        results = failed(4)
        try_again(results, FakeSuite(passes=True))
        self.assertEqual([step.name for step in results.failed_steps], ["second tries"])

    def test_what_fails_twice_stays_failed(self) -> None:
        results = failed(1)
        try_again(results, FakeSuite(passes=False))
        self.assertEqual(len(results.with_outcome("failed")), 1)

    def test_a_test_whose_file_changed_is_not_tried_again(self) -> None:
        results, suite = failed(1), FakeSuite(passes=True)
        try_again(results, suite, new=True)
        self.assertEqual((suite.tried, len(results.with_outcome("failed"))), ([], 1))

    def test_each_file_of_the_browser_is_tried_once(self) -> None:
        results, suite = Results(), FakeSuite(passes=True)
        suite.suite, suite.names = "chromium", {"one", "two"}
        results.tests = [Test("chromium", name, "failed", again="e2e/a.test.mjs") for name in ("one", "two")]
        try_again(results, suite)
        self.assertEqual(suite.tried, ["e2e/a.test.mjs"])
        self.assertEqual(len(results.with_outcome("flaky")), 2)

    def test_a_test_that_is_skipped_or_absent_in_the_second_try_stays_failed(self) -> None:
        results, suite = Results(), FakeSuite(passes=True)
        suite.suite, suite.names = "chromium", {"one", "group > inner"}
        results.tests = [Test("chromium", name, "failed", again="e2e/a.test.mjs") for name in ("one", "two", "group")]
        try_again(results, suite)
        self.assertEqual([test.outcome for test in results.tests], ["flaky", "failed", "flaky"])

    def test_a_file_that_failed_as_a_whole_is_not_tried_again(self) -> None:
        results, suite = Results(), FakeSuite(passes=True)
        suite.suite, suite.names = "chromium", {"e2e/a.test.mjs"}
        results.tests = [Test("chromium", "e2e/a.test.mjs", "failed", again="e2e/a.test.mjs", is_file=True)]
        try_again(results, suite)
        self.assertEqual((suite.tried, len(results.with_outcome("failed"))), ([], 1))

    def test_without_a_known_landed_commit_nothing_is_tried_and_that_is_said_once(self) -> None:
        results, suite = failed(3), FakeSuite(passes=True)
        said = try_again(results, suite, changed=None)
        self.assertEqual((suite.tried, len(results.with_outcome("failed"))), ([], 3))
        self.assertEqual(said, "no second tries: the last landed commit is abc\n")


class New(unittest.TestCase):
    def test_the_file_of_a_rust_test_is_found_by_its_function(self) -> None:
        test = Test("it", "live_window::a_steady_source_shows_the_same_count_at_any_moment_by_rest_and_by_socket", "failed")
        self.assertEqual(files_of(test), {"tests/it/live_window.rs"})
        self.assertFalse(is_new(test, {"src/lib.rs"}))
        self.assertTrue(is_new(test, {"tests/it/live_window.rs"}))

    def test_a_test_that_is_not_found_is_new(self) -> None:
        self.assertTrue(is_new(Test("it", "no::such_test", "failed"), set()))


class LastLanded(WithPrograms):
    def setUp(self) -> None:
        super().setUp()
        self.file = self.folder / ".ci/landed"
        for patch in (mock.patch.object(command, "ROOT", self.folder), mock.patch.object(landed, "LANDED", self.file)):
            patch.start()
            self.addCleanup(patch.stop)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "A")
        self.git("config", "user.email", "a@example.org")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, name: str, *, landed: str = "") -> str:
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(landed)
        (self.folder / name).write_text("content")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", f"Add {name}")
        return self.git("rev-parse", "HEAD")

    def test_files_that_changed_since_it_are_new_committed_or_not(self) -> None:
        base = self.commit("old.rs")
        self.git("switch", "--quiet", "--create", "topic")
        self.commit("new.rs", landed=base)
        (self.folder / "newest.rs").write_text("content")
        found = read_landed()
        self.assertEqual(found.changed, {".ci/landed", "new.rs", "newest.rs"})
        self.assertEqual((found.shown, found.warning), (f"{base[:7]} Add old.rs", ""))

    def test_a_commit_that_is_not_on_main_is_warned_of(self) -> None:
        self.commit("old.rs")
        self.git("switch", "--quiet", "--create", "topic")
        own = self.commit("new.rs")
        self.commit("newest.rs", landed=own)
        found = read_landed()
        self.assertIn("not on the main that is known", found.warning)
        self.assertEqual(found.changed, {".ci/landed", "newest.rs"})

    def test_the_branch_may_be_main_itself_and_a_detached_checkout_may_have_no_main(self) -> None:
        base = self.commit("old.rs")
        self.commit("new.rs", landed=base)
        self.assertEqual((read_landed().changed, read_landed().warning), ({".ci/landed", "new.rs"}, ""))
        self.git("switch", "--quiet", "--detach")
        self.git("branch", "--quiet", "--delete", "--force", "main")
        self.assertEqual((read_landed().changed, read_landed().warning), ({".ci/landed", "new.rs"}, ""))

    def test_no_commit_and_one_that_is_not_here_are_unknown(self) -> None:
        self.commit("old.rs", landed="nonsense")
        self.assertIsNone(read_landed().changed)
        self.commit("new.rs", landed="0123456789" * 4)
        found = read_landed()
        self.assertIsNone(found.changed)
        self.assertIn("unknown: 012345678 (.ci/landed): fatal: Not a valid commit", found.shown)

    def test_a_commit_of_another_history_is_unknown(self) -> None:
        other = self.commit("old.rs")
        self.git("switch", "--quiet", "--orphan", "topic")
        self.commit("new.rs", landed=other)
        self.assertIn("is not in the history that is here", read_landed().shown)
