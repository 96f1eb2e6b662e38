#!/usr/bin/env python3
"""Stands for the compiler of the workspace's crates: Clippy's driver, which compiles and lints in one pass.

Cargo calls it as `RUSTC_WORKSPACE_WRAPPER`. It also notes how the library was compiled, so that rustdoc can document it
from the same compiled dependencies. `cargo doc` would check all of them once more.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

# Names the folder of the notes.
NOTES = "GROUNDSWELL_CI_NOTES"
# What Cargo adds to the names of a crate's files: it differs for each way to compile the crate.
SUFFIX = "extra-filename="
# Variables that sources read at compile time.
SEEN_BY_SOURCES = ("CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "OUT_DIR")


def library_suffix(arguments: list[str]) -> str | None:
    """Returns what the library's files have after its name, or `None` for any other crate and for the library's tests."""
    pairs = set(zip(arguments, arguments[1:]))
    is_library = ("--crate-name", "groundswell") in pairs and ("--crate-type", "lib") in pairs
    suffixes = [argument.removeprefix(SUFFIX) for argument in arguments if argument.startswith(SUFFIX)]
    return suffixes[0] if is_library and suffixes else None


def main() -> None:
    arguments = sys.argv[1:]
    suffix = library_suffix(arguments)
    if NOTES in os.environ and suffix is not None:
        environment = {name: value for name, value in os.environ.items() if name.startswith(SEEN_BY_SOURCES)}
        note = Path(os.environ[NOTES]) / f"groundswell{suffix}.json"
        note.parent.mkdir(parents=True, exist_ok=True)
        # The first argument is the path of rustc.
        note.write_text(json.dumps({"arguments": arguments[1:], "environment": environment}))
    os.execvp("clippy-driver", ["clippy-driver", *arguments])


if __name__ == "__main__":
    main()
