"""Writes a seed corpus of packed ops for nest_fuzz.

Usage: PYTHONPATH=. python tflm_ops/fuzz/seeds.py FOLDER [COUNT]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from keras_nest.format import candidates, variant_of
from tests.kernels.random_ops import random_op, random_vector_op

LARGEST = 4096  # bytes: libFuzzer's default limit


def write_seeds(folder: Path, count: int = 200) -> int:
    """Writes random ops in every way to pack them; returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for seed in range(count):
        make = random_vector_op if seed % 5 == 4 else random_op
        for found in candidates(make(np.random.default_rng(seed))):
            if len(found.blob) <= LARGEST:
                name = variant_of(found.blob).replace(" ", "")
                (folder / f"{seed:04}_{name}").write_bytes(found.blob)
                written += 1
    return written


if __name__ == "__main__":
    total = write_seeds(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
    print(f"{total} seeds in {sys.argv[1]}")
