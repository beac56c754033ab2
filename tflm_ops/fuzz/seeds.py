"""Writes a seed corpus of packed ops for nest_fuzz.

Usage: PYTHONPATH=. python tflm_ops/fuzz/seeds.py FOLDER [COUNT]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from keras_nest.format import ENCODINGS, FormatError, pack
from tests.kernels.random_ops import random_op

LARGEST = 4096  # bytes: libFuzzer's default limit


def write_seeds(folder: Path, count: int = 200) -> int:
    """Writes random ops in every encoding that can hold them; returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for seed in range(count):
        op = random_op(np.random.default_rng(seed))
        for encoding in ENCODINGS:
            try:
                blob = pack(op, encoding)
            except FormatError:
                continue  # this encoding cannot hold it
            if len(blob) <= LARGEST:
                (folder / f"{seed:04}_{encoding}").write_bytes(blob)
                written += 1
    return written


if __name__ == "__main__":
    total = write_seeds(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
    print(f"{total} seeds in {sys.argv[1]}")
