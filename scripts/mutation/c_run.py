"""Runs the tests of the kernels on a mutant, in every build that it changes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mutation.c_build import Build
from mutation.forked import Outcome
from mutation.mutant import Mutant
from mutation.subjects import C_MODEL_TESTS, C_TESTS, ROOT

_TESTS = {"plain": C_TESTS, "models": C_MODEL_TESTS}
_SECONDS = 60  # of processor time; the code as it is takes one or two


def record(build: Build, folder: Path) -> None:
    """Writes down the calls of a build's tests, unless an earlier run did."""
    if build.name not in _TESTS:
        return
    path = folder / f"{build.name}.calls"
    made = build.folder / "made"
    if path.exists() and path.stat().st_mtime > made.stat().st_mtime:
        return
    command = [sys.executable, "-m", "mutation.record", path, *_TESTS[build.name]]
    environment = os.environ | {"KERAS_NEST_LIBRARY_DIR": str(build.folder)}
    subprocess.run(command, check=True, cwd=ROOT, env=environment)


def run_build(build: Build, folder: Path) -> Outcome:
    """The tests of one build, as it is linked now."""
    command = [str(build.folder / build.program)]
    if build.name in _TESTS:
        command.append(str(folder / f"{build.name}.calls"))
    return _run(command)


def _run(command: Sequence[str]) -> Outcome:
    started = time.monotonic()
    limited = ["bash", "-c", f'ulimit -c 0 -t {_SECONDS}; exec "$@"', "-", *command]
    try:
        done = subprocess.run(limited, capture_output=True, timeout=20 * _SECONDS)
    except subprocess.TimeoutExpired:
        return Outcome("timeout", "", 20.0 * _SECONDS)
    seconds = round(time.monotonic() - started, 2)
    name = Path(command[0]).name
    if done.returncode in (-9, -24):  # SIGKILL, SIGXCPU
        return Outcome("timeout", name, seconds)
    if done.returncode < 0:
        return Outcome("crashed", name, seconds)
    said = done.stdout.decode(errors="replace").strip()[-80:]
    word = "failed" if done.returncode else "passed"
    return Outcome(word, f"{name} {said}" if done.returncode else "", seconds)


def run_mutant(found: list[Build], folder: Path, mutant: Mutant) -> Outcome:
    """All builds that the mutant changes, up to the first that notices.

    Returns:
        "failed", "crashed", "timeout" or "passed"; "same" if the compiler makes the
        same code of it in every build, "invalid" if it does not compile.
    """
    outcome = Outcome("same")
    for build in found:
        built = build.build_mutant(mutant)
        if built == "invalid":
            return Outcome("invalid")
        if built == "same":
            continue
        outcome = run_build(build, folder)
        if outcome.killed:
            return outcome
    return outcome
