"""Instructions and bytes of a .tflite, nested or plain."""

from __future__ import annotations

import gzip
from typing import Any

TARGET = "cortex-m4"

_counted: dict[Any, list[int]] = {}


def instructions(tflite: bytes) -> list[int]:
    """Of all convolutions and dense layers at each level, counted in QEMU.

    Nested ops run this package's kernels; builtin ones run CMSIS-NN's dense kernels,
    to which zeros are weights like others: of plain models of the same shapes only the
    first is counted.

    Raises:
        NestError: If the compiler, QEMU or CMSIS-NN is missing.
    """
    from compare_dense import builtin, nets

    from keras_nest.bench.targets import find_target
    from keras_nest.converter import flatbuffer
    from keras_nest.converter.nested_file import nested_operators

    model = flatbuffer.load(tflite)
    plain = not nested_operators(model)
    shapes = tuple(geometry for _, _, geometry in builtin.geometries(model))
    if plain and shapes in _counted:
        return _counted[shapes]
    counts = [row.instructions for row in nets.measure(tflite, find_target(TARGET))]
    sums = [sum(level) for level in zip(*counts, strict=True)]
    if plain:
        _counted[shapes] = sums
    return sums


def gzip_bytes(tflite: bytes) -> int:
    """As tfmot's guide measures what pruning saves."""
    return len(gzip.compress(tflite, mtime=0))
