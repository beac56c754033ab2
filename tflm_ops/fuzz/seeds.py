"""Writes seed corpora for the fuzz targets: packed ops, files and settings.

Usage: PYTHONPATH=. python tflm_ops/fuzz/seeds.py FOLDER [COUNT]

One folder each in FOLDER: ops (nest_fuzz, open_fuzz), glue, metadata, governor.
"""

from __future__ import annotations

import dataclasses
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_nest import metadata as levels_metadata
from keras_nest.converter import flatbuffer
from keras_nest.converter.nested_file import nested_operators
from keras_nest.format import NEVER, OPS, Geometry, NestedOp, candidates, variant_of
from tests.format.test_accumulators import GEOMETRIES, op_at_the_limit
from tests.kernels.random_bits import random_bits_op
from tests.kernels.random_ops import random_op, random_tables, random_vector_op
from tests.kernels.random_widths import random_widths_op

LARGEST = 4096  # bytes: libFuzzer's default limit
CHOICES = 32  # bytes in front of glue_fuzz's packed op; zero is as it should be
GOLDEN = Path(__file__).parents[2] / "tests" / "golden"


def op_of_long_stride() -> NestedOp:
    """One output row and few weights; stride times a row's bytes exceed int32."""
    g = Geometry("conv_2d", 1, 2, 8196, 1, 1, 2, 1, 2, stride_h=65535)
    level_of = np.full(g.weights_shape, NEVER, np.uint8)
    level_of[:, :8], level_of[:, 8:16] = 0, 1
    op = random_tables(np.random.default_rng(0), g, 2, level_of, (1, 4))
    return dataclasses.replace(op, shift=np.full_like(op.shift, -12))


def op_of_many_channels(channels: int) -> NestedOp:
    """Depthwise, with more channels than a kernel plans at a time."""
    g = Geometry("depthwise_conv_2d", 1, 2, channels, 1, 2, channels, 1, 2, pad_left=1)
    op = random_tables(np.random.default_rng(0), g, 2, None)
    op.bias[1], op.multiplier[1] = op.bias[0], op.multiplier[0]
    return dataclasses.replace(op, shift=np.full_like(op.shift, -12))


def models() -> Iterator[tuple[str, Any]]:
    """The golden files, parsed: real models of every encoding."""
    for path in sorted(GOLDEN.glob("format_*/*.tflite")):
        yield path.stem, flatbuffer.load(path.read_bytes())


def packed_ops(count: int) -> Iterator[tuple[str, bytes]]:
    """Random ops in every way to pack them, and those of the golden files."""
    for seed in range(count):
        make = random_vector_op if seed % 5 == 4 else random_op
        op = make(np.random.default_rng(seed)) if seed > 0 else op_of_long_stride()
        ops = [op, random_widths_op(np.random.default_rng(seed), OPS[seed % 3])]
        ops.append(random_bits_op(np.random.default_rng(seed)))
        for found in (one for each in ops for one in candidates(each)):
            yield f"{seed:04}_{variant_of(found.blob).replace(' ', '')}", found.blob
    for channels in (130, 200):
        for found in candidates(op_of_many_channels(channels)):
            variant = variant_of(found.blob).replace(" ", "")
            yield f"channels_{channels}_{variant}", found.blob
    for i, geometry in enumerate(GEOMETRIES):
        for sign, shift in ((1, 0), (-1, 3)):
            op = op_at_the_limit(geometry, sign, shift)
            for found in candidates(op):
                variant = variant_of(found.blob).replace(" ", "")
                yield f"limit_{i}_{shift}_{variant}", found.blob
    for stem, model in models():
        for i, operator in enumerate(nested_operators(model)):
            yield f"{stem}_{i}", operator.blob


def metadata() -> Iterator[tuple[str, bytes]]:
    """Files that are small, as their weights are left out, and the bare buffers."""
    for stem, model in models():
        (entry,) = (
            entry
            for entry in model.metadata
            if flatbuffer.text(entry.name) == levels_metadata.NAME
        )
        yield f"{stem}_bare", bytes(model.buffers[entry.buffer].data)
        for i, buffer in enumerate(model.buffers):
            if i != entry.buffer:
                buffer.data = None
        model.subgraphs = []
        yield stem, flatbuffer.pack(model)


def governor(count: int) -> Iterator[tuple[str, bytes]]:
    """Costs, then calls with budgets and durations, as governor_fuzz reads them."""

    def number(value: int) -> bytes:
        return b"\3" + struct.pack(">I", value)

    for seed in range(count):
        rng = np.random.default_rng(seed)
        costs = np.sort(rng.integers(1_000, 1_000_000, rng.integers(1, 6)))
        content = bytes([len(costs), *b"".join(map(number, costs.tolist()))])
        for level in rng.integers(0, len(costs), 12):
            took = int(costs[level]) * 3 + 100_000
            content += b"\1" + number(took)
            content += b"\0" + number(int(took * rng.uniform(0.3, 3)))
        yield f"{seed:04}", content


def write_seeds(folder: Path, count: int = 200) -> int:
    """Writes all corpora; returns how many files."""
    ops = [(name, blob) for name, blob in packed_ops(count) if len(blob) <= LARGEST]
    corpora = {
        "ops": ops,
        "glue": [(name, bytes(CHOICES) + blob) for name, blob in ops[::4]],
        "metadata": list(metadata()),
        "governor": list(governor(count // 4)),
    }
    for name, files in corpora.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for file, content in files:
            (folder / name / file).write_bytes(content)
    return sum(map(len, corpora.values()))


if __name__ == "__main__":
    total = write_seeds(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
    print(f"{total} seeds in {sys.argv[1]}")
