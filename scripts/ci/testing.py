"""Programs that end in the ways that tests of the runner need."""

from __future__ import annotations

import os
import tempfile
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from unittest import mock

# Whatever the caller's repository is (hooks and `git rebase --exec` name it), and whatever the developer configured for git.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
}


HERE = Path(__file__).parent


def is_running(pid: int) -> bool:
    """Returns whether a process exists, and has not only not been collected yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class WithPrograms(unittest.TestCase):
    """A test with a folder for small shell scripts."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        environment = mock.patch.dict(os.environ, ENVIRONMENT, clear=True)
        environment.start()
        self.addCleanup(environment.stop)
        self.folder = Path(folder.name)

    def program(self, script: str, name: str = "program") -> Path:
        """Returns a shell script with these lines."""
        path = self.folder / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)
        return path

    def pid_in(self, name: str) -> int:
        path = self.folder / name
        self.wait_until(lambda: path.exists() and path.read_text().endswith("\n"))
        return int(path.read_text())

    def wait_until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not holds():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
