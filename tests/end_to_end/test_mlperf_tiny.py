"""Models that nobody here made: MLPerf Tiny, nested by magnitude without training."""

from __future__ import annotations

import time
from typing import Any

import keras
import numpy as np
import pytest

from keras_nest import convert, describe, extract
from keras_nest.layers import NestedBatchNormalization
from keras_nest.model import nest
from keras_nest.runtime import Interpreter

MODELS = ("resnet8", "ds_cnn", "mobilenet_v1_025", "autoencoder")
BLOCKS = ("element", "1x2", "1x4", "1x16", "4x4", "4x16")
PATTERNS = [f"{block}{balance}" for block in BLOCKS for balance in ("", "-balanced")]
SAMPLES = {"resnet8": 2, "ds_cnn": 4, "mobilenet_v1_025": 2, "autoencoder": 8}


def inputs(model: Any, name: str, count: int) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(0)
    shape = (count, *model.input_shape[1:])
    if name == "resnet8":
        return rng.uniform(0, 255, shape).astype(np.float32)
    return rng.normal(0, 1, shape).astype(np.float32)


def tell_levels_apart(model: Any) -> None:
    """Moves the statistics of each level a little, as recalibration would."""
    rng = np.random.default_rng(0)
    for layer in model.graph.layers:
        if isinstance(layer, NestedBatchNormalization):
            for variable in (layer.gamma, layer.moving_variance):
                if variable is not None:
                    old = keras.ops.convert_to_numpy(variable)
                    variable.assign(old * rng.uniform(0.8, 1.25, old.shape))


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("name", MODELS)
def test_every_level_equals_its_extracted_model(
    mlperf_tiny: dict[str, Any], name: str, pattern: str
) -> None:
    model = nest(mlperf_tiny[name], (0.9, 0.7, 0.0), pattern=pattern)
    tell_levels_apart(model)
    x = inputs(mlperf_tiny[name], name, 24)
    start = time.perf_counter()
    tflite = convert(model, x)
    assert time.perf_counter() - start < 60
    rows = x[: SAMPLES[name]]
    nested = Interpreter(tflite)
    outputs = []
    for level in range(3):
        plain = Interpreter(extract(tflite, level)).predict(rows)
        outputs.append(nested.predict(rows, level=level))
        np.testing.assert_array_equal(outputs[-1], plain, err_msg=f"level {level}")
    assert np.std(outputs[2]) > 0
    # The levels are different networks.
    assert np.any(outputs[0] != outputs[2])


@pytest.mark.parametrize("name", MODELS)
def test_densest_level_is_the_model_as_it_came(
    mlperf_tiny: dict[str, Any], name: str
) -> None:
    """Int8 costs little: the densest level stays close to the float original."""
    base = mlperf_tiny[name]
    x = inputs(base, name, 24)
    tflite = convert(nest(base, (0.9, 0.0), pattern="1x4"), x)
    got = Interpreter(tflite).predict(x, dequantize=True)
    expected = np.asarray(base.predict(x, verbose=0))
    error = np.sqrt(np.mean((got - expected) ** 2)) / np.std(expected)
    # An int8 tensor rounds by about 0.3 % of its spread; 28 layers of MobileNet add
    # up to 3.6 % on these inputs, the others to less. A wrong scale would show as more
    # than 10 %.
    assert error < 0.08


def test_weights_and_indices_stay_near_the_dense_bytes(
    mlperf_tiny: dict[str, Any],
) -> None:
    limits = {"element": 1.35, "1x2": 1.2, "1x4": 1.2}
    for pattern, limit in limits.items():
        model = nest(mlperf_tiny["resnet8"], (0.9, 0.7, 0.0), pattern=pattern)
        facts = describe(convert(model, inputs(mlperf_tiny["resnet8"], "resnet8", 4)))
        assert facts.values_and_indices <= limit * facts.weights
