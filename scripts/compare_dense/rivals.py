"""The ways to have several accuracies of one net: nested, or several models."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

import keras_nest
from compare_dense.measurement import Row
from compare_dense.nets import THREE_LEVELS, convert, measure
from keras_nest.bench.targets import Target
from keras_nest.converter import flatbuffer
from keras_nest.converter.nested_file import nested_operators

DECODE = (
    "DECODE is computed, not run: 17 instructions for each weight of a pruned layer, "
    "zero or not (counted in the pruning decoder of TFLM's Cortex-M4F library), then "
    "CMSIS-NN's dense kernel; in flash a bit for each weight and the bytes of those "
    "that are not zero; in RAM the largest layer's weights, expanded."
)
_DECODE_INSTRUCTIONS = 17
_DECODE_HEADER_BYTES = 16


@dataclasses.dataclass(frozen=True)
class Rival:
    """One way. Lists have one entry per level.

    Attributes:
        name: For tables.
        flash_bytes: Of the .tflite file or files.
        instructions: Of all convolutions and dense layers.
        ram_bytes: What the weights take of RAM.
        switch: What it takes to get from one accuracy to another.
    """

    name: str
    flash_bytes: int
    instructions: list[int]
    ram_bytes: int
    switch: str


def measure_rivals(base: Any, target: Target) -> list[Rival]:
    """Ways to have the accuracies of `THREE_LEVELS` of a Keras model."""
    fast, small = (
        convert(base, THREE_LEVELS, target, how) for how in ("speed", "size")
    )
    rows = measure(fast, target)
    dense = _sums(row.cmsis_nn for row in rows)
    levels = range(len(THREE_LEVELS))
    dense_bytes = sum(len(keras_nest.extract(fast, level)) for level in levels)
    alone = [convert(base, (sparsity,), target) for sparsity in THREE_LEVELS]
    alone_counts = [_own(measure(tflite, target))[0] for tflite in alone]
    decoded = _decode(fast)
    one, another = "one integer", "another model"
    return [
        Rival("nested, --optimize speed", len(fast), _own(rows), 0, one),
        Rival(
            "nested, --optimize size", len(small), _own(measure(small, target)), 0, one
        ),
        Rival("three sparse models", sum(map(len, alone)), alone_counts, 0, another),
        Rival("three dense models, CMSIS-NN", dense_bytes, dense, 0, another),
        Rival(
            "three models, TFLM's DECODE and CMSIS-NN",
            dense_bytes + decoded.more_bytes,
            [a + b for a, b in zip(dense, decoded.instructions, strict=True)],
            decoded.ram_bytes,
            another,
        ),
    ]


@dataclasses.dataclass(frozen=True)
class _Decoded:
    more_bytes: int
    instructions: list[int]
    ram_bytes: int


def _decode(tflite: bytes) -> _Decoded:
    """What DECODE adds to (or takes from) a dense model of each level."""
    ops = [nested.op for nested in nested_operators(flatbuffer.load(tflite))]
    sparse = [op for op in ops if op.level_of is not None]
    more_bytes = 0
    instructions = []
    for level, sparsity in enumerate(THREE_LEVELS):
        decoded = sparse if sparsity else []  # a dense level is left as it is
        for op in decoded:
            kept = int(np.count_nonzero(op.weights[op.mask(level)]))
            more_bytes += op.weights.size // 8 + kept - op.weights.size
            more_bytes += _DECODE_HEADER_BYTES
        weights = sum(op.weights.size for op in decoded)
        instructions.append(_DECODE_INSTRUCTIONS * weights)
    return _Decoded(more_bytes, instructions, max(op.weights.size for op in sparse))


def _own(rows: list[Row]) -> list[int]:
    return _sums(row.instructions for row in rows)


def _sums(lists: Iterable[list[int]]) -> list[int]:
    return [sum(level) for level in zip(*lists, strict=True)]
