"""The commands around the runner: `make fix`, `make ci`, `make hooks`, `make soak`, and retries of network steps."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
import tomllib
import unittest
from pathlib import Path

from command import ROOT
from testing import ENVIRONMENT, WithPrograms


class WithRepository(WithPrograms):
    """A test with a repository on main that has copies of these files of ours."""

    copied: list[str] = []

    def setUp(self) -> None:
        super().setUp()
        self.repository = self.folder / "repository"
        self.git("init", "--quiet", "--initial-branch=main", str(self.repository), cwd=self.folder)
        self.git("config", "user.name", "A")
        self.git("config", "user.email", "a@example.org")
        for name in self.copied:
            (self.repository / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.repository / name)

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        done = subprocess.run(["git", *arguments], cwd=cwd or self.repository, env=ENVIRONMENT, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, name: str, content: str = "") -> str:
        path = self.repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", f"Add {name}")
        return self.git("rev-parse", "HEAD")

    def bash(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", "-c", script]
        return subprocess.run(command, cwd=self.repository, env={**ENVIRONMENT, **environment}, capture_output=True, text=True)


class LastLanded(WithRepository):
    def last_landed(self) -> str | None:
        done = self.bash(f"set -euo pipefail; source {ROOT}/scripts/lib/last-landed.sh; last_landed")
        return done.stdout.strip() if done.returncode == 0 else None

    def test_it_is_where_the_branch_left_main_though_main_went_on(self) -> None:
        base = self.commit("a")
        self.git("switch", "--quiet", "--create", "topic")
        self.commit("b")
        self.git("switch", "--quiet", "main")
        self.commit("c")
        self.git("switch", "--quiet", "topic")
        self.assertEqual(self.last_landed(), base)

    def test_on_main_it_is_what_was_pushed_and_never_what_was_just_committed(self) -> None:
        pushed = self.commit("a")
        self.assertIsNone(self.last_landed())
        self.git("update-ref", "refs/remotes/origin/main", pushed)
        self.commit("b")
        self.assertEqual(self.last_landed(), pushed)

    def test_origin_comes_before_a_local_main(self) -> None:
        pushed = self.commit("a")
        self.git("update-ref", "refs/remotes/origin/main", pushed)
        self.commit("b")
        self.git("switch", "--quiet", "--create", "topic")
        self.assertEqual(self.last_landed(), pushed)


class Retry(WithRepository):
    def attempts(self, code: int) -> tuple[int, int]:
        """Returns how often a command runs that ends with this code, and the code that `retry` returns."""
        script = f"source {ROOT}/scripts/lib/retry.sh; sleep() {{ :; }}; attempt() {{ echo run; return {code}; }}; retry attempt"
        done = self.bash(script)
        return done.stdout.count("run"), done.returncode

    def test_what_was_told_to_stop_is_not_tried_again(self) -> None:
        self.assertEqual([self.attempts(code) for code in (0, 7, 129, 130, 143)], [(1, 0), (3, 7), (1, 129), (1, 130), (1, 143)])


class Clone(WithRepository):
    copied = ["scripts/ci-clone.sh"]

    def setUp(self) -> None:
        super().setUp()
        (self.repository / ".gitignore").write_text("/.groundswell\n")
        # As patient as a test can be.
        self.program(f'exec {shutil.which("flock")} "${{@/#120/1}}"', "flock")

    def start(self, commit: str, **programs: str) -> subprocess.Popen[str]:
        command = ["bash", "scripts/ci-clone.sh", commit]
        for name, script in programs.items():
            self.program(script, name)
        env = {**ENVIRONMENT, "PATH": f"{self.folder}:{ENVIRONMENT['PATH']}"}
        return subprocess.Popen(command, cwd=self.repository, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def clone_of(self, commit: str) -> Path:
        return self.repository / f".groundswell/ci/{commit[:12]}"

    def wait_for(self, path: Path) -> None:
        deadline = time.monotonic() + 60
        while not path.exists():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def test_runs_at_once_leave_each_others_clones_alone(self) -> None:
        waits = f"touch began; while [[ ! -e {self.folder}/go ]]; do sleep 0.02; done; [[ -e began ]]"
        first = self.commit(".ci/run", waits)
        running = self.start(first)
        self.wait_for(self.clone_of(first) / "began")
        again = self.start(first)
        self.assertIn("is being tested already", again.communicate()[0])
        self.assertEqual(again.returncode, 1)
        second = self.commit(".ci/run", "exit 3")
        other = self.start(second)
        other.communicate()
        self.assertEqual((other.returncode, self.clone_of(second).is_dir()), (3, True))
        (self.folder / "go").touch()
        running.communicate()
        self.assertEqual((running.returncode, self.clone_of(first).exists()), (0, False))
        third = self.start(first)
        third.communicate()
        self.assertFalse(self.clone_of(second).exists(), "the clone of a failed run stays until the next run")

    def test_the_clone_knows_the_main_that_was_fetched_although_the_local_one_is_older(self) -> None:
        self.commit("a")
        self.git("switch", "--quiet", "--create", "topic")
        fetched = self.commit(".ci/run", "git rev-parse origin/main")
        self.git("update-ref", "refs/remotes/origin/main", fetched)
        said, _ = self.start(fetched).communicate(timeout=60)
        self.assertIn(fetched, said.splitlines())

    def test_a_clone_that_cannot_be_removed_fails_no_run_that_passed(self) -> None:
        commit = self.commit(".ci/run", "exit 0")
        fails_once_it_is_there = f'[[ ! -e "${{@: -1}}/.ci" ]] || exit 1; exec {shutil.which("rm")} "$@"'
        running = self.start(commit, rm=fails_once_it_is_there)
        said, _ = running.communicate(timeout=60)
        self.assertEqual(running.returncode, 0, said)
        self.assertIn("could not be removed", said)

    def test_a_second_signal_does_not_end_the_wait_for_the_run(self) -> None:
        run = f"trap 'touch told; while [[ ! -e {self.folder}/go ]]; do sleep 0.02; done; echo summary; exit 143' TERM; touch began; while :; do sleep 0.02; done"
        commit = self.commit(".ci/run", run)
        running = self.start(commit)
        self.wait_for(self.clone_of(commit) / "began")
        running.send_signal(signal.SIGTERM)
        self.wait_for(self.clone_of(commit) / "told")
        for _ in range(3):
            running.send_signal(signal.SIGINT)
            time.sleep(0.2)
        self.assertIsNone(running.poll())
        (self.folder / "go").touch()
        said, _ = running.communicate(timeout=60)
        self.assertIn("summary", said)
        self.assertEqual(running.returncode, 143)

    def test_a_signal_reaches_the_run(self) -> None:
        commit = self.commit(".ci/run", "trap 'echo summary; exit 143' TERM; touch began; while :; do sleep 0.02; done")
        running = self.start(commit)
        self.wait_for(self.clone_of(commit) / "began")
        running.send_signal(signal.SIGTERM)
        said, _ = running.communicate(timeout=60)
        self.assertIn("summary", said)
        self.assertEqual(running.returncode, 143)


class Soak(unittest.TestCase):
    def test_it_has_the_models_that_fail_on_command_and_leaves_the_release_without_them(self) -> None:
        recipe = re.search(r"^soak:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
        self.assertIsNotNone(recipe)
        commands = [line for line in recipe[1].splitlines() if "cargo test" in line]
        manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
        self.assertTrue(commands)
        for command in commands:
            named = dict(re.findall(r"--(profile|features) (\S+)", command))
            self.assertEqual(named, {"profile": "soak", "features": "test-models"}, command)
        self.assertIn("soak", manifest["profile"])
        self.assertIn("test-models", manifest["features"])


class Hook(WithRepository):
    copied = [".githooks/pre-commit"]

    def test_it_judges_what_is_staged_and_not_the_working_tree(self) -> None:
        for name in ("lint-migrations.sh", "lint-style.sh"):
            (self.repository / "scripts").mkdir(exist_ok=True)
            self.program("exit 0", f"repository/scripts/{name}")
        self.program("! grep -r UNFORMATTED src", "cargo")
        self.commit("src/a.rs")
        path = f"{self.folder}:{ENVIRONMENT['PATH']}"
        for staged, left, status in (("good", "UNFORMATTED", 0), ("UNFORMATTED", "good", 1)):
            (self.repository / "src/a.rs").write_text(staged)
            self.git("add", "--all")
            (self.repository / "src/a.rs").write_text(left)
            done = self.bash(".githooks/pre-commit", PATH=path)
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)
