"""What nesting costs and saves in bytes, on ResNet-8 of MLPerf Tiny as it is."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from keras_nest import convert, describe, nest
from keras_nest.layers import NestedBatchNormalization

SPARSITIES = (0.9, 0.8, 0.7)
PATTERN = "1x2-balanced"


@pytest.fixture(scope="module")
def samples() -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.uniform(0, 255, (16, 32, 32, 3)).astype("float32")


def nested(base: Any, sparsities: tuple[float, ...], batch_norm: str) -> Any:
    """Nested without training; private normalizations moved apart, as training does."""
    model = nest(base, sparsities, pattern=PATTERN, batch_norm=batch_norm)
    rng = np.random.default_rng(0)
    for layer in model.graph.layers:
        if isinstance(layer, NestedBatchNormalization):
            for variable in (layer.gamma, layer.beta, layer.moving_mean):
                old = keras.ops.convert_to_numpy(variable)
                variable.assign(old * rng.uniform(0.8, 1.25, old.shape))
    return model


@pytest.mark.parametrize(
    ("batch_norm", "packed_share"), [("private", 0.62), ("shared", 0.56)]
)
def test_sparse_levels_store_less_than_one_dense_net(
    mlperf_tiny: dict[str, Any],
    samples: np.ndarray[Any, Any],
    batch_norm: str,
    packed_share: float,
) -> None:
    base = mlperf_tiny["resnet8"]
    tflite = convert(nested(base, SPARSITIES, batch_norm), samples)
    facts = describe(tflite)
    assert facts.weights == sum(
        int(np.prod(layer.kernel.shape))
        for layer in base.layers
        if hasattr(layer, "kernel")
    )
    assert facts.values_and_indices <= 0.47 * facts.weights
    assert facts.packed_bytes <= packed_share * facts.weights
    assert len(tflite) < len(convert(base, samples))


def test_one_nested_file_against_three_sparse_ones(
    mlperf_tiny: dict[str, Any], samples: np.ndarray[Any, Any]
) -> None:
    base = mlperf_tiny["resnet8"]
    tflite = convert(nested(base, SPARSITIES, "private"), samples)
    alone = [
        len(convert(nested(base, (sparsity,), "private"), samples))
        for sparsity in SPARSITIES
    ]
    assert len(tflite) <= 0.60 * sum(alone)
    # What `inspect` says of separate files is an estimate of these.
    assert describe(tflite).separate_file_bytes == pytest.approx(sum(alone), rel=0.02)
