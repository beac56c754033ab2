"""How much the loss would change without a weight: first-order Taylor scores."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_nest.errors import NestError
from keras_nest.masks import Pattern
from keras_nest.nesting.graph import Options, level_graph, nested_graph
from keras_nest.nesting.kernel_calls import KINDS

Array = np.ndarray[Any, Any]


def taylor_importance(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    loss: Any,
    batch_size: int = 100,
    batches: int = 100,
) -> dict[str, Array]:
    """The importance of every weight for a loss, |weight x sum of its gradients|.

    As Corti et al., "REDS: Resource-Efficient Deep Subnetworks for Dynamic Resource
    Constraints" (arXiv 2311.13349): gradients are summed over the batches, as in
    training (BatchNormalization normalizes by its batch), before the magnitude is taken
    of each weight. The model is not changed.

    Args:
        model: What `keras_nest.nest` takes; trained.
        x: Inputs, or anything else that `fit` takes.
        y: Labels, where `x` does not hold them.
        loss: As for `compile`.
        batch_size: Samples in a batch, where `x` is an array.
        batches: How many batches at most.

    Returns:
        Layer name, as in the nested model -> float64 array of the kernel's shape, for
        convolutions, depthwise ones and Dense layers. `keras_nest.plan` takes it as
        `importance`.

    Raises:
        NestError: If the model cannot be nested, or gradients are not finite.
    """
    if batches < 1:
        raise NestError(f"Expected at least one batch. Received: batches={batches}")
    # A flat copy of plain layers, whose names are those of the nested model.
    dense = nested_graph(model, Options((0.0,), Pattern()), None)
    copy = level_graph(dense, 0, "importance")
    sums = GradientSum()
    copy.compile(optimizer=sums, loss=loss)
    stop = _StopAfter(batches)
    copy.fit(x, y, batch_size=_or_none(x, batch_size), verbose=0, callbacks=[stop])
    gradients = sums.by_variable(copy.trainable_variables)
    found = {}
    for layer in copy.layers:
        if not isinstance(layer, KINDS):
            continue
        kernel = ops.convert_to_numpy(layer.kernel).astype(np.float64)
        gradient = gradients.get(id(layer.kernel))
        if gradient is None:  # a frozen layer
            gradient = np.zeros_like(kernel)
        if not np.all(np.isfinite(gradient)):
            raise NestError(
                "Expected finite gradients. "
                f"Received: gradients of layer {layer.name!r} that are not",
                hint="Look for NaN in the data and in the weights.",
            )
        found[layer.name] = np.abs(kernel * gradient)
    return found


def _or_none(x: Any, batch_size: int) -> int | None:
    """Keras takes a batch size with arrays only."""
    arrays = all(hasattr(array, "shape") for array in keras.tree.flatten(x))
    return batch_size if arrays else None


class _StopAfter(keras.callbacks.Callback):
    """Ends the epoch after some batches."""

    def __init__(self, batches: int):
        super().__init__()
        self._batches = batches

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch + 1 >= self._batches:
            self.model.stop_training = True


class GradientSum(keras.optimizers.Optimizer):
    """An "optimizer" that adds the gradients up and leaves the variables alone.

    It is how gradients are had on every Keras backend with public Keras only.
    """

    def __init__(self) -> None:
        super().__init__(learning_rate=1.0)

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self._sums = self.add_optimizer_variables(variables, "sum")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        total = self._sums[self._get_variable_index(variable)]
        self.assign_add(total, ops.cast(gradient, total.dtype))

    def by_variable(self, variables: Any) -> dict[int, Array]:
        """The sums by the `id` of the variable."""
        pairs = zip(variables, self._sums, strict=True)
        return {
            id(variable): ops.convert_to_numpy(total).astype(np.float64)
            for variable, total in pairs
        }
