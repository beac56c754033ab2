"""Instructions of levels of width against their multiplications: DS-CNN, in QEMU.

The net is that of MLPerf Tiny with random weights: what a level takes depends on its
shapes alone. Levels have a share of the multiply-accumulates at most: all layers the
same width, or widths by layer as `plan_widths` chooses them, within shares of the
Cortex-M4's instructions as well.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import keras
import numpy as np
from keras import layers
from rich.console import Console

import keras_nest
from keras_nest import reporting
from keras_nest.bench import bench
from keras_nest.converter import flatbuffer
from keras_nest.converter.choose import densest
from keras_nest.converter.describe import describe
from keras_nest.converter.nested_file import nested_operators
from keras_nest.format import candidates
from keras_nest.format.header import Header

CHANNELS = 64
SHARES = (0.25, 0.5, 0.75, 1.0)
# 0.32, 0.56 and 0.8 are to be met, less what predictions may be off.
INSTRUCTIONS = (0.318, 0.557, 0.796, 1.0)
FOURS = tuple(c / CHANNELS for c in range(4, CHANNELS + 1, 4))


def ds_cnn(channels: int = CHANNELS) -> Any:
    def norm(x: Any) -> Any:
        return layers.ReLU()(layers.BatchNormalization()(x))

    inputs = keras.Input((49, 10, 1))
    x = norm(layers.Conv2D(channels, (10, 4), 2, "same", use_bias=False)(inputs))
    for _ in range(4):
        x = norm(layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x))
        x = norm(layers.Conv2D(channels, 1, use_bias=False)(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(12, "softmax")(x))


def macs(channels: int) -> int:
    """Of the net that is so wide."""
    pixels = 25 * 5
    of_a_pixel = 10 * 4 * channels + 4 * (9 * channels + channels**2)
    return pixels * of_a_pixel + 12 * channels


def nested(planned: bool) -> Any:
    keras.utils.set_random_seed(1)
    base = ds_cnn()
    kept = [
        max(c for c in range(1, CHANNELS + 1) if macs(c) <= share * macs(CHANNELS))
        for share in SHARES
    ]
    same = keras_nest.channel_widths(base, [c / CHANNELS for c in kept])
    widths = same
    if planned:
        widths = keras_nest.plan_widths(
            base, SHARES, shares=FOURS, target="cortex-m4", instructions=INSTRUCTIONS
        )
    model = keras_nest.nest(base, widths)
    for layer in model.nested_layers:
        layer.update_mask(1.0)
    return model


def packed_bytes(tflite: bytes) -> tuple[int, int]:
    """Of the nested ops, and of the same ops with all channels and one level."""
    ours = whole = 0
    for operator in nested_operators(flatbuffer.load(tflite)):
        ours += len(operator.blob)
        folded = Header.parse(operator.blob).folded
        found = candidates(densest(operator.op))
        whole += next(len(one.blob) for one in found if one.folded == folded)
    return ours, whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", nargs="+", default=["cortex-m4", "cortex-m55"])
    parser.add_argument("--planned", action="store_true", help="widths by layer")
    options = parser.parse_args()
    model = nested(options.planned)
    x = np.random.default_rng(1).normal(size=(16, 49, 10, 1)).astype("float32")
    warnings.simplefilter("ignore", keras_nest.ConversionWarning)  # it is not trained
    table = reporting.table(
        "DS-CNN by width: the full level's share",
        "core",
        "level",
        "multiply-accumulates",
        "instructions",
        "share",
    )
    for core in options.cores:
        tflite = keras_nest.convert(model, x, target=core)
        facts = describe(tflite)
        counted = bench(bytes(tflite), core).instructions
        for level, (one, count) in enumerate(zip(facts.macs, counted, strict=True)):
            table.add_row(
                core,
                str(level),
                f"{one / facts.macs[-1]:.3f}",
                f"{count:,}",
                f"{count / counted[-1]:.3f}",
            )
        ours, whole = packed_bytes(bytes(tflite))
        print(
            f"{core}: {ours:,} bytes of nested ops, {ours / whole:.3f} of those of the "
            "full level alone"
        )
    Console(width=reporting.PIPE_WIDTH).print(table)


if __name__ == "__main__":
    main()
