"""Lines of the kernels that the corpora reach, by clang's source coverage."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

from fuzzing.build import build
from fuzzing.legs import corpus_of
from fuzzing.targets import OPS, OUT, TARGETS, digest_of_sources
from keras_nest.errors import NestError

Lines = dict[str, dict[int, int]]
"""Executions of each line that is compiled, by file."""


def measure() -> dict[str, Any]:
    """Replays every corpus and the seeds.

    Returns:
        `lines` that are compiled in any of the builds, `covered` of them in any, and
        `uncovered`: the numbers of the others by file; `sources`, the digest.

    Raises:
        NestError: If llvm's tools are missing, or a program fails.
    """
    tools = {name: _tool(name) for name in ("llvm-profdata", "llvm-cov")}
    # A build without widths has fewer lines, and no others.
    wanted = [one for one in TARGETS if one.build == "native" and "no_" not in one.name]
    programs = build("coverage", wanted)
    lines: Lines = defaultdict(dict)
    for target in TARGETS:
        if target.name not in programs:
            continue
        program = programs[target.name]
        raw = program.with_suffix(".profraw")
        folders = [corpus_of(target), OUT / "seeds" / target.seeds]
        profile = {"LLVM_PROFILE_FILE": str(raw)}
        _call(program, *folders, environment=profile)
        merged = program.with_suffix(".profdata")
        _call(tools["llvm-profdata"], "merge", raw, "-o", merged)
        _add(
            lines,
            _call(
                *(tools["llvm-cov"], "export", "-format=lcov", program),
                f"-instr-profile={merged}",
            ),
        )
    return summary(lines) | {"sources": digest_of_sources()}


def summary(lines: Lines) -> dict[str, Any]:
    """Of the files in src alone."""
    uncovered = {
        file: sorted(number for number, count in counts.items() if count == 0)
        for file, counts in sorted(lines.items())
    }
    return {
        "lines": sum(map(len, lines.values())),
        "covered": sum(map(len, lines.values())) - sum(map(len, uncovered.values())),
        "uncovered": {file: numbers for file, numbers in uncovered.items() if numbers},
    }


def _add(lines: Lines, lcov: str) -> None:
    file = None
    for line in lcov.splitlines():
        if line.startswith("SF:"):
            path = Path(line[3:]).resolve()
            inside = path.is_relative_to(OPS / "src")
            file = path.relative_to(OPS).as_posix() if inside else None
        elif line.startswith("DA:") and file is not None:
            number, count = map(int, re.findall(r"\d+", line)[:2])
            lines[file][number] = max(lines[file].get(number, 0), count)


def _tool(name: str) -> str:
    for candidate in (name, f"{name}-14"):
        found = shutil.which(candidate)
        if found is not None:
            return found
    raise NestError(
        f"Expected {name} on this machine. Received: no such command",
        hint="apt-get install llvm",
    )


def _call(*command: object, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        list(map(str, command)),
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise NestError(f"Expected {command[0]} to run. Received:\n{done.stderr}")
    return done.stdout
