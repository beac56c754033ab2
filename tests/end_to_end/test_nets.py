"""scripts/nets.py: the networks that the comparisons train."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tests.end_to_end.conftest import script


def test_resnet8_is_the_reference(mlperf_tiny: dict[str, Any]) -> None:
    """With the reference's trained weights it gives the reference's outputs."""
    reference = mlperf_tiny["resnet8"]
    model = script("nets").resnet8(keras, reference.input_shape[1:])
    theirs, ours = (
        [[w.numpy() for w in layer.weights] for layer in one.layers if layer.weights]
        for one in (reference, model)
    )
    # In the order of the reference's layers, whose convolutions all have biases.
    pending, bias = list(theirs), np.zeros(())
    for layer in model.layers:
        if not layer.weights:
            continue
        shape = layer.weights[0].shape
        found = next(w for w in pending if w[0].shape == shape)
        pending = [w for w in pending if w is not found]
        if isinstance(layer, keras.layers.BatchNormalization):
            # Less the bias of the convolution before it.
            found = [*found[:2], found[2] - bias, found[3]]
        elif len(layer.weights) == 1:
            bias, found = found[1], found[:1]
        layer.set_weights(found)
    assert not pending and len(theirs) == len(ours)
    x = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(
        model.predict(x, verbose=0), reference.predict(x, verbose=0), atol=1e-5
    )


def test_fashion_has_the_size_it_says() -> None:
    model = script("nets").fashion(keras)
    assert model.input_shape == (None, 28, 28, 1)
    assert model.count_params() == 19_994
