"""Runs a target for a while, and adds up what ran."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

from fuzzing.targets import OUT, ROOT, Target
from keras_nest.errors import NestError
from keras_nest.files import write_atomic

RESULTS = ROOT / "docs" / "results" / "fuzzing.json"
_INTERRUPTED = 72  # by a signal, and all well until then
_EXECUTED = re.compile(r"stat::number_of_executed_units: (\d+)")


def corpus_of(target: Target) -> Path:
    """What the target has found so far."""
    folder = OUT / "corpus" / target.name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run_leg(target: Target, program: Path, seconds: int) -> dict[str, float]:
    """Fuzzes for some seconds, from the corpus and the seeds on.

    Returns:
        `executions` and `seconds`, those of the wall clock.

    Raises:
        NestError: If there is a finding: an input that crashes, hangs or leaks, or
            for which a promise does not hold. It names the file that has the input.
    """
    crashes = OUT / "crashes"
    crashes.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={target.longest}",
        f"-artifact_prefix={crashes}/{target.name}-",
        "-print_final_stats=1",
        # Of its own memory; single allocations are small, or there is a finding.
        *("-rss_limit_mb=2048", "-malloc_limit_mb=16", "-timeout=10"),
    ]
    folders = [corpus_of(target), OUT / "seeds" / target.seeds]
    started = time.monotonic()
    done = subprocess.run(
        [str(program), *options, *map(str, folders)],
        capture_output=True,
        text=True,
        errors="replace",
        env=os.environ | {"ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=0"},
    )
    took = time.monotonic() - started
    found = _EXECUTED.search(done.stderr)
    if done.returncode not in (0, _INTERRUPTED) or found is None:
        end = "\n".join(done.stderr.splitlines()[-40:])
        raise NestError(f"{target.name}: a finding, see {crashes}\n{end}")
    return {"executions": int(found[1]), "seconds": round(took, 1)}


def read_results() -> dict[str, Any]:
    """What all calls so far add up to."""
    if RESULTS.exists():
        read: dict[str, Any] = json.loads(RESULTS.read_text())
        return read
    return {"targets": {}}


def add(name: str, leg: dict[str, float], sources: str) -> dict[str, Any]:
    """Adds a leg to the results; returns the target's sum.

    Per target and per state of the sources (their digest), so that it is known what
    ran on which code.
    """
    results = read_results()
    by_sources = results["targets"].setdefault(name, {})
    total = by_sources.setdefault(sources, {"legs": 0, "executions": 0, "seconds": 0})
    total["legs"] += 1
    total["executions"] += leg["executions"]
    total["seconds"] = round(total["seconds"] + leg["seconds"], 1)
    write_results(results)
    return dict(total)


def write_results(results: dict[str, Any]) -> None:
    """Writes the JSON, ordered, so that its diffs are small."""
    text = json.dumps(results, indent=1, sort_keys=True) + "\n"
    write_atomic(RESULTS, text.encode())
