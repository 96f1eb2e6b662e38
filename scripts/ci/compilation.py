"""The one compilation of the server and all its tests, and what the compiler said about them."""

from __future__ import annotations

import json
import os
from pathlib import Path

from command import ROOT, run
from lint_and_note import NOTE
from problem import first_problem
from results import Results

# The executable of the server, as opposed to those of tests.
SERVER = "the server"
CLIPPY = ["cargo", "clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]
DOCS = ["cargo", "doc", "--locked", "--no-deps", "--lib"]

# Separates arguments in the variable by which Cargo's subcommand passes them to Clippy's driver.
SEPARATOR = "__CLIPPY_HACKERY__"
# Arguments of rustc that rustdoc does not know, with what follows them.
NOT_OF_RUSTDOC = ("--emit", "--out-dir", "--json", "--error-format", "--diagnostic-width")


class Messages:
    """What Cargo prints in JSON: executables that it made, and lints of the workspace's crates."""

    def __init__(self) -> None:
        self.executables: dict[str, Path] = {}
        # The first line of each lint with its place, in order.
        self.lints: dict[str, None] = {}
        # What a person would have read.
        self.said: list[str] = []

    def read(self, line: str) -> None:
        """Reads one line, and prints what a person should see."""
        try:
            message = json.loads(line) if line.startswith("{") else None
        except ValueError:
            message = None
        if message is None:
            self._say(line)
        elif message.get("reason") == "compiler-artifact" and message.get("executable"):
            is_server = message["target"]["kind"] == ["bin"] and not message["profile"]["test"]
            self.executables[SERVER if is_server else message["target"]["name"]] = Path(message["executable"])
        elif message.get("reason") == "compiler-message":
            self._read_diagnostic(message["message"])

    def _read_diagnostic(self, diagnostic: dict) -> None:
        spans = [span for span in diagnostic["spans"] if span["is_primary"]]
        # The library and its tests are two crates, for which the compiler says the same.
        shown = diagnostic["rendered"].rstrip()
        if spans and diagnostic["level"] == "warning":
            lint = f"{spans[0]['file_name']}:{spans[0]['line_start']}: {diagnostic['message']}"
            if lint in self.lints:
                return
            self.lints[lint] = None
        for line in shown.split("\n"):
            self._say(line)

    def _say(self, line: str) -> None:
        self.said.append(line)
        print(line, flush=True)


def compile_tests(results: Results, *, lint: bool = False) -> dict[str, Path]:
    """Compiles all tests of the server and the server itself, once. Returns executables by target name.

    The server itself is under `SERVER`, because its library, whose tests are an executable too, has the same name. With
    `lint`, Clippy judges the whole workspace in the same pass, and its lints fail a step but not the compilation.
    """
    command = ["cargo", "test", "--locked", "--no-run", "--message-format=json"]
    env: dict[str, str] = {}
    if lint:
        command.append("--workspace")
        env = {
            "RUSTC_WORKSPACE_WRAPPER": str(Path(__file__).with_name("lint_and_note.py")),
            "CLIPPY_ARGS": "".join(f"{argument}{SEPARATOR}" for argument in ("--cap-lints", "warn")),
            NOTE: str(_note()),
        }
    messages = Messages()
    finished = run(command, env=env, quiet=True, on_line=messages.read)
    if messages.lints:
        lints = list(messages.lints)
        more = f" (and {len(lints) - 1} more)" if len(lints) > 1 else ""
        results.fail("clippy", lints[0] + more, " ".join(CLIPPY))
    if not finished.ok:
        results.fail("compile", first_problem(messages.said), "cargo test --no-run")
        return {}
    if missing := {"groundswell", "it", SERVER} - messages.executables.keys():
        results.fail("compile", f"cargo named no executable of {', '.join(sorted(missing))}", "cargo test --no-run")
        return {}
    return messages.executables


def docs() -> tuple[list[str], dict[str, str]]:
    """Returns the command, with its environment, that documents the library as the compilation with `lint` compiled it.

    If that was not noted, because only the compiled files were kept, this is `cargo doc`.
    """
    try:
        note = json.loads(_note().read_text())
    except (OSError, ValueError):
        return DOCS, {"RUSTDOCFLAGS": "-D warnings"}
    arguments = for_rustdoc(note["arguments"])
    return ["rustdoc", *arguments, "--out-dir", str(_target() / "doc"), "-D", "warnings"], note["environment"]


def for_rustdoc(arguments: list[str]) -> list[str]:
    """Returns the arguments of rustc that rustdoc takes too."""
    kept: list[str] = []
    follows = False
    for argument in arguments:
        if follows:
            follows = False
        elif argument.startswith(NOT_OF_RUSTDOC):
            follows = "=" not in argument
        else:
            kept.append(argument)
    return kept


def _target() -> Path:
    return Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")


def _note() -> Path:
    return _target() / "ci/library.json"
