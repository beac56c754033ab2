"""Builds of the kernels in which one changed file costs one compilation."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from mutation.mutant import Mutant
from mutation.subjects import C_FILES, ROOT

_OPS = ROOT / "tflm_ops"
_MODELS = ("-DNEST_DIRECT_DENSE=1", "-DNEST_DEPTHWISE_FOURS=1", "-DNEST_DECODE=1")
_LIBRARY = "libnest_core.so"
_SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@dataclasses.dataclass
class Build:
    """One configuration, compiled object by object in a copy of the sources.

    Attributes:
        name: "plain", "unit" (unit tests under the sanitizers) or "models" (the C
            models of what firmware has in assembly).
        flags: Options of the compiler, and of the linker.
        program: Its tests: the kernels with replay.c, or with the unit tests.
        folder: Where; it has a copy of `include`, `src` and `tests`.
    """

    name: str
    flags: tuple[str, ...]
    program: str
    folder: Path

    def prepare(self) -> None:
        """Compiles everything, unchanged, unless an earlier run did."""
        stamp = self.folder / "made"
        made = stamp.exists() and stamp.read_text() == _stamp(self.flags)
        if not made:
            shutil.rmtree(self.folder, ignore_errors=True)
            for name in ("include", "src", "tests"):
                shutil.copytree(_OPS / name, self.folder / name)
        self.sources = sorted(self.folder.glob("src/**/*.c"))
        if self.name == "unit":
            tests = {path.name for path in _OPS.glob("tests/*.c")}
            tests -= {"find_metadata.c"}  # a program of its own
            self.tests = [self.folder / "tests" / name for name in sorted(tests)]
        else:
            replay = Path(__file__).with_name("replay.c")
            self.tests = [self.folder / "replay.c"]
            self.tests[0].write_bytes(replay.read_bytes())
        # The tests are few; they may have changed since.
        for source in self.tests + ([] if made else self.sources):
            assert self._compile(source, _object(source), "-MMD"), source
        self.users: dict[Path, list[Path]] = {}
        for source in self.sources:
            rule = _object(source).with_suffix(".d").read_text()
            for name in re.split(r"[\s\\]+", rule.partition(":")[2].strip()):
                self.users.setdefault(Path(name).resolve(), []).append(source)
        kernels = [_object(source) for source in self.sources]
        if self.name != "unit":  # for record.py
            assert self._gcc("-shared", *kernels, "-o", self.folder / _LIBRARY)
        assert self._link({}), f"{self.name} does not link"
        if not made:
            stamp.write_text(_stamp(self.flags))

    def alive(self) -> dict[str, set[int]]:
        """The lines of each file that the compiler gets to see."""
        lines: dict[str, set[int]] = {}
        command = ["gcc", "-std=c99", "-E", *self.flags, *self._include()]
        done = subprocess.run(
            [*command, *self.sources], capture_output=True, text=True, check=True
        )
        inside, name, number = "", "", 0
        for line in done.stdout.splitlines():
            if line.startswith("# "):
                _, at, path, *_ = line.split()
                name, number = path.strip('"'), int(at)
                inside = ""
                if name.startswith(str(self.folder)):
                    inside = os.path.relpath(name, self.folder)
                continue
            if inside and line.strip():
                at = os.path.normpath(f"tflm_ops/{inside}")
                lines.setdefault(at, set()).add(number)
            number += 1
        return lines

    def build_mutant(self, mutant: Mutant) -> str:
        """Links the output with a mutated file in it.

        Returns:
            "built"; "same" if the compiler makes the same code of it, so that no test
            could tell; "invalid" if it does not compile or link.
        """
        path = self.folder / Path(mutant.path).relative_to("tflm_ops")
        before = path.read_text()
        objects: dict[Path, Path] = {}
        path.write_text(mutant.apply(before))
        try:
            for source in self.users.get(path.resolve(), []):
                changed = _object(source).with_suffix(".mutant.o")
                if not self._compile(source, changed):
                    return "invalid"
                if changed.read_bytes() != _object(source).read_bytes():
                    objects[source] = changed
        finally:
            path.write_text(before)
        if not objects:
            return "same"
        return "built" if self._link(objects) else "invalid"

    def _include(self) -> list[str]:
        return [f"-I{self.folder / 'include'}"]

    def _compile(self, source: Path, target: Path, *options: str) -> bool:
        options = (*options, "-std=c99", "-O1", "-w", "-fPIC", *self._include())
        return self._gcc(*options, "-c", source, "-o", target)

    def _link(self, changed: dict[Path, Path]) -> bool:
        objects = [changed.get(s, _object(s)) for s in self.sources]
        objects += [_object(source) for source in self.tests]
        return self._gcc(*objects, "-o", self.folder / self.program)

    def _gcc(self, *options: object) -> bool:
        command = ["gcc", *self.flags, *map(str, options)]
        return subprocess.run(command, capture_output=True).returncode == 0


def _stamp(flags: Sequence[str]) -> str:
    """Changes with the sources and the options."""
    digest = hashlib.sha256(" ".join(flags).encode())
    for name in ("include", "src", "tests"):
        for path in sorted((_OPS / name).rglob("*.[ch]")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _object(source: Path) -> Path:
    return source.with_suffix(".o")


def builds(folder: Path) -> list[Build]:
    """The three configurations that the project's tests run on this machine."""
    mve = ("-DNEST_MVE_DENSE=1", "-DNEST_MVE_DEPTHWISE=1")
    return [
        Build("plain", (), "replay", folder / "plain"),
        Build("models", _MODELS, "replay", folder / "models"),
        Build("unit", (*_MODELS, *mve, *_SANITIZE), "nest_test", folder / "unit"),
    ]


def alive_lines(found: list[Build]) -> dict[str, set[int]]:
    """The lines of the mutated files that any of the builds compiles."""
    lines: dict[str, set[int]] = {path: set() for path in C_FILES}
    for build in found:
        kept = build.folder / "alive.json"
        if not kept.exists():
            alive = {path: sorted(numbers) for path, numbers in build.alive().items()}
            kept.write_text(json.dumps(alive))
        for path, numbers in json.loads(kept.read_text()).items():
            if path in lines:
                lines[path] |= set(numbers)
    return lines
