"""Writes a seed corpus of packed ops for nest_fuzz.

Usage: PYTHONPATH=. python tflm_ops/fuzz/seeds.py FOLDER [COUNT]
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np

from keras_nest.format import NEVER, OPS, Geometry, NestedOp, candidates, variant_of
from tests.kernels.random_ops import random_op, random_tables, random_vector_op
from tests.kernels.random_widths import random_widths_op

LARGEST = 4096  # bytes: libFuzzer's default limit


def op_of_long_stride() -> NestedOp:
    """One output row and few weights; stride times a row's bytes exceed int32."""
    g = Geometry("conv_2d", 1, 2, 8196, 1, 1, 2, 1, 2, stride_h=65535)
    level_of = np.full(g.weights_shape, NEVER, np.uint8)
    level_of[:, :8], level_of[:, 8:16] = 0, 1
    op = random_tables(np.random.default_rng(0), g, 2, level_of, (1, 4))
    return dataclasses.replace(op, shift=np.full_like(op.shift, -12))


def write_seeds(folder: Path, count: int = 200) -> int:
    """Writes random ops in every way to pack them; returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for seed in range(count):
        make = random_vector_op if seed % 5 == 4 else random_op
        op = make(np.random.default_rng(seed)) if seed > 0 else op_of_long_stride()
        ops = [op, random_widths_op(np.random.default_rng(seed), OPS[seed % 3])]
        for found in (one for each in ops for one in candidates(each)):
            if len(found.blob) <= LARGEST:
                name = variant_of(found.blob).replace(" ", "")
                (folder / f"{seed:04}_{name}").write_bytes(found.blob)
                written += 1
    return written


if __name__ == "__main__":
    total = write_seeds(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
    print(f"{total} seeds in {sys.argv[1]}")
