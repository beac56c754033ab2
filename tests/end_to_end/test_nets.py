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
    kinds = [type(layer).__name__ for layer in model.layers]
    assert sorted(kinds) == sorted(type(one).__name__ for one in reference.layers)

    # The order of the skip's convolution among the others is not part of the net.
    def key(layer: Any) -> list[tuple[int, ...]]:
        return [tuple(weight.shape) for weight in layer.weights]

    places: dict[str, list[Any]] = {}
    for layer in reference.layers:
        places.setdefault(str(key(layer)), []).append(layer)
    for layer in model.layers:
        layer.set_weights(places[str(key(layer))].pop(0).get_weights())
    x = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(
        model.predict(x, verbose=0), reference.predict(x, verbose=0), atol=1e-5
    )


def test_fashion_has_the_size_it_says() -> None:
    model = script("nets").fashion(keras)
    assert model.input_shape == (None, 28, 28, 1)
    assert model.count_params() == 19_994
