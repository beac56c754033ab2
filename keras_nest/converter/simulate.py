"""The int8 graph in float: every rounding of the converter's, with gradients.

It runs the frozen graph that the converter writes, so that there is nothing to keep in
step: weights are read from the Keras layers that the graph's ops came from, rounded
with the steps of `channel_scales`, and every tensor is rounded to its int8 grid.
Roundings pass gradients as if they were not there (Bengio et al., "Estimating or
Propagating Gradients Through Stochastic Neurons", 2013).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_nest.converter import graph as ir
from keras_nest.converter.channel_scales import table_factors, weight_steps
from keras_nest.converter.float_ops import Tensor, unweighted, weighted
from keras_nest.converter.graph import Graph
from keras_nest.converter.weights import normalization, tflite_layout
from keras_nest.layers import NestedBatchNormalization
from keras_nest.layers.fake_quantize import straight_through


@dataclasses.dataclass(frozen=True)
class Grid:
    """The int8 grid of a tensor: float scalars, of which the scale may have a gradient.

    Attributes:
        scale: Of one int8 step.
        zero_point: -128 to 127.
    """

    scale: Tensor
    zero_point: Tensor

    def steps(self, x: Tensor) -> Tensor:
        """Float int8 values, not rounded yet."""
        return x / self.scale + self.zero_point

    def value(self, steps: Tensor) -> Tensor:
        return (steps - self.zero_point) * self.scale

    def round(self, x: Tensor, fraction: Tensor | None = None) -> Tensor:
        """The nearest value that int8 can hold.

        Values within the grid's range pass their gradients; the scale's is that of LSQ
        (Esser et al., "Learned Step Size Quantization", ICLR 2020).

        Args:
            x: Values.
            fraction: Of a step, to which the kernel rounds first; see `_fraction`.
        """
        steps = x / self.scale
        if fraction is not None:
            steps = ops.floor(steps / fraction + 0.5) * fraction
        rounded = ops.clip(_nearest(steps) + self.zero_point, -128.0, 127.0)
        clipped = ops.clip(self.steps(x), -128.0, 127.0)
        return self.value(straight_through(clipped, rounded))


def simulate(
    graph: Graph, x: Tensor, level: Any, grids: Mapping[str, Grid], training: bool
) -> Tensor:
    """What the int8 model computes at a level, dequantized.

    Args:
        graph: A graph that was just frozen from a Keras model, whose layers give the
            weights.
        x: Inputs, the batch first.
        level: int or int32 scalar tensor.
        grids: The grid of every tensor.
        training: Whether to leave out the rounding of a softmax at the very end: a
            probability that rounds to 0 has a loss without gradient.

    Returns:
        Tensor of the model's output shape.
    """
    x = ops.reshape(ops.cast(x, "float32"), (-1, *graph.shapes[graph.input][1:]))
    values = {graph.input: grids[graph.input].round(x)}
    for op in graph.ops:
        inputs = [values[name] for name in op.inputs]
        if training and op.output == graph.output and _is_softmax(op):
            values[op.output] = unweighted(op, inputs, graph)
        else:
            values[op.output] = _run(op, inputs, graph, level, grids)
    return ops.reshape(values[graph.output], (-1, *graph.output_shape[1:]))


def _run(
    op: ir.Op, inputs: list[Tensor], graph: Graph, level: Any, grids: Mapping[str, Grid]
) -> Tensor:
    source, out = grids[op.inputs[0]], grids[op.output]
    if isinstance(op, ir.Weighted):
        kernel, bias, step = _rounded_weights(op, level, source, out)
        y = weighted(op, inputs[0], kernel, bias)
        return out.round(y, _fraction(step / out.scale))
    if isinstance(op, ir.Pool) and op.kind == "average":
        # In whole steps: a mean of 4 is half way between two of them every fourth
        # time, and must not leave it by float's rounding.
        steps = source.steps(inputs[0])
        steps = straight_through(steps, ops.round(steps))
        mean = unweighted(op, [steps], graph)
        return out.value(straight_through(mean, _nearest(mean)))
    y = unweighted(op, inputs, graph)
    if isinstance(op, ir.Mean):
        return out.round(y, _fraction_of_mean(graph.shapes[op.inputs[0]], source, out))
    return y if _only_moves(op) else out.round(y)


def _is_softmax(op: ir.Op) -> bool:
    return isinstance(op, ir.Activation) and op.kind == "softmax"


def _only_moves(op: ir.Op) -> bool:
    """Whether an op only moves values, between tensors that share their grid."""
    moves = isinstance(op, ir.Reshape | ir.Pad | ir.Concatenate)
    return moves or (isinstance(op, ir.Pool) and op.kind == "max")


def _rounded_weights(
    op: ir.Weighted, level: Any, source: Grid, out: Grid
) -> tuple[Tensor, Tensor, Tensor]:
    """Kernel, bias and the accumulator's step of a level's int8 op, in float."""
    kernel, densest = _kernel(op, level), ops.stop_gradient(_densest(op))
    scale, bias = _table(op, level)
    scales = ops.stop_gradient(source.scale), ops.stop_gradient(out.scale)
    most = op.largest_weight
    step, empty = weight_steps(densest, op.channel_axis, *scales, ops, most)
    size = table_factors(scale, bias, step, empty, *scales, ops)
    rows = op.per_channel(step, ops)
    kernel = straight_through(kernel, ops.round(kernel / rows) * rows)
    bias_step = scales[0] * step * size
    bias = straight_through(bias, ops.round(bias / bias_step) * bias_step)
    scale = straight_through(scale, ops.where(scale < 0, -size, size))
    return kernel * op.per_channel(scale, ops), bias, bias_step


def _fraction(factor: Tensor) -> Tensor:
    """What MultiplyByQuantizedMultiplier rounds to first, as a fraction of its result.

    It multiplies by a 32-bit number from 0.5 to 1, rounds, shifts right and rounds.
    """
    shift = ops.floor(ops.log2(factor)) + 1.0
    return ops.stop_gradient(ops.power(2.0, ops.minimum(shift, 0.0)))


def _fraction_of_mean(shape: ir.Shape, source: Grid, out: Grid) -> Tensor:
    """The same for MEAN, which shifts by the whole powers of two of the count."""
    count = shape[1] * shape[2]
    return _fraction(source.scale / out.scale / 2.0 ** (count.bit_length() - 1))


def _densest(op: ir.Weighted) -> Tensor:
    """What the steps of the int8 weights come from; bits are steps of all of it."""
    if op.bits is None:
        return _kernel(op, None)
    return tflite_layout(op.layer, ops.convert_to_tensor(op.layer.kernel), ops)[0]


def _kernel(op: ir.Weighted, level: Any) -> Tensor:
    if op.layer is None:
        return ops.convert_to_tensor(op.kernel)
    masked = getattr(op.layer, "level_kernel", None)
    kernel = op.layer.kernel if masked is None else masked(level)
    return tflite_layout(op.layer, ops.convert_to_tensor(kernel), ops)[0]


def _table(op: ir.Weighted, level: Any) -> tuple[Tensor, Tensor]:
    """Scale and bias of each channel, normalizations folded in."""
    scale, bias = ops.ones((op.out_channels,)), ops.zeros((op.out_channels,))
    if op.layer is not None and op.layer.bias is not None:
        bias = ops.convert_to_tensor(op.layer.bias)
    for layer in op.norms:
        factor, offset = _affine(layer, level)
        scale, bias = scale * factor, bias * factor + offset
    return scale, bias


def _affine(layer: Any, level: Any) -> tuple[Tensor, Tensor]:
    """What a normalization or Rescaling does to each channel in inference."""
    if isinstance(layer, keras.layers.Rescaling):
        values = (layer.scale, layer.offset)
        scale, offset = (ops.convert_to_tensor(v, "float32") for v in values)
        return scale, offset

    def of_level(variable: Any, default: float) -> Tensor:
        if variable is None:
            return default
        if isinstance(layer, NestedBatchNormalization):
            return layer.of_level(variable, level)
        return ops.convert_to_tensor(variable)

    gamma, beta = of_level(layer.gamma, 1.0), of_level(layer.beta, 0.0)
    mean = of_level(layer.moving_mean, 0.0)
    variance = of_level(layer.moving_variance, 1.0)
    scale, offset = normalization(gamma, beta, mean, variance, layer.epsilon)
    return scale, offset


def _nearest(x: Tensor) -> Tensor:
    """Rounds halves away from zero, as the int8 kernels do."""
    return ops.sign(x) * ops.floor(ops.abs(x) + 0.5)
