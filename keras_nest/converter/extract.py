"""One level of a nested .tflite as a plain int8 .tflite, out of the packed bytes alone.

The plain model computes the same bytes as the nested one at that level: it is what the
nested kernels are tested against, and a way onto runtimes without custom ops.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_nest.converter import annotate, flatbuffer, sweep, weight_counts
from keras_nest.converter.arithmetic import (
    activation_bounds,
    effective_scale,
    quantize_multiplier,
    same_padding,
    valid_size,
)
from keras_nest.converter.flatbuffer import ModelWriter
from keras_nest.converter.graph import Array
from keras_nest.converter.nested_file import (
    NestedOperator,
    level_layers,
    nested_operators,
)
from keras_nest.converter.plain import PlainWeights, write_plain
from keras_nest.errors import NestError
from keras_nest.format import Geometry, NestedOp
from keras_nest.levels import check_levels


def extract(
    tflite: bytes, level: int | Sequence[int], dense_as_conv: bool = False
) -> bytes:
    """Writes one level of a nested model as a plain model of builtin ops.

    Args:
        tflite: A nested .tflite file.
        level: The level to keep, 0 the sparsest; of a file with a level for each
            nested layer (`per_layer_level`) one for all, or a sequence of them.
        dense_as_conv: Write nested dense layers as 1x1 CONV_2D, for runtimes whose
            FULLY_CONNECTED knows only one scale for all output channels.

    Returns:
        An ordinary int8 .tflite file.

    Raises:
        NestError: If the file is not a nested .tflite, or has no such level.
    """
    model = flatbuffer.load(tflite)
    found = nested_operators(model)
    if not found:
        raise NestError(
            "Expected a .tflite with nested ops. Received: one without any",
            hint="It has one level already: use the file as it is.",
        )
    levels = check_levels(level, found[0].op.levels, level_layers(found))
    facts = annotate.read(model)
    writer = ModelWriter(model)
    subgraph = writer.subgraph
    operators = list(subgraph.operators)
    subgraph.operators = []
    by_index = {nested.index: nested for nested in found}
    for index, operator in enumerate(operators):
        if index in by_index:
            nested = by_index[index]
            _write_level(writer, nested, levels[nested.entry or 0], dense_as_conv)
        else:
            subgraph.operators.append(operator)
    sweep.drop_inputs(model, {nested.level for nested in found})
    (counts,) = weight_counts.of_ops(model, [], levels=1)
    mixed = len(set(levels)) > 1
    kept = None if mixed else annotate.of_level(facts, levels[0], counts.macs)
    annotate.replace(model, kept)
    description = flatbuffer.text(model.description)
    named = "-".join(map(str, levels if mixed else levels[:1]))
    return writer.finish(f"{description}, level {named} extracted")


def _write_level(
    writer: ModelWriter, nested: NestedOperator, level: int, as_conv: bool
) -> None:
    tensors = writer.subgraph.tensors
    source, output = tensors[nested.source], tensors[nested.output]
    plain = plain_weights(
        nested.op,
        level,
        _scale(source, nested.name),
        _scale(output, nested.name),
        nested.name,
        as_conv,
    )
    first, last = nested.source, nested.output
    convert = as_conv and nested.op.geometry.op == "fully_connected"
    if convert:
        first = _reshaped(writer, first, nested.op.geometry.in_c, f"{nested.name}/in")
        last = _image(writer, last, nested.op.geometry.out_c, f"{nested.name}/out")
    write_plain(writer, nested.name, plain, first, last)
    if convert:
        _add_reshape(writer, last, nested.output, nested.name)


def plain_weights(
    op: NestedOp,
    level: int,
    input_scale: float,
    output_scale: float,
    name: str,
    as_conv: bool = False,
) -> PlainWeights:
    """The weights, scales and bias of the plain op that equals `op` at a level.

    Args:
        op: An unpacked op.
        level: Which level.
        input_scale: float32 scale of the op's input.
        output_scale: float32 scale of its output.
        name: The layer's name, for errors.
        as_conv: Describe a dense op as a 1x1 convolution.

    Raises:
        NestError: If no float32 scale gives the op's multipliers.
    """
    geometry = op.geometry
    kind = geometry.op
    sign = np.where(op.multiplier[level] < 0, -1, 1)
    weights = op.at(level) * (sign if kind == "depthwise_conv_2d" else sign[:, None])
    if kind == "depthwise_conv_2d":
        shape = (1, geometry.kernel_h, geometry.kernel_w, geometry.out_c)
    elif kind == "conv_2d":
        shape = (geometry.out_c, geometry.kernel_h, geometry.kernel_w, geometry.in_c)
    elif as_conv:
        kind, shape = "conv_2d", (geometry.out_c, 1, 1, geometry.in_c)
    else:
        shape = weights.shape
    bias = op.bias[level]
    if op.widths is not None:
        # No weights and no bias: the zero point, as the nested op leaves it there.
        bias = np.where(np.arange(bias.size) < op.widths.outputs[level], bias, 0)
    scale = _weight_scale(
        np.abs(op.multiplier[level]).astype(np.int64),
        op.shift[level].astype(np.int64),
        input_scale,
        output_scale,
        name,
    )
    return PlainWeights(
        kind=kind,
        weights=weights.astype(np.int8).reshape(shape),
        scale=scale,
        bias=(bias * sign).astype(np.int32),
        strides=(geometry.stride_h, geometry.stride_w),
        padding=_padding(geometry, name),
        dilation=(geometry.dilation_h, geometry.dilation_w),
        activation=_activation(op, output_scale, name),
    )


def _weight_scale(
    multiplier: Array,
    shift: Array,
    input_scale: float,
    output_scale: float,
    name: str,
) -> Array:
    """float32 weight scales from which TFLM computes these multipliers and shifts.

    The multiplier has more digits than a float32, so that the scale that it was made
    from is found exactly: it is the candidate next to the quotient that gives it back.
    """
    factor = multiplier * 2.0 ** (shift - 31)
    middle = factor * np.float64(output_scale) / np.float64(input_scale)
    candidate = middle.astype(np.float32)
    below = np.nextafter(candidate, np.float32(0))
    above = np.nextafter(candidate, np.float32(np.inf))
    result = np.zeros_like(candidate)
    found = np.zeros(len(candidate), bool)
    for trial in (candidate, below, above):
        scale = effective_scale(input_scale, trial, output_scale)
        got = quantize_multiplier(scale)
        right = (got[0] == multiplier) & (got[1] == shift) & ~found
        result[right] = trial[right]
        found |= right
    if not np.all(found):
        channel = int(np.argmin(found))
        raise NestError(
            f"Expected multipliers that come from float32 scales in {name!r}. "
            f"Received: {multiplier[channel]} with shift {shift[channel]} in channel "
            f"{channel}",
            hint="The file was not written by this package's converter.",
        )
    return result


def _padding(geometry: Geometry, name: str) -> str:
    """ "same" or "valid", whichever gives the op's shapes and padding."""
    if geometry.op == "fully_connected":
        return "valid"
    axes = (
        (
            geometry.in_h,
            geometry.out_h,
            geometry.kernel_h,
            geometry.stride_h,
            geometry.dilation_h,
            geometry.pad_top,
        ),
        (
            geometry.in_w,
            geometry.out_w,
            geometry.kernel_w,
            geometry.stride_w,
            geometry.dilation_w,
            geometry.pad_left,
        ),
    )
    if all(a[5] == 0 and valid_size(a[0], *a[2:5]) == a[1] for a in axes):
        return "valid"
    if all(same_padding(a[0], *a[2:5])[:2] == (a[1], a[5]) for a in axes):
        return "same"
    raise NestError(
        f"Expected the padding of {name!r} to be 'same' or 'valid'. Received: "
        f"{geometry.pad_top} rows and {geometry.pad_left} columns",
        hint="The file was not written by this package's converter.",
    )


def _activation(op: NestedOp, output_scale: float, name: str) -> str:
    bounds = (op.act_min, op.act_max)
    for activation in ("linear", "relu", "relu6"):
        if activation_bounds(activation, output_scale, op.output_zero_point) == bounds:
            return activation
    raise NestError(
        f"Expected {name!r} to clamp as a ReLU, a ReLU6 or not at all. Received: "
        f"{bounds}",
        hint="The file was not written by this package's converter.",
    )


def _scale(tensor: Any, name: str) -> float:
    quantization = tensor.quantization
    scales = None if quantization is None else quantization.scale
    if scales is None or len(scales) != 1:
        raise NestError(
            f"Expected int8 tensors with one scale around {name!r}. Received: a tensor "
            f"{flatbuffer.text(tensor.name)!r} without",
            hint="The file was not written by this package's converter.",
        )
    return float(np.float32(scales[0]))


def _image(writer: ModelWriter, tensor: int, channels: int, name: str) -> int:
    """A new tensor like `tensor`, as an image of height 1."""
    old = writer.subgraph.tensors[tensor]
    vectors = int(np.prod(old.shape)) // channels
    quantization = flatbuffer.TensorQuantization(
        old.quantization.scale, old.quantization.zeroPoint
    )
    return writer.tensor(name, (1, 1, vectors, channels), "int8", quantization)


def _reshaped(writer: ModelWriter, tensor: int, channels: int, name: str) -> int:
    image = _image(writer, tensor, channels, name)
    _add_reshape(writer, tensor, image, name)
    return image


def _add_reshape(writer: ModelWriter, source: int, output: int, name: str) -> None:
    shape = np.asarray(writer.subgraph.tensors[output].shape, np.int32)
    target = writer.tensor(f"{name}/shape", (len(shape),), "int32", data=shape)
    options = schema.ReshapeOptionsT(newShape=shape)
    code = schema.BuiltinOperator.RESHAPE
    writer.operator(code, 1, [source, target], [output], options)
