#!/usr/bin/env python3
"""Stands for the compiler of the workspace's crates: Clippy's driver, which compiles and lints in one pass.

Cargo calls it as `RUSTC_WORKSPACE_WRAPPER`. It also notes how the library was compiled, so that rustdoc can document the
library from the same outputs. `cargo doc` would check all dependencies once more.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

NOTE = "GROUNDSWELL_CI_NOTE"
# Variables that sources read at compile time.
SEEN_BY_SOURCES = ("CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "OUT_DIR")


def is_library(arguments: list[str]) -> bool:
    """Returns whether these are a compiler's arguments for the server's library, and not for the tests in it."""
    pairs = set(zip(arguments, arguments[1:]))
    return ("--crate-name", "groundswell") in pairs and ("--crate-type", "lib") in pairs


def main() -> None:
    arguments = sys.argv[1:]
    if NOTE in os.environ and is_library(arguments):
        environment = {name: value for name, value in os.environ.items() if name.startswith(SEEN_BY_SOURCES)}
        note = Path(os.environ[NOTE])
        note.parent.mkdir(parents=True, exist_ok=True)
        # The first argument is the path of rustc.
        note.write_text(json.dumps({"arguments": arguments[1:], "environment": environment}))
    os.execvp("clippy-driver", ["clippy-driver", *arguments])


if __name__ == "__main__":
    main()
