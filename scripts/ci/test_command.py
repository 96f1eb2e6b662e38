"""Child processes that hang, crash and leave processes behind, and a runner that is told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import command
from command import run
from results import Results
from testing import HERE, WithPrograms, is_running
from verdict import judge_end

class Command(WithPrograms):
    def test_output_and_status_are_kept(self) -> None:
        finished = run([str(self.program("echo one\necho two >&2\nexit 3"))])
        self.assertEqual((finished.status, finished.lines, finished.ok), (3, ["one", "two"], False))

    def test_a_process_left_behind_that_holds_the_output_open_is_ended(self) -> None:
        left = f"sleep 600 & echo $! >{self.folder}/left\necho before\nkill -SEGV $$"
        with mock.patch.object(command, "DRAIN_WITHIN_S", 0.2):
            finished = run([str(self.program(left))], within_s=60)
        self.assertEqual((finished.status, finished.lines, finished.timed_out), (-signal.SIGSEGV, ["before"], False))
        results = Results()
        judge_end(results, "it", finished, [], status_of_failures=101)
        self.assertEqual(results.warnings, ["it left processes behind that held its output open; they were killed"])
        pid = self.pid_in("left")
        self.wait_until(lambda: not is_running(pid))

    def test_a_process_that_left_the_group_does_not_hold_the_run_up(self) -> None:
        left = f"setsid sleep 600 & echo $! >{self.folder}/left\necho before"
        with mock.patch.object(command, "DRAIN_WITHIN_S", 0.2):
            finished = run([str(self.program(left))], within_s=60)
        self.assertEqual((finished.ok, finished.lines), (True, ["before"]))
        os.kill(self.pid_in("left"), signal.SIGKILL)

    def test_a_hang_is_ended_with_its_children(self) -> None:
        finished = run([str(self.program(f"sleep 600 & echo $! >{self.folder}/left\nwait"))], within_s=5)
        self.assertTrue(finished.timed_out)
        pid = self.pid_in("left")
        self.wait_until(lambda: not is_running(pid))

    def test_an_error_of_the_reader_does_not_hold_the_child_up(self) -> None:
        def fail(line: str) -> None:
            raise ValueError(line)

        with self.assertRaises(ValueError):
            run([str(self.program("head -c 1000000 /dev/zero | tr '\\0' '\\n'"))], on_line=fail, quiet=True, within_s=60)

    def test_a_slow_reader_of_the_output_loses_no_line(self) -> None:
        with mock.patch.object(command, "DRAIN_WITHIN_S", 0.5):
            finished = run([str(self.program("seq 100"))], on_line=lambda _: time.sleep(0.02), quiet=True, within_s=60)
        self.assertEqual((len(finished.lines), finished.left_behind), (100, False))

    def test_a_hangup_that_is_ignored_stays_ignored(self) -> None:
        source = "from command import *\nstop_on_signals()\nprint(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)"
        script = f"trap '' HUP; exec {sys.executable} -c '{source}'"
        done = subprocess.run(["bash", "-c", script], cwd=HERE, capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.strip(), "True")

    def test_a_signal_between_two_commands_starts_no_other(self) -> None:
        later = self.program(f"touch {self.folder}/started", "later")
        source = f"from conclusion import conclude\nfrom command import *\nfrom results import Results\nimport sys\n" \
            f"def work():\n    os.kill(os.getpid(), signal.SIGTERM)\n    run(['{later}'])\n" \
            f"sys.exit(conclude(work, Results()))"
        done = subprocess.run([sys.executable, "-c", source], cwd=HERE, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 143)
        self.assertIn("not run: everything after SIGTERM", done.stdout)
        self.assertFalse((self.folder / "started").exists())

    def test_a_signal_ends_the_children_and_the_summary_is_still_printed(self) -> None:
        child = self.program(f"sleep 600 & echo $! >{self.folder}/left\nwait", "child")
        for sent, status in ((signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)):
            (self.folder / "left").unlink(missing_ok=True)
            work = f"conclude(lambda: run(['{child}']), results)"
            source = f"from conclusion import conclude\nfrom command import run\nfrom results import *\nimport sys\n" \
                f"results = Results()\nresults.fail('format', 'Diff in a.rs')\nsys.exit({work})"
            runner = subprocess.Popen([sys.executable, "-c", source], cwd=HERE, stdout=subprocess.PIPE, text=True)
            pid = self.pid_in("left")
            runner.send_signal(sent)
            said, _ = runner.communicate(timeout=60)
            self.assertEqual(runner.returncode, status)
            self.assertIn("FAILED step format: Diff in a.rs", said)
            self.assertIn(f"not run: everything after {sent.name}", said)
            self.wait_until(lambda: not is_running(pid))
