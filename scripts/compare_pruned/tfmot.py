"""The user's alternative: one model for each level, pruned by tfmot."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from reproduce.runs import Run

import keras_nest
from compare_pruned.request import SCHEDULES, Files, Request
from compare_pruned.results import Trained
from keras_nest.errors import NestError

VARIABLE = "KERAS_NEST_TFMOT_PYTHON"
COLUMN = "tfmot"


def requests(
    levels: Sequence[Run], pruned: Sequence[str], batch_size: int, rate: float
) -> list[Request]:
    """What to ask tfmot's process for: the ramp of our default schedule, in its terms.

    Args:
        levels: One run for each level.
        pruned: Names of the layers to prune.
        batch_size: See `Request`.
        rate: Its learning rate.
    """
    ramp = keras_nest.CubicRamp()
    names = tuple(sorted(pruned))
    return [
        Request(run, names, batch_size, rate, ramp.warmup, ramp.end) for run in levels
    ]


def train(asked: Sequence[Request], cache: Path, folder: Path) -> None:
    """Trains the levels that `folder` does not have yet, in one process.

    Raises:
        NestError: If there is no environment with tfmot, or the training fails; levels
            that are finished stay.
    """
    missing = [one for one in asked if Files(folder, one.run.name).load(one) is None]
    if not missing:
        return
    python = os.environ.get(VARIABLE)
    if not python:
        raise NestError(
            f"Expected {VARIABLE} to name a Python that has tfmot. Received: nothing",
            hint="Call scripts/compare_tfmot, which sets one up in .venv-tfmot.",
        )
    scripts = Path(__file__).parents[1]
    paths = [str(scripts), str(scripts.parent)]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="keras-nest-tfmot-") as name:
        request = Path(name) / "requests.json"
        request.write_text(json.dumps([dataclasses.asdict(one) for one in missing]))
        command = [python, "-m", "compare_pruned.prune", request, cache, folder]
        code = subprocess.call(
            list(map(str, command)),
            stdout=sys.stderr,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(paths),
                "TF_USE_LEGACY_KERAS": "1",
            },
        )
    if code:
        raise NestError(
            f"Expected tfmot's process to train {len(missing)} levels. "
            f"Received: exit status {code}; its output says why",
            hint="Finished levels are kept: call the same command again.",
        )


def trained(request: Request, folder: Path) -> Trained:
    """What `train` left.

    Raises:
        NestError: If it did not train this.
    """
    files = Files(folder, request.run.name)
    facts = files.load(request)
    if facts is None:
        raise NestError(f"Expected {files.tflite} of {request}. Received: no such file")
    return Trained(
        files.tflite.read_bytes(),
        [{"validation": facts["validation"], "test": facts["test"]}],
        facts["training"],
        facts["versions"],
        {
            "pruning": {
                "schedule": SCHEDULES[request.run.variant],
                "begin": request.begin,
                "end": request.end,
            },
            "sparsities": facts["sparsities"],
        },
    )
