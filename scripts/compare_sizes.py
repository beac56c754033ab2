"""Bytes of a nested ResNet-8 (MLPerf Tiny) against what one would ship instead.

The pretrained net is nested by magnitude, without training: bytes do not depend on
accuracy. Normalizations of the levels are moved apart a little, as training does, so
that no two levels share a table by accident.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import code_sizes
import keras
import numpy as np
from get_data import load_keras_h5, mlperf_tiny_models
from rich.console import Console

import keras_nest
from keras_nest import reporting
from keras_nest.layers import NestedBatchNormalization

CASES = (
    ("1x2-balanced", (0.9, 0.8, 0.7), "private"),
    ("1x2-balanced", (0.9, 0.8, 0.7), "shared"),
    ("1x4-balanced", (0.9, 0.8, 0.7), "private"),
    ("element", (0.9, 0.7, 0.0), "private"),
    ("1x2", (0.9, 0.7, 0.0), "private"),
    ("1x4", (0.9, 0.7, 0.0), "private"),
)


def nested(base: Any, sparsities: Any, pattern: str, batch_norm: str) -> Any:
    model = keras_nest.nest(base, sparsities, pattern=pattern, batch_norm=batch_norm)
    rng = np.random.default_rng(0)
    for layer in model.graph.layers:
        if isinstance(layer, NestedBatchNormalization):
            for variable in (layer.gamma, layer.beta, layer.moving_mean):
                old = keras.ops.convert_to_numpy(variable)
                variable.assign(old * rng.uniform(0.8, 1.25, old.shape))
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path(".cache"))
    parser.add_argument(
        "--code", action="store_true", help="only the code: ops with their glue"
    )
    options = parser.parse_args()
    if options.code:
        code_sizes.show()
        return
    base = load_keras_h5(mlperf_tiny_models(options.cache)["resnet8"])
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 255, (16, *base.input_shape[1:])).astype("float32")
    dense = len(keras_nest.convert(base, x))
    table = reporting.table(
        f"ResNet-8; its dense int8 .tflite has {dense:,} bytes",
        "pattern",
        "sparsities",
        "BatchNorm",
        "weights, indices\n: dense",
        "packed ops\n: dense",
        "whole .tflite",
        "one sparse file\nper level",
        "ratio",
    )
    for pattern, sparsities, batch_norm in CASES:
        tflite = keras_nest.convert(nested(base, sparsities, pattern, batch_norm), x)
        alone = sum(
            len(keras_nest.convert(nested(base, (one,), pattern, batch_norm), x))
            for one in sparsities
        )
        facts = keras_nest.describe(tflite)
        table.add_row(
            pattern,
            " ".join(map(str, sparsities)),
            batch_norm,
            f"{facts.values_and_indices / facts.weights:.3f}",
            f"{facts.packed_bytes / facts.weights:.3f}",
            f"{len(tflite):,}",
            f"{alone:,}",
            f"{len(tflite) / alone:.3f}",
        )
    Console(width=reporting.PIPE_WIDTH).print(table)


if __name__ == "__main__":
    main()
