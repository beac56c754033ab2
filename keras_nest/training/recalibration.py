"""BatchNormalization statistics of every level, measured after training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras

from keras_nest.layers import NestedBatchNormalization


def recalibrate(model: keras.Model, graph: keras.Model, batches: Iterable[Any]) -> None:
    """Measures the statistics anew, but for frozen layers and fixed statistics.

    Args:
        model: Runs all levels when it is called with a batch of inputs.
        graph: Its graph, which has the layers.
        batches: Inputs. Without any, the statistics stay as they are.
    """
    layers = [
        layer
        for layer in graph.layers
        if isinstance(layer, NestedBatchNormalization) and layer.measures
    ]
    batches = list(batches)
    if not layers or not batches:
        return
    for layer in layers:
        layer.start_recalibration()
    try:
        for batch in batches:
            model(batch, training=False)
    finally:
        for layer in layers:
            layer.finish_recalibration()
