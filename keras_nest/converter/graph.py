"""The converter's graph: a short list of ops that everything after freeze works on.

A tensor is a name with a shape. Shapes have a batch of 1 and are [1, features] or
[1, height, width, channels]; one-dimensional signals have height 1. Only weighted ops
know about levels: their tables have one row per level.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from keras_nest.format import Widths, four_bits

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]

NEVER = 255
"""level_of of a weight that no level uses."""

LARGEST_OF_BITS = 119
"""Of int8 weights whose upper four bits are their rounding: 16 * 7 + 7."""


@dataclasses.dataclass
class Op:
    """What all ops have.

    Attributes:
        name: The Keras layer's name, with the names of the submodels around it.
        inputs: Names of the input tensors.
        output: Name of the output tensor.
    """

    name: str
    inputs: list[str]
    output: str


@dataclasses.dataclass
class Weighted(Op):
    """A convolution, depthwise convolution or dense layer.

    Computes `scale[l] * (kernel * (level_of <= l) . x) + bias[l]`, then the activation.

    Attributes:
        kind: "conv_2d", "depthwise_conv_2d" or "fully_connected".
        kernel: Float weights in TFLite's layout: [out, kh, kw, in], depthwise
            [1, kh, kw, out], dense [out, in].
        level_of: uint8 of the kernel's shape, or None: all weights at every level.
        scale: [levels, out], the factor that folded normalizations put on a channel.
        bias: [levels, out].
        block: (output rows, inputs) of the sparsity pattern.
        channels: Where levels have sparsities within widths, the lowest level that has
            both channels of a weight, uint8 of the kernel's shape; else None.
        widths: Where a level is a prefix of the channels; `level_of` says the same.
        bits: Where a level has 4 or 8 bits of each weight, by level.
        layer: The Keras layer that has the kernel and bias; None for a lone
            normalization.
        norms: The Keras layers of the folded normalizations, in order.
    """

    kind: str
    kernel: Array
    level_of: Array | None
    scale: Array
    bias: Array
    strides: tuple[int, int] = (1, 1)
    padding: str = "valid"
    dilation: tuple[int, int] = (1, 1)
    activation: str = "linear"
    block: tuple[int, int] = (1, 1)
    pattern: str = "dense"
    channels: Array | None = None
    widths: Widths | None = None
    bits: tuple[int, ...] | None = None
    layer: Any = None
    norms: list[Any] = dataclasses.field(default_factory=list)

    @property
    def channel_axis(self) -> int:
        return 3 if self.kind == "depthwise_conv_2d" else 0

    @property
    def out_channels(self) -> int:
        return int(self.kernel.shape[self.channel_axis])

    @property
    def kernel_size(self) -> tuple[int, int]:
        if self.kind == "fully_connected":
            return 1, 1
        return int(self.kernel.shape[1]), int(self.kernel.shape[2])

    def per_channel(self, values: Any, xp: Any = np) -> Any:
        """Shapes [out] values so that they broadcast against the kernel.

        Args:
            values: An array of `xp`.
            xp: `numpy` or `keras.ops`.
        """
        shape = [1] * self.kernel.ndim
        shape[self.channel_axis] = -1
        return xp.reshape(values, shape)

    @property
    def largest_weight(self) -> int:
        """What the largest weight of a channel is in int8."""
        return 127 if self.bits is None else LARGEST_OF_BITS

    def masked(self, level: int) -> Array:
        """The kernel with the weights that `level` leaves out set to zero; rounded to
        the level's bits."""
        if self.bits is not None:
            return self._rounded(self.bits[level])
        if self.level_of is None:
            return self.kernel
        return np.where(self.level_of <= level, self.kernel, 0)

    def _rounded(self, bits: int) -> Array:
        """As `keras_nest.layers.fake_quantize.planes`."""
        axes = tuple(i for i in range(self.kernel.ndim) if i != self.channel_axis)
        step = np.abs(self.kernel).max(axis=axes, keepdims=True) / LARGEST_OF_BITS
        step = np.where(step > 0, step, np.float32(1))
        weights = np.rint(self.kernel / step).astype(np.int8)
        return np.asarray((four_bits(weights) if bits == 4 else weights) * step)


@dataclasses.dataclass
class Affine(Op):
    """`x * scale[l] + bias[l]` per channel: a normalization before it is folded."""

    scale: Array
    bias: Array
    layer: Any


@dataclasses.dataclass
class Activation(Op):
    """A "relu", "relu6" or "softmax" that no other op has taken in."""

    kind: str


@dataclasses.dataclass
class Add(Op):
    """The sum of two tensors of one shape, then the activation."""

    activation: str = "linear"


@dataclasses.dataclass
class Concatenate(Op):
    """Tensors side by side along the channels."""


@dataclasses.dataclass
class Pool(Op):
    """Pooling; `kind` is "max" or "average" (padding does not count)."""

    kind: str
    size: tuple[int, int]
    strides: tuple[int, int]
    padding: str


@dataclasses.dataclass
class Mean(Op):
    """Global average pooling: [1, h, w, c] to [1, c]."""


@dataclasses.dataclass
class Reshape(Op):
    """The same numbers in another shape."""


@dataclasses.dataclass
class Pad(Op):
    """Zero padding: ((top, bottom), (left, right))."""

    amounts: tuple[tuple[int, int], tuple[int, int]]


@dataclasses.dataclass
class Requantize(Op):
    """The same numbers at another int8 scale: the identity in float."""


@dataclasses.dataclass
class Graph:
    """A net with one input and one output.

    Attributes:
        name: The model's name.
        levels: Number of levels; 1 for a plain Keras model.
        sparsities: As asked for in training, or None for a plain model.
        shapes: Shape of every tensor.
        ops: In an order in which they can run.
        input_shape: The model's own input shape, batch of 1; `shapes[input]` is the
            same numbers as the graph sees them.
    """

    name: str
    levels: int
    sparsities: tuple[float, ...] | None
    input: str = ""
    output: str = ""
    input_shape: Shape = ()
    output_shape: Shape = ()
    shapes: dict[str, Shape] = dataclasses.field(default_factory=dict)
    ops: list[Op] = dataclasses.field(default_factory=list)

    def consumers(self, tensor: str) -> list[Op]:
        return [op for op in self.ops if tensor in op.inputs]

    def producer(self, tensor: str) -> Op | None:
        return next((op for op in self.ops if op.output == tensor), None)

    def only_feeds(self, tensor: str, op: Op) -> bool:
        """Whether nothing but one input of `op` reads the tensor."""
        uses = sum(other.inputs.count(tensor) for other in self.ops)
        return tensor != self.output and uses == 1 and tensor in op.inputs

    def weighted(self) -> list[Weighted]:
        return [op for op in self.ops if isinstance(op, Weighted)]
