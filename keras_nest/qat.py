"""Quantization-aware fine-tuning: `fit` with the converter's roundings in the loop."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_nest.converter import calibrate, representative
from keras_nest.converter import quantize as int8
from keras_nest.converter.freeze import freeze
from keras_nest.converter.quantize import Quantization
from keras_nest.converter.simulate import Grid, simulate
from keras_nest.errors import NestError
from keras_nest.layers import NestedBatchNormalization
from keras_nest.training.nested_model import NestedModel

MOST_STRETCH = 1.5 * math.log(2)
"""How far training may stretch or shrink a range, as a logarithm. Twice this is what
`calibrate.ADD_RANGE` leaves until TFLM refuses a sum."""


def quantization_aware(
    model: NestedModel,
    representative_data: Any,
    *,
    samples: int = 500,
    learn_ranges: bool = True,
) -> QuantizationAwareModel:
    """A copy of a trained model that computes what its int8 levels will compute.

    Compile it and call `fit` for an epoch or so, with a learning rate of about a tenth
    of the training's, and convert the result: all levels adapt to the one set of int8
    weights and scales that they share. `evaluate` and `predict` then give, but for
    single steps of rounding, what the converted model gives in TensorFlow Lite Micro.

    It is worth its time where `keras_nest.convert` alone loses accuracy: compare the
    two with `keras-nest evaluate model.keras model.tflite` first.

    Weights, biases and activations are rounded where and as the converter rounds them
    (in its own graph), and gradients pass the roundings. Masks stay as they are, and so
    do the statistics of BatchNormalization, which are part of the int8 tables; gamma
    and beta of every level train. Dropout and noise layers do nothing.

    Args:
        model: A nested model whose training has ended.
        representative_data: As of `keras_nest.convert`: the ranges of activations to
            start from are measured on it, over all levels.
        samples: Use at most this many samples of it.
        learn_ranges: Whether training also moves the ranges of activations, which
            `convert` then uses as they are.

    Returns:
        A model to compile, fit, save and convert like the given one; nothing of it is
        shared with the given one.

    Raises:
        NestError: If the model is not a trained `NestedModel`, or cannot be converted.

    Example:

    ```python
    qat = keras_nest.quantization_aware(model, x[:500])
    qat.compile(keras.optimizers.Adam(4e-4), "sparse_categorical_crossentropy")
    qat.fit(x, y, epochs=1)
    tflite = keras_nest.convert(qat)
    ```
    """
    if isinstance(model, QuantizationAwareModel):
        raise NestError(
            f"Expected a float model. Received: {model.name!r}, which is "
            "quantization-aware already",
            hint="Call fit() again to train it further.",
        )
    if not isinstance(model, NestedModel):
        raise NestError(
            f"Expected a NestedModel. Received: {type(model).__name__}",
            hint="Nest it and train it first: model = keras_nest.nest(model, ...).",
        )
    if not model.masks_frozen:
        raise NestError(
            "Expected a model whose masks are final. Received: "
            f"{model.name!r}, whose training has not ended",
            hint="Train it to the end of its schedule first; fit() then freezes them.",
        )
    frozen = freeze(model)
    data = representative.load(representative_data, frozen.input_shape, samples)
    found = int8.quantizations(frozen, calibrate.ranges(frozen, data))
    network = keras.models.clone_model(model.graph)
    network.set_weights(model.graph.get_weights())
    config = model.get_config()
    return QuantizationAwareModel(
        network,
        scales={name: (q.scale, q.zero_point) for name, q in found.items()},
        learn_ranges=learn_ranges,
        sparsities=model.sparsities,
        level_weights=model.level_weights,
        distillation=config["distillation"],
        levels_per_step=model._sampler,
        seed=config["seed"],
        name=f"{model.name}_int8",
    )


@keras.saving.register_keras_serializable(package="keras_nest")
class QuantizationAwareModel(NestedModel):
    """A `NestedModel` that rounds as its int8 model does; see `quantization_aware`.

    Args:
        graph, **options: As of `NestedModel`.
        scales: Scale and zero point of every tensor of the converter's graph, as
            calibrated.
        learn_ranges: Whether training stretches the scales.

    Attributes:
        stretch: Logarithms of the factors by which training has changed the scales,
            one for each group of tensors that share theirs.
    """

    def __init__(
        self,
        graph: keras.Model,
        *,
        scales: Mapping[str, tuple[float, int]],
        learn_ranges: bool = True,
        **options: Any,
    ):
        # In half precision there would be no int8 to be seen.
        super().__init__(graph, **{**options, "dtype": "float32"})
        for layer in graph.layers:
            if isinstance(layer, NestedBatchNormalization):
                layer.fixed_statistics = True
        self._frozen = freeze(self)
        self._scales = {name: (float(s), int(z)) for name, (s, z) in scales.items()}
        self._learn_ranges = bool(learn_ranges)
        fixed = set(int8.softmax_outputs(self._frozen))
        self._groups = [
            group for group in calibrate.ties(self._frozen) if not fixed & set(group)
        ]
        self.stretch = self.add_weight(
            name="stretch",
            shape=(len(self._groups),),
            initializer="zeros",
            trainable=self._learn_ranges,
        )
        self._progress.assign(1.0)

    def _run_level(self, inputs: list[Any], level: Any, training: bool | None) -> Any:
        return simulate(
            self._frozen, inputs[0], level, self._grids(), training=bool(training)
        )

    def _grids(self) -> dict[str, Grid]:
        factors = ops.exp(self._bounded_stretch())
        grids = {n: self._grid(n, 1.0) for n in int8.softmax_outputs(self._frozen)}
        for index, group in enumerate(self._groups):
            grids |= dict.fromkeys(group, self._grid(group[0], factors[index]))
        return grids

    def _grid(self, name: str, factor: Any) -> Grid:
        scale, zero_point = self._scales[name]
        return Grid(ops.cast(scale, "float32") * factor, float(zero_point))

    def _bounded_stretch(self) -> Any:
        """`stretch` with gradients small enough for any optimizer: LSQ's factor."""
        stretch = ops.convert_to_tensor(self.stretch)
        sizes = [self._frozen.shapes[group[0]] for group in self._groups]
        share = np.array([1 / math.sqrt(127 * math.prod(size)) for size in sizes])
        slow = stretch * ops.cast(share, "float32")
        slow = slow + ops.stop_gradient(stretch - slow)
        return ops.clip(slow, -MOST_STRETCH, MOST_STRETCH)

    def quantizations(self) -> dict[str, Quantization]:
        """Scale and zero point of every tensor: what `convert` uses."""
        return {
            name: Quantization(
                float(ops.convert_to_numpy(grid.scale)), self._scales[name][1]
            )
            for name, grid in self._grids().items()
        }

    def _rank(self, factor: float, regrow: bool) -> None:
        """The masks stay as they are."""

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scales": {name: list(values) for name, values in self._scales.items()},
            "learn_ranges": self._learn_ranges,
        }
