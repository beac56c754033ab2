"""One run from its data to its result, in a process of its own."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import time
from pathlib import Path
from typing import Any

import keras

from reproduce import columns, data, runs, scores
from reproduce.runs import Run

PACKAGES = ("keras", "tensorflow", "numpy", "tflite-micro")


def execute(
    run: Run, cache: Path, checkpoints: Path, results: Path, command: str
) -> None:
    """Trains, scores and converts a run, and saves its result.

    Args:
        run: What to do; nothing, where `results` has it.
        cache: Folder of fetched data.
        checkpoints: Folder of what an interrupted run goes on from; emptied of this
            run's files when it is done.
        results: Folder of the results.
        command: What the user typed, for the result.
    """
    if runs.is_done(run, results):
        return
    loaded = data.load(
        run.data,
        cache,
        validation=run.validation,
        train_samples=run.train_samples,
        quick=run.quick,
    )
    model, trainer = columns.train(run, loaded, checkpoints)
    start = time.perf_counter()
    in_float = scores.float_scores(model, loaded)
    tflite, file_facts, instructions = scores.converted(model, loaded)
    # Ablations choose among ways to train, which int8 has no say in.
    # Ablations choose among ways to train, which int8 has no say in.
    in_int8, int8_by = None, None
    if run.column != "ablation":
        in_int8, int8_by = scores.int8_scores(tflite, loaded)
    levels = [
        {
            "asked": asked,
            "validation": accuracy["validation"],
            "test": accuracy["test"],
            "int8": None if in_int8 is None else in_int8[level],
            "macs": macs,
            "instructions": count,
        }
        for level, (asked, accuracy, macs, count) in enumerate(
            zip(run.levels, in_float, file_facts.pop("macs"), instructions, strict=True)
        )
    ]
    clock = trainer.clock
    facts: dict[str, Any] = {
        "recipe": columns.options_of(run),
        "results": levels,
        "file": file_facts,
        "int8_by": int8_by,
        "training": {
            "seconds": round(clock.seconds, 1),
            "cpu_seconds": round(clock.cpu_seconds, 1),
            "peak_megabytes": round(clock.peak_megabytes),
            "samples": len(loaded.train[0]),
        },
        "scoring_seconds": round(time.perf_counter() - start, 1),
        "made_by": _made_by(command),
    }
    runs.save_result(run, facts, results)
    for path in checkpoints.glob(f"{run.name}.*"):
        path.unlink()


def _made_by(command: str) -> dict[str, Any]:
    return {
        "command": command,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "backend": keras.backend.backend(),
        "threads": int(os.environ.get("TF_NUM_INTRAOP_THREADS", 0)),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
    }
