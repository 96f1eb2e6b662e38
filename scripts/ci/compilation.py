"""The one compilation of the server and all its tests, and what the compiler said about them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from command import ROOT, run
from lint_and_note import NOTES
from problem import first_problem
from results import Results

# The executable of the server, as opposed to those of tests.
SERVER = "the server"
CLIPPY = ["cargo", "clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]
DOCS = ["cargo", "doc", "--locked", "--no-deps", "--lib"]
DENY_WARNINGS = {"RUSTDOCFLAGS": "-D warnings"}

# Separates arguments in the variable by which Cargo's subcommand passes them to Clippy's driver.
SEPARATOR = "__CLIPPY_HACKERY__"
# Arguments of rustc that rustdoc does not know, with what follows them.
NOT_OF_RUSTDOC = ("--emit", "--out-dir", "--json", "--error-format", "--diagnostic-width")
# The linker's messages are a lint of the compiler; Clippy, which only checks, never sees them.
LINKER = "linker_messages"


@dataclass
class Compiled:
    """What the compilation made."""

    # By target name; none if anything failed to compile.
    executables: dict[str, Path] = field(default_factory=dict)
    # The library's file, if the library at least was compiled.
    library: Path | None = None


class Messages:
    """What Cargo prints in JSON: executables that it made, and lints of the workspace's crates."""

    def __init__(self) -> None:
        self.executables: dict[str, Path] = {}
        self.library: Path | None = None
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
        elif message.get("reason") == "compiler-artifact":
            self._read_artifact(message)
        elif message.get("reason") == "compiler-message":
            self._read_diagnostic(message["message"])

    def _read_artifact(self, artifact: dict) -> None:
        target, is_test = artifact["target"], artifact["profile"]["test"]
        if artifact.get("executable"):
            is_server = target["kind"] == ["bin"] and not is_test
            self.executables[SERVER if is_server else target["name"]] = Path(artifact["executable"])
        elif target["kind"] == ["lib"] and target["name"] == "groundswell":
            # Another one may be a copy, whose name has no suffix.
            self.library = next((Path(name) for name in artifact["filenames"] if name.endswith(".rmeta")), None)

    def _read_diagnostic(self, diagnostic: dict) -> None:
        code = (diagnostic.get("code") or {}).get("code")
        # Without a code, it only counts the warnings before it.
        if diagnostic["level"] == "warning" and code not in (None, LINKER):
            places = [f"{span['file_name']}:{span['line_start']}: " for span in diagnostic["spans"] if span["is_primary"]]
            lint = (places or [""])[0] + diagnostic["message"]
            # The library and its tests are two crates, for which the compiler says the same.
            if lint in self.lints:
                return
            self.lints[lint] = None
        for line in diagnostic["rendered"].rstrip().split("\n"):
            self._say(line)

    def _say(self, line: str) -> None:
        self.said.append(line)
        print(line, flush=True)


def compile_tests(results: Results, *, lint: bool = False) -> Compiled:
    """Compiles all tests of the server and the server itself, once.

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
            NOTES: str(_notes()),
        }
    messages = Messages()
    finished = run(command, env=env, quiet=True, on_line=messages.read)
    if messages.lints:
        lints = list(messages.lints)
        more = f" (and {len(lints) - 1} more)" if len(lints) > 1 else ""
        results.fail("clippy", lints[0] + more, " ".join(CLIPPY))
    missing = {"groundswell", "it", SERVER} - messages.executables.keys()
    if finished.ok and not missing:
        return Compiled(messages.executables, messages.library)
    problem = first_problem(messages.said) if not finished.ok else f"cargo named no executable of {', '.join(sorted(missing))}"
    results.fail("compile", problem, "cargo test --no-run")
    return Compiled(library=messages.library)


def docs(library: Path) -> tuple[list[str], dict[str, str]]:
    """Returns the command, with its environment, that documents the library from the compiled dependencies.

    If it is not noted how the library was compiled, because only the compiled files were kept, this is `cargo doc`.
    """
    try:
        note = json.loads((_notes() / f"{library.stem.removeprefix('lib')}.json").read_text())
    except (OSError, ValueError):
        return DOCS, DENY_WARNINGS
    return ["rustdoc", *for_rustdoc(note["arguments"]), "--out-dir", str(_target() / "doc"), "-D", "warnings"], note["environment"]


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
    return ROOT / (os.environ.get("CARGO_TARGET_DIR") or "target")


def _notes() -> Path:
    return _target() / "ci"
