"""The compilation: executables, lints, and how the library is documented from its outputs."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

from compilation import SERVER, compile_tests, for_rustdoc
from lint_and_note import NOTE
from results import Results
from testing import HERE, WithPrograms


class Compilation(WithPrograms):
    def compile(self, script: str, *, lint: bool = False) -> tuple[dict, Results]:
        self.program(script, "cargo")
        results = Results()
        with mock.patch.dict(os.environ, {"PATH": f"{self.folder}:{os.environ['PATH']}"}):
            with redirect_stdout(StringIO()):
                return compile_tests(results, lint=lint), results

    def artifact(self, name: str, kind: str, *, test: bool) -> str:
        target = {"name": name, "kind": [kind]}
        message = {"reason": "compiler-artifact", "target": target, "profile": {"test": test}, "executable": f"/elsewhere/{kind}-{name}"}
        return f"echo '{json.dumps(message)}'"

    def diagnostic(self, message: str, *, level: str = "warning", line: int | None = 7) -> str:
        spans = [] if line is None else [{"is_primary": True, "file_name": "src/a.rs", "line_start": line}]
        said = {"level": level, "message": message, "spans": spans, "rendered": f"{level}: {message}\n --> src/a.rs\n"}
        return f"echo '{json.dumps({'reason': 'compiler-message', 'message': said})}'"

    def test_executables_are_those_that_cargo_names(self) -> None:
        lines = [self.artifact("groundswell", "lib", test=True), self.artifact("groundswell", "bin", test=False)]
        lines.append(self.artifact("it", "test", test=True))
        executables, results = self.compile("\n".join(lines))
        found = {name: str(path) for name, path in executables.items()}
        server = {SERVER: "/elsewhere/bin-groundswell"}
        self.assertEqual(found, {"groundswell": "/elsewhere/lib-groundswell", "it": "/elsewhere/test-it", **server})
        self.assertEqual(results.failed_steps, [])

    def test_a_message_that_is_cut_off_fails_the_step_and_not_the_runner(self) -> None:
        executables, results = self.compile("""echo '{"reason": "compiler-art'""")
        self.assertEqual((executables, [step.name for step in results.failed_steps]), ({}, ["compile"]))

    def test_a_failed_compilation_names_its_error(self) -> None:
        _, results = self.compile("echo '   Compiling thiserror v2.0'\necho 'error[E0308]: mismatched types'\nexit 101")
        self.assertEqual(results.failed_steps[0].problem, "error[E0308]: mismatched types")
        _, results = self.compile("exit 101")
        self.assertEqual(results.failed_steps[0].problem, "it printed nothing")

    def test_lints_fail_a_step_by_name_and_not_the_compilation(self) -> None:
        lines = [self.diagnostic("used unwrap"), self.diagnostic("used unwrap"), self.diagnostic("unused import", line=9)]
        lines += [self.diagnostic("2 warnings emitted", line=None)]
        lines += [self.artifact("groundswell", "lib", test=True), self.artifact("groundswell", "bin", test=False), self.artifact("it", "test", test=True)]
        executables, results = self.compile("\n".join(lines), lint=True)
        self.assertEqual(len(executables), 3)
        problems = [(step.name, step.problem) for step in results.failed_steps]
        self.assertEqual(problems, [("clippy", "src/a.rs:7: used unwrap (and 1 more)")])

    def test_an_error_of_the_compiler_is_no_lint(self) -> None:
        _, results = self.compile(self.diagnostic("mismatched types", level="error") + "\nexit 101", lint=True)
        problems = [(step.name, step.problem) for step in results.failed_steps]
        self.assertEqual(problems, [("compile", "error: mismatched types")])


class Noting(WithPrograms):
    def compile_with_wrapper(self, *arguments: str) -> Path:
        self.program(f"printf '%s\\n' \"$@\" >{self.folder}/driver", "clippy-driver")
        note = self.folder / "ci/library.json"
        env = {"PATH": f"{self.folder}:{os.environ['PATH']}", NOTE: str(note), "CARGO_PKG_VERSION": "1.2", "CARGO_MAKEFLAGS": "-j"}
        subprocess.run([HERE / "lint_and_note.py", *arguments], env={**os.environ, **env}, check=True)
        self.assertEqual((self.folder / "driver").read_text().splitlines(), list(arguments))
        return note

    def test_the_library_is_noted_and_its_tests_and_other_crates_are_not(self) -> None:
        library = ["rustc", "--crate-name", "groundswell", "src/lib.rs", "--crate-type", "lib"]
        self.assertFalse(self.compile_with_wrapper("rustc", "--crate-name", "groundswell", "src/lib.rs", "--test").exists())
        self.assertFalse(self.compile_with_wrapper("rustc", "-vV").exists())
        noted = json.loads(self.compile_with_wrapper(*library).read_text())
        self.assertEqual(noted, {"arguments": library[1:], "environment": {"CARGO_PKG_VERSION": "1.2"}})

    def test_rustdoc_gets_what_it_knows(self) -> None:
        given = ["--crate-name", "a", "--emit=dep-info", "--error-format=json", "--out-dir", "target", "--json", "x", "--extern", "b=b.rlib"]
        self.assertEqual(for_rustdoc(given), ["--crate-name", "a", "--extern", "b=b.rlib"])
