"""Running and scoring every level of a model: float in Keras, int8 in TFLM."""

from __future__ import annotations

import dataclasses
import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_nest.errors import NestError
from keras_nest.files import inputs_of, read_arrays, read_bytes, write_atomic

Array = np.ndarray[Any, Any]
Progress = Callable[[int, int], None]
"""Called with (samples done, samples in all)."""


@dataclasses.dataclass(frozen=True)
class LevelRun:
    """What one level gave. `level` is None for a model without levels, and a list where
    each layer ran at one of its own."""

    level: int | list[int] | None
    outputs: Array
    seconds: float

    @property
    def label(self) -> str:
        if isinstance(self.level, list):
            return ",".join(map(str, self.level))
        return "-" if self.level is None else str(self.level)

    @property
    def name(self) -> str:
        if self.level is None:
            return "plain"
        return f"level_{self.label.replace(',', '_')}"


@dataclasses.dataclass(frozen=True)
class RunResults:
    """The outputs of some levels of one .tflite over the same samples."""

    model: str
    samples: int
    arena_bytes: int
    runs: list[LevelRun]

    def as_dict(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "samples": self.samples,
            "host_arena_bytes": self.arena_bytes,
            "levels": [
                {
                    "level": run.level,
                    "seconds": round(run.seconds, 3),
                    "output_shape": list(run.outputs.shape),
                    "output_dtype": str(run.outputs.dtype),
                    "first_output": run.outputs[0].ravel()[:32].tolist(),
                }
                for run in self.runs
            ],
        }


def load_data(
    path: str, labels: str | None = None, limit: int | None = None
) -> tuple[Array, Array | None]:
    """Reads samples, and labels where there are some.

    Args:
        path: .npy with the inputs, or .npz with `x` (or a single array) and maybe `y`.
        labels: .npy with the labels; goes before `y` of the .npz.
        limit: Keep only this many samples.

    Returns:
        `(x, y)`, y None where there are no labels. First axis: samples.

    Raises:
        NestError: If a file cannot be read, or lengths disagree.
    """
    arrays = read_arrays(path)
    x = inputs_of(arrays, path)
    y = arrays.get("y")
    if labels is not None:
        y = next(iter(read_arrays(labels).values()))
    if x.ndim < 2 or len(x) == 0:
        raise NestError(
            f"Expected inputs of shape (samples, ...) in {path}. "
            f"Received: shape={x.shape}",
            hint="Put the samples along the first axis; one sample is x[None].",
        )
    if y is not None and len(y) != len(x):
        raise NestError(
            f"Expected one label for each sample. Received: {len(x)} samples and "
            f"{len(y)} labels"
        )
    return x[:limit], None if y is None else y[:limit]


def run_levels(
    model: str | bytes,
    x: Array,
    level: int | list[int] | None = None,
    progress: Progress | None = None,
    dequantize: bool = False,
) -> RunResults:
    """Runs one level (or, with None, all of them) of a .tflite over `x` in TFLM.

    A list has a level for each nested layer, of a file with `per_layer_level`.
    """
    from keras_nest.runtime import Interpreter

    interpreter = Interpreter(model)
    levels: list[int | list[int] | None]
    if interpreter.levels == 0:
        if level is not None:
            raise NestError(
                f"Expected a nested model for level={level}. Received: a model "
                "without levels",
                hint="Leave --level away to run it as it is.",
            )
        levels = [None]
    else:
        levels = list(range(interpreter.levels)) if level is None else [level]
    runs = []
    for index, one in enumerate(levels):

        def advance(done: int, total: int, before: int = index) -> None:
            if progress is not None:
                progress(before * total + done, len(levels) * total)

        start = time.perf_counter()
        outputs = interpreter.predict(
            x, level=one, dequantize=dequantize, progress=advance
        )
        runs.append(LevelRun(one, outputs, time.perf_counter() - start))
    name = "model" if isinstance(model, bytes) else str(model)
    return RunResults(name, len(x), interpreter.arena_bytes, runs)


def save_outputs(path: str, results: RunResults) -> None:
    """Writes one array per level into an .npz."""
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {run.name: run.outputs for run in results.runs}
    np.savez(buffer, **arrays)
    write_atomic(path, buffer.getvalue())


def score(outputs: Array, x: Array, y: Array | None) -> tuple[str, float]:
    """Accuracy for class labels, mean squared error for anything else.

    Args:
        outputs: Model outputs, shape (samples, ...).
        x: The inputs: the target of a model without labels (an autoencoder).
        y: Labels: integers or booleans, one-hot rows, or float targets.

    Returns:
        The metric's name and its value.

    Raises:
        NestError: If the labels are missing, or do not fit the outputs.
    """
    if y is None:
        if outputs.shape != x.shape:
            raise NestError(
                "Expected labels to score the outputs against. Received: none, and the "
                f"outputs {outputs.shape[1:]} are no reconstruction of the inputs",
                hint="Put them into the .npz as y, or name them with --labels.",
            )
        return "mse", float(np.mean((outputs.astype(np.float64) - x) ** 2))
    classes = classes_of(y, outputs[0].size)
    if classes is not None:
        scores = outputs.reshape(len(outputs), -1)
        return "accuracy", float(np.mean(predicted_classes(scores) == classes))
    if y.size != outputs.size:
        raise NestError(
            f"Expected targets of shape {outputs.shape}. Received: shape={y.shape}"
        )
    target = y.reshape(outputs.shape)
    return "mse", float(np.mean((outputs.astype(np.float64) - target) ** 2))


def predicted_classes(scores: Array) -> Array:
    """The class of each row of [N, classes]; a single score is that of class 1."""
    if scores.shape[1] == 1:
        return (scores[:, 0] > 0.5).astype(np.int64)
    return scores.argmax(axis=1)


def classes_of(y: Array, outputs: int) -> Array | None:
    """The classes that labels name, int64 [N]; None for float targets.

    Args:
        y: Labels: integers or booleans, one-hot rows, or float targets.
        outputs: Number of outputs of the model for one sample.

    Raises:
        NestError: If the labels are no numbers, or name classes the model lacks.
    """
    if y.dtype.kind not in "fuib":
        raise NestError(
            f"Expected labels that are numbers. Received: dtype={y.dtype}",
            hint="Save class indexes (integers) or one-hot rows.",
        )
    one_hot = _is_one_hot(y)
    if y.dtype.kind == "f" and not one_hot:
        return None
    if not one_hot and y.size != len(y):
        raise NestError(
            f"Expected class labels of shape ({len(y)},), or one-hot rows of shape "
            f"({len(y)}, {outputs}). Received: {y.dtype} labels of shape={y.shape}",
            hint="Save targets that are no classes as floats.",
        )
    classes = y.argmax(axis=1) if one_hot else y.reshape(len(y)).astype(np.int64)
    _check_classes(classes, max(outputs, 2))
    return classes


def _is_one_hot(y: Array) -> bool:
    if y.ndim != 2 or y.shape[1] < 2:
        return False
    return bool(np.all((y == 0) | (y == 1)) and np.all(y.sum(axis=1) == 1))


def _check_classes(classes: Array, count: int) -> None:
    if classes.min() < 0 or classes.max() >= count:
        raise NestError(
            f"Expected labels from 0 to {count - 1}, as the model has {count} classes. "
            f"Received: labels from {classes.min()} to {classes.max()}"
        )


def score_keras(path: str, model: Any, x: Array, y: Array | None) -> dict[str, Any]:
    """Scores every level of a nested Keras model (or a plain one) in float."""
    outputs = model.predict(x, batch_size=256, verbose=0)
    if isinstance(outputs, dict):
        per_level = [outputs[f"level_{level}"] for level in range(len(outputs))]
    else:
        per_level = [outputs]
    return _scores(path, "float32 (Keras)", [np.asarray(o) for o in per_level], x, y)


def score_tflite(
    path: str, x: Array, y: Array | None, progress: Progress | None = None
) -> dict[str, Any]:
    """Scores every level of a .tflite as TFLM computes it."""
    results = run_levels(path, x, progress=progress, dequantize=True)
    return _scores(path, "int8 (TFLM)", [run.outputs for run in results.runs], x, y)


def check_save(paths: list[str]) -> None:
    """Says before anything is measured whether the scores can be saved.

    Raises:
        NestError: If there is no .tflite, or one has no metadata to save them in.
    """
    from keras_nest.converter import annotate, flatbuffer

    if not paths:
        raise NestError("Expected a .tflite to save scores in. Received: none")
    for path in paths:
        annotate.of_file(flatbuffer.load(read_bytes(path)))


def save_scores(path: str, scores: dict[str, Any], samples: int) -> None:
    """Writes what `score_tflite` measured into the metadata of that file."""
    from keras_nest.converter.annotate import annotate

    saved = annotate(read_bytes(path), scores["levels"], scores["metric"], samples)
    write_atomic(path, saved)


def _scores(
    path: str, kind: str, per_level: list[Array], x: Array, y: Array | None
) -> dict[str, Any]:
    pairs = [score(outputs, x, y) for outputs in per_level]
    return {
        "model": path,
        "kind": kind,
        "metric": pairs[0][0],
        "levels": [value for _, value in pairs],
    }
