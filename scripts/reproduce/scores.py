"""What a trained model is worth and what it costs, level by level."""

from __future__ import annotations

import warnings
from typing import Any

import keras_nest
from keras_nest import evaluation
from keras_nest.bench.grid import synthetic_op
from keras_nest.converter import costs, flatbuffer
from keras_nest.converter.choose import dense_instructions
from keras_nest.converter.convert import PatternWarning
from keras_nest.targets import find
from reproduce.data import Data

TARGET = "cortex-m4"
SAMPLES = 500  # that the ranges of the int8 model are measured on


def float_scores(model: Any, data: Data) -> list[dict[str, float]]:
    """Accuracy of each level in Keras, on the held out samples and on test data."""
    validation, test = (
        evaluation.score_keras("", model, x, y)["levels"]
        for x, y in (data.validation, data.test)
    )
    return [
        {"validation": one, "test": other}
        for one, other in zip(validation, test, strict=True)
    ]


def converted(model: Any, data: Data) -> tuple[bytes, dict[str, Any], list[int]]:
    """The .tflite for the Cortex-M4, facts of the file, instructions of each level.

    Instructions are those of all convolutions and dense layers, by the cost table of
    the core; ops that stay builtin count as our dense kernels.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PatternWarning)
        tflite = keras_nest.convert(model, data.train[0][:SAMPLES], target=TARGET)
    facts = keras_nest.describe(tflite)
    levels = max(facts.levels, 1)
    nested = tflite.report.instructions or [0] * levels
    builtin = builtin_instructions(tflite)
    file_facts = {
        "tflite_bytes": len(tflite),
        "packed_bytes": facts.packed_bytes,
        "dense_bytes": facts.dense_bytes,
        "macs": facts.macs,
    }
    return bytes(tflite), file_facts, [count + builtin for count in nested]


def builtin_instructions(tflite: bytes) -> int:
    """Predicted instructions of the convolutions and dense layers left builtin."""
    from compare_dense import builtin

    table = costs.load(find(TARGET).costs)
    return sum(
        dense_instructions(synthetic_op(geometry, None, 0), table)
        for _, _, geometry in builtin.geometries(flatbuffer.load(tflite))
    )


def int8_scores(tflite: bytes, data: Data) -> tuple[list[float], dict[str, Any]]:
    """Accuracy of each level on test data, and what ran it.

    That is TFLM; of a plain model TensorFlow Lite, with TFLM's word on some samples, as
    the reference kernels of TFLM's wheel take a third of a second for one of ResNet-8.
    """
    from compare_pruned import lite

    x, y = data.test
    runtime: dict[str, Any] = {"runtime": "TensorFlow Lite Micro"}
    if keras_nest.describe(tflite).levels:
        ran = evaluation.run_levels(tflite, x, dequantize=True).runs
        outputs = [run.outputs for run in ran]
    else:
        outputs = [lite.outputs(tflite, x)]
        same = lite.agreement(tflite, x, outputs[0])
        runtime = {"runtime": "TensorFlow Lite", **same}
    return [evaluation.score(one, x, y)[1] for one in outputs], runtime
