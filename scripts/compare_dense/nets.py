"""Whole nets: the nested ops of MLPerf Tiny models beside CMSIS-NN, layer by layer.

The pretrained nets are nested by magnitude, without training: what the kernels take
depends on how many weights a level has and where, not on how good they are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from get_data import load_keras_h5, mlperf_tiny_models

import keras_nest
from compare_dense import builtin, cases, measurement, packing
from compare_dense.measurement import Row
from keras_nest.bench.inputs import random_inputs
from keras_nest.bench.targets import Target
from keras_nest.converter import flatbuffer
from keras_nest.converter.nested_file import nested_operators
from keras_nest.layers import NestedBatchNormalization

NETS = {
    "resnet8": "ResNet-8",
    "ds_cnn": "DS-CNN",
    "mobilenet_v1_025": "MobileNetV1-0.25",
}
PATTERN = "1x4"
TWO_LEVELS = (0.9, 0.7)
THREE_LEVELS = (0.9, 0.7, 0.0)


@dataclasses.dataclass(frozen=True)
class Net:
    """A nested net and what its ops take. `rows` are its ops in order."""

    name: str
    sparsities: tuple[float, ...]
    tflite_bytes: int
    rows: list[Row]

    def total(self, kind: str, of: Callable[[Row], list[int]]) -> list[int]:
        """Sum over the ops of a kind ("depthwise", or "dense" for all others)."""
        chosen = [
            of(row) for row in self.rows if (kind == "depthwise") == is_depthwise(row)
        ]
        return [sum(level) for level in zip(*chosen, strict=True)]


def is_depthwise(row: Row) -> bool:
    return row.op == "depthwise_conv_2d"


def load(name: str, cache: Path) -> Any:
    """One of `NETS`, pretrained.

    Raises:
        NestError: If it can neither be found in the cache nor downloaded.
    """
    return load_keras_h5(mlperf_tiny_models(cache)[name])


def convert(
    base: Any, sparsities: tuple[float, ...], target: Target, optimize: str = "speed"
) -> bytes:
    """Nests and converts for a core, each level with its own BatchNormalization."""
    model = keras_nest.nest(base, sparsities, pattern=PATTERN)
    rng = np.random.default_rng(0)
    for layer in model.graph.layers:
        if isinstance(layer, NestedBatchNormalization):
            for variable in (layer.gamma, layer.beta, layer.moving_mean):
                old = keras.ops.convert_to_numpy(variable)
                variable.assign(old * rng.uniform(0.8, 1.25, old.shape))
    x = rng.normal(0, 1, (16, *base.input_shape[1:])).astype(np.float32)
    return bytes(keras_nest.convert(model, x, target=target.name, optimize=optimize))


def measure(tflite: bytes, target: Target) -> list[Row]:
    """Counts every convolution and dense layer of a file, beside CMSIS-NN.

    Builtin ones, such as a first layer that stays dense, count as what CMSIS-NN takes.
    """
    model = flatbuffer.load(tflite)
    nested = nested_operators(model)
    found = [
        (
            operator.index,
            measurement.Case(
                operator.name,
                "dense" if operator.op.level_of is None else PATTERN,
                operator.op,
                {packing.label(operator.blob): operator.blob},
                x,
            ),
        )
        for operator, x in zip(nested, random_inputs(nested), strict=True)
    ]
    densities = (1.0,) * (nested[0].op.levels if nested else 1)
    found += [
        (
            index,
            measurement.Case(
                name,
                "dense",
                cases.random_op(geometry, None, densities),
                {},
                cases.random_input(geometry),
            ),
        )
        for index, name, geometry in builtin.geometries(model)
    ]
    found.sort(key=lambda entry: entry[0])
    return measurement.measure([case for _, case in found], target)


def measure_net(name: str, base: Any, sparsities: Any, target: Target) -> Net:
    tflite = convert(base, sparsities, target)
    return Net(NETS[name], sparsities, len(tflite), measure(tflite, target))
