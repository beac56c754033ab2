"""A model in TFLM and the samples that it is tried on."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_nest import evaluation
from keras_nest.demo.drawing import drawing, span
from keras_nest.errors import NestError
from keras_nest.report import ReportFacts, gather
from keras_nest.runtime import Interpreter

Array = np.ndarray[Any, Any]


class Session:
    """Answers what the page asks for; of several threads, one after the other.

    Args:
        tflite: The bytes of a nested model.
        x: Samples [N, ...], as the model takes them.
        y: Labels, as `keras_nest.evaluation.score` takes them, or None.
        name: What to call the model.
        target: The core to predict instructions for; None: see `report.gather`.
        classes: Names of the classes; None: their numbers.

    Attributes:
        facts: What each level costs, and its score where the file has it.
        samples: How many there are.
        kind: What the outputs are: "classes", "values" (float targets), or
            "reconstruction" (an autoencoder: no labels, outputs as the inputs).
        classes: As given.

    Raises:
        NestError: If the model is not nested or cannot run here, or samples, labels or
            names do not fit it.
    """

    def __init__(
        self,
        tflite: bytes,
        x: Array,
        y: Array | None = None,
        name: str = "model",
        target: str | None = None,
        classes: Sequence[str] | None = None,
    ):
        self.facts: ReportFacts = gather(tflite, name, target)
        self.samples = len(x)
        self._x, self._y = x, y
        self._span = span(x)
        self._lock = threading.Lock()
        self._interpreter = Interpreter(tflite)
        first = self._run(0, 0)  # samples that do not fit are refused here
        self._true = None if y is None else evaluation.classes_of(y, first.size)
        self.kind = "classes"
        if y is None and first.shape == x.shape[1:]:
            self.kind = "reconstruction"
        elif y is not None and self._true is None:
            self.kind = "values"
            evaluation.score(first[None], x[:1], y[:1])  # refuses other shapes
        count = max(first.size, 2)  # a single score is that of class 1
        if classes is not None and len(classes) != count:
            raise NestError(
                f"Expected a name for each of {count} classes. Received: {len(classes)}"
            )
        self.classes = classes

    def sample(self, index: int) -> dict[str, Any]:
        """{"index", "input": see `drawing`, "label": text or None}.

        Raises:
            NestError: If there is no such sample.
        """
        self._check(index)
        label = None
        if self._true is not None:
            label = self.class_name(int(self._true[index]))
        elif self._y is not None:
            label = ", ".join(f"{v:.4g}" for v in self._y[index].reshape(-1)[:16])
        return {
            "index": index,
            "input": drawing(self._x[index], *self._span),
            "label": label,
        }

    def predict(self, index: int, level: int) -> dict[str, Any]:
        """One sample at one level, in TFLM.

        Returns:
            {"level", "scores": [...], "output": see `drawing` or None, "text": the
            prediction in words, "correct": bool or None, "error": mean squared or None}

        Raises:
            NestError: If there is no such sample or level, or TFLM stops.
        """
        self._check(index)
        output = self._run(index, level)
        answer: dict[str, Any] = {"level": level, "correct": None, "error": None}
        flat = output.reshape(1, -1)
        if self.kind == "classes":
            found = int(evaluation.predicted_classes(flat)[0])
            if flat.shape[1] == 1:
                flat = np.concatenate([1 - flat, flat], axis=1)
            if self._true is not None:
                answer["correct"] = found == int(self._true[index])
            return answer | {
                "scores": flat[0].tolist(),
                "output": None,
                "text": self.class_name(found),
            }
        targets = None if self._y is None else self._y[index : index + 1]
        error = evaluation.score(output[None], self._x[index : index + 1], targets)[1]
        drawn = drawing(output, *self._span) if self.kind == "reconstruction" else None
        shown = ", ".join(f"{v:.4g}" for v in flat[0][:16])
        return answer | {
            "scores": flat[0].tolist(),
            "output": drawn,
            "text": f"error {error:.4g}" if drawn else shown,
            "error": error,
        }

    def class_name(self, number: int) -> str:
        return f"class {number}" if self.classes is None else self.classes[number]

    def _run(self, index: int, level: int) -> Array:
        with self._lock:
            return self._interpreter.predict(
                self._x[index : index + 1], level, dequantize=True
            )[0]

    def _check(self, index: int) -> None:
        if not 0 <= index < self.samples:
            raise NestError(
                f"Expected a sample from 0 to {self.samples - 1}. Received: {index}"
            )
