"""Runs the tests of a Python file that is mutated in memory only."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import CodeType, ModuleType

from mutation.forked import Outcome, run_forked
from mutation.mutant import Mutant
from mutation.subjects import ROOT, Subject


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles a text that is not the file's."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self.text = text

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.text, self.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds one module, of the repository's, with another text."""

    def __init__(self, path: str, text: str) -> None:
        self.name = path.removesuffix(".py").replace("/", ".")
        self.name = self.name.removesuffix(".__init__")
        self.path, self.text = str(ROOT / path), text

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name:
            return None
        loader = _Loader(fullname, self.path, self.text)
        return importlib.util.spec_from_file_location(
            fullname, self.path, loader=loader
        )


def import_once(subject: Subject) -> None:
    """Imports what the tests need and no mutant is in."""
    for name in ("pytest", "hypothesis", *subject.imports):
        importlib.import_module(name)
    assert not any(name.startswith("keras_nest") for name in sys.modules)


def time_of(subject: Subject) -> dict[str, float]:
    """Processor time of each of the subject's tests, on the code as it is.

    In a process of its own: this one must not import what is mutated.
    """
    code = (
        "import json, sys; from mutation.forked import time_of_tests; "
        "times = time_of_tests(sys.argv[2:]); "
        "open(sys.argv[1], 'w').write(json.dumps(times))"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "times.json")
        command = [sys.executable, "-c", code, str(path), *subject.tests]
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        times: dict[str, float] = json.loads(path.read_text())
        return times


def run_mutant(
    subject: Subject, mutant: Mutant, limits: Mapping[str, float]
) -> Outcome:
    """The subject's tests on this mutant."""

    def prepare() -> None:
        text = mutant.apply((ROOT / mutant.path).read_text())
        sys.meta_path.insert(0, _Finder(mutant.path, text))

    return run_forked(prepare, subject.tests, limits)
