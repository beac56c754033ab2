"""The layers of a model that have kernels, and how often each weight is used."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_nest.format import Geometry
from keras_nest.layers import NestedBatchNormalization
from keras_nest.nesting.rewrite import walk

Array = np.ndarray[Any, Any]

KINDS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.Dense,
)


class KernelCalls:
    """A convolution or Dense layer and its calls in a model.

    Attributes:
        layer: The layer.
        shapes: The (input, output) shapes of its calls.
        private_tables: Whether a BatchNormalization that scales each level by itself
            follows it.
    """

    def __init__(self, layer: Any):
        self.layer = layer
        self.shapes: list[tuple[Any, Any]] = []
        self.private_tables = False

    @property
    def kernel(self) -> Array:
        """The kernel as an array of the layer's own shape."""
        return keras.ops.convert_to_numpy(self.layer.kernel)

    @property
    def output_channels(self) -> int:
        shape = self.layer.kernel.shape
        if isinstance(self.layer, keras.layers.DepthwiseConv2D):
            return int(shape[-2] * shape[-1])
        return int(shape[-1])

    @property
    def positions(self) -> int:
        """How many times each weight is used for one sample."""
        return sum(self._positions(output) for _, output in self.shapes)

    def _positions(self, output: Any) -> int:
        layer = self.layer
        dense = isinstance(layer, keras.layers.Dense)
        if dense or layer.data_format == "channels_last":
            return int(np.prod(output[1:-1]))
        return int(np.prod(output[2:]))

    @property
    def geometry(self) -> Geometry:
        """The shapes of the layer's first call; a Conv1D is a Conv2D of height 1.

        Padding is left at 0: it changes neither bytes nor multiply-accumulates.
        """
        layer = self.layer
        before, after = (list(shape[1:]) for shape in self.shapes[0])
        if isinstance(layer, keras.layers.Dense):
            vectors = int(np.prod(after[:-1]))
            sizes = (1, vectors, before[-1], 1, vectors, after[-1])
            return Geometry("fully_connected", *sizes)
        if layer.data_format == "channels_first":
            before, after = [*before[1:], before[0]], [*after[1:], after[0]]
        ones = [1] * (3 - len(before))
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        return Geometry(
            "depthwise_conv_2d" if depthwise else "conv_2d",
            *ones,
            *before,
            *ones,
            *after,
            *ones,
            *layer.kernel_size,
            *ones,
            *layer.strides,
            *ones,
            *layer.dilation_rate,
        )


def kernel_calls(graph: keras.Model) -> list[KernelCalls]:
    """The convolutions and Dense layers of a functional model, in call order."""
    calls: dict[int, KernelCalls] = {}
    source: dict[int, KernelCalls] = {}
    kept: list[Any] = []  # ids stay unique while the tensors live

    def call(operation: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        output = operation.compute_output_spec(*args, **kwargs)
        if isinstance(operation, KINDS):
            found = calls.setdefault(id(operation), KernelCalls(operation))
            found.shapes.append((args[0].shape, output.shape))
            source[id(output)] = found
            kept.append(output)
        elif isinstance(operation, NestedBatchNormalization):
            producer = source.get(id(args[0]))
            if producer is not None and operation.private_affine:
                producer.private_tables = True
        return output

    walk(graph, list(graph.inputs), call)
    return list(calls.values())
