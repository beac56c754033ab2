"""Runs in processes of their own, some side by side."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from reproduce import runs
from reproduce.runs import Run

# One thread each: runs side by side use the cores better than threads of one run do.
THREADS = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}


@dataclasses.dataclass(frozen=True)
class Folders:
    """Where fetched data, unfinished runs and results are."""

    cache: Path
    checkpoints: Path
    results: Path


def work_off(todo: Iterable[Run], folders: Folders, jobs: int, command: str) -> int:
    """Does the runs that have no result yet, in their order.

    A run that fails leaves its output in the checkpoints' folder; the others go on.

    Returns:
        How many failed.
    """
    waiting = [run for run in todo if not runs.is_done(run, folders.results)]
    folders.checkpoints.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        done = pool.map(lambda run: _do(run, folders, command), waiting)
        return sum(not succeeded for succeeded in done)


def _do(run: Run, folders: Folders, command: str) -> bool:
    log = folders.checkpoints / f"{run.name}.log"
    print(f"{run.name}: see {log}", flush=True)
    request = json.dumps(dataclasses.asdict(run))
    places = [str(getattr(folders, f.name)) for f in dataclasses.fields(folders)]
    with log.open("a") as output:
        code = subprocess.call(
            [sys.executable, "-m", "reproduce.one", request, *places, command],
            env={**os.environ, **THREADS},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    print(f"{run.name}: {'done' if code == 0 else 'FAILED'}", flush=True)
    return code == 0
