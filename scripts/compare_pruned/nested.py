"""Our side: one nested model with all levels, trained as the tables' columns are."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from pathlib import Path

import keras
import nets
from reproduce import columns, data, scores
from reproduce.runs import Run

import keras_nest
from compare_pruned.results import Trained
from keras_nest.files import write_atomic

PACKAGES = ("keras", "tensorflow", "numpy")


def trained(run: Run, loaded: data.Data, checkpoints: Path) -> Trained:
    """Trains and converts a run; one that was stopped goes on after its last epoch."""
    model, trainer = columns.train(run, loaded, checkpoints)
    accuracy = scores.float_scores(model, loaded)
    tflite, _, _ = scores.converted(model, loaded)
    write_atomic(checkpoints / f"{run.name}.tflite", tflite)
    clock = trainer.clock
    return Trained(
        tflite,
        accuracy,
        {
            "seconds": round(clock.seconds, 1),
            "cpu_seconds": round(clock.cpu_seconds, 1),
            "peak_megabytes": round(clock.peak_megabytes),
            "samples": len(loaded.train[0]),
        },
        {name: importlib.metadata.version(name) for name in PACKAGES},
    )


def pruned_layers(network: str, sparsities: Sequence[float]) -> list[str]:
    """Names of the layers that nesting prunes; tfmot is to prune the same."""
    model = keras_nest.nest(nets.NETS[network](keras), sparsities)
    return [layer.name for layer in model.nested_layers]
