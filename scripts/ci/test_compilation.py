"""The compilation: executables, lints, and how the library is documented from its outputs."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

from command import ROOT
from compilation import DOCS, SERVER, Compiled, compile_tests, docs, for_rustdoc
from lint_and_note import NOTES
from results import Results
from testing import HERE, WithPrograms


class Compilation(WithPrograms):
    def compile(self, script: str, *, lint: bool = False) -> tuple[Compiled, Results]:
        self.program(script, "cargo")
        results = Results()
        with mock.patch.dict(os.environ, {"PATH": f"{self.folder}:{os.environ['PATH']}"}):
            with redirect_stdout(StringIO()):
                return compile_tests(results, lint=lint), results

    def artifact(self, name: str, kind: str, *, test: bool) -> str:
        target = {"name": name, "kind": [kind]}
        message = {"reason": "compiler-artifact", "target": target, "profile": {"test": test}, "executable": f"/elsewhere/{kind}-{name}"}
        return f"echo '{json.dumps(message)}'"

    def library(self) -> str:
        message = {"reason": "compiler-artifact", "target": {"name": "groundswell", "kind": ["lib"]}, "profile": {"test": False}}
        message |= {"executable": None, "filenames": ["/target/libgroundswell.rlib", "/target/deps/libgroundswell-1a.rmeta"]}
        return f"echo '{json.dumps(message)}'"

    def diagnostic(self, message: str, *, level: str = "warning", code: str | None = "lint", line: int | None = 7) -> str:
        spans = [] if line is None else [{"is_primary": True, "file_name": "src/a.rs", "line_start": line}]
        said = {"level": level, "message": message, "code": code and {"code": code}, "spans": spans}
        said["rendered"] = f"{level}: {message}\n --> src/a.rs\n"
        return f"echo '{json.dumps({'reason': 'compiler-message', 'message': said})}'"

    def test_executables_are_those_that_cargo_names(self) -> None:
        lines = [self.artifact("groundswell", "lib", test=True), self.artifact("groundswell", "bin", test=False)]
        lines.append(self.artifact("it", "test", test=True))
        lines.append(self.library())
        compiled, results = self.compile("\n".join(lines))
        found = {name: str(path) for name, path in compiled.executables.items()}
        server = {SERVER: "/elsewhere/bin-groundswell"}
        self.assertEqual(found, {"groundswell": "/elsewhere/lib-groundswell", "it": "/elsewhere/test-it", **server})
        self.assertEqual(str(compiled.library), "/target/deps/libgroundswell-1a.rmeta")
        self.assertEqual(results.failed_steps, [])

    def test_a_message_that_is_cut_off_fails_the_step_and_not_the_runner(self) -> None:
        compiled, results = self.compile("""echo '{"reason": "compiler-art'""")
        self.assertEqual((compiled, [step.name for step in results.failed_steps]), (Compiled(), ["compile"]))

    def test_a_failed_compilation_names_its_error(self) -> None:
        _, results = self.compile("echo '   Compiling thiserror v2.0'\necho 'error[E0308]: mismatched types'\nexit 101")
        self.assertEqual(results.failed_steps[0].problem, "error[E0308]: mismatched types")
        _, results = self.compile("exit 101")
        self.assertEqual(results.failed_steps[0].problem, "it printed nothing")

    def test_a_failed_compilation_of_tests_leaves_the_library_to_be_documented(self) -> None:
        compiled, _ = self.compile(f"{self.library()}\necho 'error[E0308]: mismatched types'\nexit 101")
        self.assertEqual((compiled.executables, compiled.library is not None), ({}, True))

    def test_lints_fail_a_step_by_name_and_not_the_compilation(self) -> None:
        lines = [self.diagnostic("used unwrap"), self.diagnostic("used unwrap"), self.diagnostic("unused import", line=9)]
        lines += [self.diagnostic("2 warnings emitted", code=None, line=None)]
        lines += [self.diagnostic("linker stderr: ...", code="linker_messages", line=None)]
        lines += [self.artifact("groundswell", "lib", test=True), self.artifact("groundswell", "bin", test=False), self.artifact("it", "test", test=True)]
        compiled, results = self.compile("\n".join(lines), lint=True)
        self.assertEqual(len(compiled.executables), 3)
        problems = [(step.name, step.problem) for step in results.failed_steps]
        self.assertEqual(problems, [("clippy", "src/a.rs:7: used unwrap (and 1 more)")])

    def test_a_lint_of_a_whole_crate_fails_the_step_too(self) -> None:
        _, results = self.compile(self.diagnostic("missing documentation for the crate", line=None) + "\nexit 101", lint=True)
        self.assertEqual(results.failed_steps[0].problem, "missing documentation for the crate")

    def test_an_error_of_the_compiler_is_no_lint(self) -> None:
        _, results = self.compile(self.diagnostic("mismatched types", level="error") + "\nexit 101", lint=True)
        problems = [(step.name, step.problem) for step in results.failed_steps]
        self.assertEqual(problems, [("compile", "error: mismatched types")])


class Coverage(WithPrograms):
    def test_the_compilation_of_tests_lints_every_target_that_clippy_would(self) -> None:
        said = subprocess.check_output(["cargo", "metadata", "--no-deps", "--offline", "--locked", "--format-version=1"], cwd=ROOT)
        kinds = {kind for package in json.loads(said)["packages"] for target in package["targets"] for kind in target["kind"]}
        # Without `--benches`, `cargo test` compiles no benchmarks.
        self.assertLessEqual(kinds, {"lib", "bin", "test", "example", "custom-build"})


class Notes(WithPrograms):
    LIBRARY = ["--crate-name", "groundswell", "src/lib.rs", "--crate-type", "lib", "-C", "extra-filename=-1a"]

    def compile_with_wrapper(self, *arguments: str) -> None:
        self.program(f"printf '%s\\n' \"$@\" >{self.folder}/driver", "clippy-driver")
        env = {"PATH": f"{self.folder}:{os.environ['PATH']}", NOTES: f"{self.folder}/ci", "CARGO_PKG_VERSION": "1.2", "CARGO_MAKEFLAGS": "-j"}
        subprocess.run([HERE / "lint_and_note.py", "rustc", *arguments], env={**os.environ, **env}, check=True)
        self.assertEqual((self.folder / "driver").read_text().splitlines(), ["rustc", *arguments])

    def docs(self, suffix: str) -> tuple[list[str], dict[str, str]]:
        with mock.patch.dict(os.environ, {"CARGO_TARGET_DIR": str(self.folder)}):
            return docs(Path(f"/target/deps/libgroundswell{suffix}.rmeta"))

    def test_the_library_is_noted_and_its_tests_and_other_crates_are_not(self) -> None:
        self.compile_with_wrapper("--crate-name", "groundswell", "src/lib.rs", "--test", "-C", "extra-filename=-2b")
        self.compile_with_wrapper("--crate-name", "other", "--crate-type", "lib", "-C", "extra-filename=-3c")
        self.compile_with_wrapper("-vV")
        self.assertFalse((self.folder / "ci").exists())
        self.compile_with_wrapper(*self.LIBRARY)
        noted = json.loads((self.folder / "ci/groundswell-1a.json").read_text())
        self.assertEqual(noted, {"arguments": self.LIBRARY, "environment": {"CARGO_PKG_VERSION": "1.2"}})

    def test_the_library_is_documented_as_that_very_library_was_compiled(self) -> None:
        self.compile_with_wrapper(*self.LIBRARY)
        expected = ["rustdoc", *self.LIBRARY, "--out-dir", f"{self.folder}/doc", "-D", "warnings"]
        self.assertEqual(self.docs("-1a"), (expected, {"CARGO_PKG_VERSION": "1.2"}))
        self.assertEqual(self.docs("-2b")[0], DOCS)

    def test_rustdoc_gets_what_it_knows(self) -> None:
        given = ["--crate-name", "a", "--emit=dep-info", "--error-format=json", "--out-dir", "target", "--json", "x", "--extern", "b=b.rlib"]
        self.assertEqual(for_rustdoc(given), ["--crate-name", "a", "--extern", "b=b.rlib"])
