"""Two lanes of one phase: what they print, and that both end with the run."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO

import output
from command import run
from side_by_side import side_by_side
from testing import HERE, WithPrograms, is_running


class SideBySide(WithPrograms):
    def test_a_step_beside_others_prints_in_one_piece(self) -> None:
        slow = self.program(f"echo one; while [[ ! -e {self.folder}/go ]]; do sleep 0.02; done; echo two", "slow")
        first = self.program(f"echo first; touch {self.folder}/go; sleep 0.2", "first")

        def step() -> None:
            with output.of_a_step() as say:
                say("── slow")
                run([str(slow)])

        with redirect_stdout(StringIO()) as shown:
            side_by_side(lambda: run([str(first)]), step)
        lines = shown.getvalue().splitlines()
        at = lines.index("── slow")
        self.assertEqual(lines[at : at + 3], ["── slow", "one", "two"])
        self.assertIn("first", lines)

    def test_an_error_of_the_other_lane_is_not_lost(self) -> None:
        def fail() -> None:
            raise ValueError("lost")

        with self.assertRaisesRegex(ValueError, "lost"):
            side_by_side(lambda: None, fail)

    def test_a_signal_ends_both_lanes_and_nothing_starts_afterwards(self) -> None:
        for name in ("one", "two"):
            self.program(f"echo $$ >{self.folder}/{name}.pid; exec sleep 600", name)
        later = self.program(f"touch {self.folder}/started", "later")
        two_steps = f"(run(['{self.folder}/two']), run(['{later}']))"
        source = (
            "from conclusion import conclude\nfrom command import run\nfrom results import Results\n"
            "from side_by_side import side_by_side\nimport sys, time\n"
            f"work = lambda: side_by_side(lambda: run(['{self.folder}/one']), lambda: {two_steps})\n"
            "status = conclude(work, Results())\n# Time in which something could still start.\ntime.sleep(0.5)\nsys.exit(status)"
        )
        runner = subprocess.Popen([sys.executable, "-c", source], cwd=HERE, stdout=subprocess.PIPE, text=True)
        pids = [self.pid_in(f"{name}.pid") for name in ("one", "two")]
        runner.send_signal(signal.SIGTERM)
        runner.communicate(timeout=60)
        self.assertEqual(runner.returncode, 143)
        for pid in pids:
            self.wait_until(lambda pid=pid: not is_running(pid))
        self.assertFalse((self.folder / "started").exists())
