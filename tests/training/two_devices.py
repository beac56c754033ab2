"""Trains the same on one device and on two and prints both as JSON.

Run by test_distribution in a process of its own, since devices are counted once.
"""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any

import keras
import numpy as np
from keras import ops

import keras_nest
from keras_nest.layers import NestedBatchNormalization
from tests.training.small import LOSS, conv_network, level_of, three_classes

# Name -> normalization of the network, arguments of nest.
NO_NORM: dict[str, Any] = {"momentum": None}
CASES: dict[str, dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "mirrored": {
        "all levels": (NO_NORM, {}),
        "some levels a step": (NO_NORM, {"levels_per_step": 2, "seed": 1}),
        "line": (NO_NORM, {"recipe": keras_nest.LCS(variant="line"), "seed": 1}),
        "synchronized norm": ({"synchronized": True}, {}),
        "norm": ({}, {}),
    },
    "data parallel": {
        "some levels a step": (NO_NORM, {"levels_per_step": 2, "seed": 1}),
        "norm": ({}, {}),
    },
}


def mirrored() -> Any:
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, halves)
    # Collectives of one training wait for those of the training before.
    plain_sum = tf.distribute.ReductionToOneDevice()
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], plain_sum)


@contextlib.contextmanager
def data_parallel() -> Any:
    devices = keras.distribution.list_devices()
    assert len(devices) == 2, devices
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False)
    )
    yield
    keras.distribution.set_distribution(None)


def train(norm: dict[str, Any], arguments: dict[str, Any], scope: Any) -> Any:
    keras.utils.set_random_seed(3)
    x, y = three_classes()
    weight = np.linspace(0.5, 1.5, len(x)).astype("float32")
    with scope:
        base = conv_network((8, 16), regularizer="l2", **norm)
        model = keras_nest.nest(base, (0.8, 0.5, 0.2), **arguments)
        model.compile(keras.optimizers.SGD(0.05), LOSS, metrics=["accuracy"])
        logs = model.fit(
            *(x, y, 24),
            sample_weight=weight,
            epochs=2,
            shuffle=False,
            verbose=0,
            validation_data=(x, y),
        ).history
    return model, logs


def statistics(model: Any) -> list[float]:
    """How far a level's moving mean and variance are from those of all the data."""
    graph, x = model.graph, three_classes()[0]
    norm = next(v for v in graph.layers if isinstance(v, NestedBatchNormalization))
    stem = graph.get_layer("stem")(x)
    before = graph.get_layer("conv")(stem, level=0)
    moments = ops.moments(before, axes=(0, 1, 2))
    found = (norm.moving_mean[0], norm.moving_variance[0])
    return [
        float(ops.max(ops.abs(mine - theirs)))
        for mine, theirs in zip(found, moments, strict=True)
    ]


def main(kind: str) -> None:
    strategy = mirrored() if kind == "mirrored" else None
    result = {}
    for name, (norm, arguments) in CASES[kind].items():
        one, logs = train(norm, arguments, contextlib.nullcontext())
        scope = data_parallel() if strategy is None else strategy.scope()
        two, logs_of_two = train(norm, arguments, scope)
        masks = zip(level_of(one), level_of(two), strict=True)
        result[name] = {
            "one": logs,
            "two": logs_of_two,
            "same_masks": all(np.array_equal(a, b) for a, b in masks),
            "statistics": statistics(two) if name == "norm" else None,
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1])
