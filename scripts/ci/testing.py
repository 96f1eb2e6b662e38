"""Programs that end in the ways that tests of the runner need."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path


class WithPrograms(unittest.TestCase):
    """A test with a folder for small shell scripts."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def program(self, script: str, name: str = "program") -> Path:
        """Returns a shell script with these lines."""
        path = self.folder / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)
        return path
