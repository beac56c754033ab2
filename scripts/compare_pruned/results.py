"""Scores of a converted model, saved in the form of the comparison tables' runs."""

from __future__ import annotations

import dataclasses
import datetime
import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reproduce import data, runs
from reproduce.runs import Run
from reproduce.scores import int8_scores

import keras_nest
from compare_pruned import counts

SCORING = (
    "ai-edge-litert",
    "tflite-micro",
    "numpy",
)  # packages besides those that trained


@dataclasses.dataclass(frozen=True)
class Trained:
    """What a training gave.

    Attributes:
        tflite: The converted model.
        accuracy: In float, of each level: "validation" and "test".
        training: What it took: seconds, CPU seconds, peak memory, samples.
        versions: Of the packages that trained and converted it.
        extra: More facts for the result.
    """

    tflite: bytes
    accuracy: list[dict[str, float]]
    training: dict[str, Any]
    versions: dict[str, str]
    extra: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Scorer:
    """Scores what has no result yet.

    Attributes:
        folder: Of the results.
        command: What the user typed, for the results.
        count: Whether to count instructions in QEMU; None in the result otherwise.
    """

    folder: Path
    command: str
    count: bool

    def is_done(self, run: Run) -> bool:
        """Whether the folder has the result of this run.

        Raises:
            ValueError: If it has one of that name with other settings.
        """
        return runs.is_done(run, self.folder)

    def result(
        self, run: Run, loaded: data.Data, trained: Callable[[], Trained]
    ) -> dict[str, Any]:
        """The result of a run, which is made if the folder lacks it.

        Raises:
            NestError: If what counts instructions is missing.
            ValueError: See `is_done`.
        """
        if not self.is_done(run):
            runs.save_result(run, self._facts(run, loaded, trained()), self.folder)
        text = runs.result_path(run, self.folder).read_text()
        return dict(json.loads(text))

    def _facts(self, run: Run, loaded: data.Data, found: Trained) -> dict[str, Any]:
        start = time.perf_counter()
        facts = keras_nest.describe(found.tflite)
        in_int8, int8_by = int8_scores(found.tflite, loaded)
        levels = range(len(run.levels))
        counted: list[Any] = [None for _ in levels]
        if self.count:
            counted = counts.instructions(found.tflite)
        return {
            "results": [
                {
                    "asked": run.levels[level],
                    **found.accuracy[level],
                    "int8": in_int8[level],
                    "macs": facts.macs[level],
                    "instructions": counted[level],
                }
                for level in levels
            ],
            "file": {
                "tflite_bytes": len(found.tflite),
                "gzip_bytes": counts.gzip_bytes(found.tflite),
                "packed_bytes": facts.packed_bytes,
                "dense_bytes": facts.dense_bytes,
            },
            "int8_by": int8_by,
            **found.extra,
            "test_samples": len(loaded.test[0]),
            "training": found.training,
            "scoring_seconds": round(time.perf_counter() - start, 1),
            "made_by": self._made_by(found.versions),
        }

    def _made_by(self, versions: dict[str, str]) -> dict[str, Any]:
        scoring = {name: importlib.metadata.version(name) for name in SCORING}
        return {
            "command": self.command,
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "threads": int(os.environ.get("TF_NUM_INTRAOP_THREADS", 0)),
            "python": platform.python_version(),
            "versions": {**scoring, **versions},
        }
