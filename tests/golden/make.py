"""Writes golden files into a folder; those that are there stay as they are."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

import keras_nest
from keras_nest.files import write_atomic
from tests.converter.nets import inputs_for, nested_random_net, random_net

SAMPLES = 4
# name -> seed of the net, its pattern, options of `convert`
CASES: dict[str, tuple[int, str, dict[str, Any]]] = {
    "generic": (0, "1x2", {}),
    "blocks": (1, "1x4", {"encoding": "blocks"}),
    "blocks_element": (4, "element", {"encoding": "blocks"}),
    "lists": (2, "1x2-balanced", {"encoding": "lists"}),
    "lists_4x4": (5, "4x4", {"encoding": "lists"}),
    "offsets": (6, "1x2", {"encoding": "offsets"}),
    "cortex_m4": (8, "4x4-balanced", {"target": "cortex-m4"}),
    "cortex_m55": (13, "1x16", {"target": "cortex-m55"}),
    "cortex_m55_4x16": (10, "4x16", {"target": "cortex-m55"}),
    "float_io": (14, "1x2", {"io": "float32"}),
    "sticky_level": (16, "1x2", {"sticky_level": True}),
    "per_layer_level": (17, "1x2", {"per_layer_level": True}),
    "bits": (4, "bits", {"target": "cortex-m4"}),
    "bits_folded": (8, "bits", {"target": "cortex-m55"}),
}


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (seed, pattern, options) in CASES.items():
        path = folder / f"{name}.tflite"
        if path.exists():
            continue
        model = nested_random_net(seed, pattern)
        plain = random_net(seed)
        tflite = keras_nest.convert(model, inputs_for(plain, 32), **options)
        x = inputs_for(plain, SAMPLES, seed=1)
        interpreter = keras_nest.Interpreter(tflite)
        outputs = [interpreter.predict(x, level=level) for level in range(model.levels)]
        write_atomic(path, tflite)
        np.savez_compressed(path.with_suffix(".npz"), x=x, outputs=np.stack(outputs))


if __name__ == "__main__":
    main()
