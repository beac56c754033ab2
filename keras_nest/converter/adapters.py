"""One small function for each Keras layer: what it adds to the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_nest.converter import graph as ir
from keras_nest.converter import weights
from keras_nest.converter.arithmetic import valid_size
from keras_nest.converter.builder import Builder, canonical, refused
from keras_nest.converter.graph import Array, Shape
from keras_nest.converter.weights import pair
from keras_nest.errors import NestError
from keras_nest.layers.bits import BitsKernel
from keras_nest.layers.line import LineKernel

ACTIVATIONS = ("linear", "relu", "relu6", "softmax")

MAX_CONCATENATED = 10
"""Inputs that TFLM's CONCATENATION takes (its kMaxInputNum)."""

Emit = Callable[[Builder, Any, str, list[str], Shape], str]


def emit(
    builder: Builder,
    layer: Any,
    name: str,
    inputs: list[str],
    shape: tuple[int | None, ...],
) -> str:
    """Adds a layer's ops.

    Args:
        builder: The graph under construction.
        layer: A Keras layer, or the operation that `a + b` makes.
        name: The layer's name with its submodels.
        inputs: Names of the tensors that it reads.
        shape: Keras shape of its output.

    Returns:
        The name of its output tensor.

    Raises:
        NestError: If the layer, or one of its options, is not supported.
    """
    if _is_sum(layer):
        return _add(builder, layer, name, inputs, canonical(name, "Add", shape))
    base = _known_base(layer)
    changed = None if base is None else _overridden(type(layer), base)
    if base is None or changed is not None:
        received = f"layer {name!r} of class {type(layer).__name__}"
        hint = _HINTS.get(type(layer).__name__, _HINT)
        if base is not None:
            received += f", whose {changed}() is not that of {base.__name__}"
            hint = f"Use {base.__name__} with the weights that the layer computes with."
        raise NestError(
            "Expected layers that TensorFlow Lite Micro can run nested. Received: "
            + received,
            hint=hint,
        )
    _check_float(layer, name)
    if getattr(layer, "data_format", None) == "channels_first":
        raise refused(name, layer, "data_format='channels_first'", _CHANNELS_FIRST)
    handler = next(_HANDLERS[kind] for kind in base.__mro__ if kind in _HANDLERS)
    return handler(
        builder, layer, name, inputs, canonical(name, type(layer).__name__, shape)
    )


def _check_float(layer: Any, name: str) -> None:
    """Refuses layers that compute with other weights than their kernel."""
    if isinstance(layer, LineKernel):
        hint = (
            "Train the point variant, LCS(variant='point'), whose levels are nested; "
            "or convert each level by itself: model.level(0)."
        )
        raise refused(name, layer, "levels on a line, which share no weights", hint)
    if isinstance(layer, BitsKernel) and not _converts(layer):
        hint = (
            "On the device there are BitWidths((4, 8), quantization='planes'), without "
            "masks; others train and evaluate in Keras. Convert one level by itself: "
            "model.level(0)."
        )
        widths = f"levels that are bit widths, {layer.bit_widths}"
        raise refused(name, layer, widths, hint)
    mode = getattr(layer, "quantization_mode", None)
    if mode is not None:
        hint = "Convert the float model: the converter quantizes it to int8 itself."
        raise refused(name, layer, f"weights quantized by Keras to {mode!r}", hint)
    if getattr(layer, "lora_enabled", False):
        hint = (
            "model.save_weights() merges LoRA into the kernels: load that file into "
            "the same model without LoRA, and convert it."
        )
        raise refused(name, layer, "LoRA enabled", hint)


def _converts(layer: BitsKernel) -> bool:
    return layer.bit_widths.on_device and layer.sparsities is None


def activation_of(layer: Any, name: str) -> str:
    """The layer's fused activation as one of `ACTIVATIONS`."""
    function = layer.activation
    if isinstance(function, keras.layers.ReLU):
        return _relu_kind(function, name)
    kind = getattr(function, "__name__", type(function).__name__)
    if kind not in ACTIVATIONS or getattr(keras.activations, kind) is not function:
        raise refused(name, layer, f"activation={kind!r}", _ACTIVATION)
    return str(kind)


def _relu_kind(layer: Any, name: str) -> str:
    plain = not layer.negative_slope and not layer.threshold
    if plain and layer.max_value is None:
        return "relu"
    if plain and float(layer.max_value) == 6.0:
        return "relu6"
    what = (
        f"max_value={layer.max_value}, negative_slope={layer.negative_slope}, "
        f"threshold={layer.threshold}"
    )
    raise refused(name, layer, what, _ACTIVATION)


def _weighted(b: Builder, layer: Any, name: str, inputs: list[str], out: Shape) -> str:
    op = weights.read(layer, name, inputs, b.graph.levels)
    kind = activation_of(layer, name)
    if op.padding == "causal":
        left = op.dilation[1] * (op.kernel_size[1] - 1)
        op.inputs = [_pad(b, f"{name}/pad", inputs[0], (0, 0), (left, 0))]
        op.padding = "valid"
    b.add(op, out)
    return b.activate(f"{op.name}/{kind}", op.output, kind)


def _grouped(b: Builder, layer: Any, name: str, inputs: list[str], out: Shape) -> str:
    if layer.groups != 1:
        hint = "Use DepthwiseConv2D, or one convolution per group and Concatenate."
        raise refused(name, layer, f"groups={layer.groups}", hint)
    return _weighted(b, layer, name, inputs, out)


def _norm(b: Builder, layer: Any, name: str, inputs: list[str], out: Shape) -> str:
    last = getattr(layer.input_spec, "ndim", 0) - 1
    if layer.axis not in (-1, last):
        raise refused(name, layer, f"axis={layer.axis}", _CHANNELS_FIRST)
    scale, bias = weights.read_normalization(layer, name, b.graph.levels, out[-1])
    return b.add(ir.Affine(name, inputs, name, scale, bias, layer), out)


def _rescale(b: Builder, layer: Any, name: str, inputs: list[str], out: Shape) -> str:
    def rows(value: Any) -> Array:
        return np.broadcast_to(
            np.asarray(value, np.float64).reshape(-1), (b.graph.levels, out[-1])
        )

    scale, bias = rows(layer.scale), rows(layer.offset)
    return b.add(ir.Affine(name, inputs, name, scale, bias, layer), out)


def _activation(
    b: Builder, layer: Any, name: str, inputs: list[str], out: Shape
) -> str:
    return b.activate(name, inputs[0], activation_of(layer, name))


def _relu(b: Builder, layer: Any, name: str, inputs: list[str], out: Shape) -> str:
    return b.activate(name, inputs[0], _relu_kind(layer, name))


def _softmax(b: Builder, layer: Any, name: str, inputs: list[str], out: Shape) -> str:
    if layer.axis != -1:
        raise refused(name, layer, f"axis={layer.axis}", "Only axis=-1 converts.")
    return b.activate(name, inputs[0], "softmax")


def _add(b: Builder, layer: Any, name: str, inputs: list[str], out: Shape) -> str:
    shapes = {b.graph.shapes[tensor] for tensor in inputs}
    if len(shapes) != 1 or len(inputs) < 2:
        what = f"inputs of shapes {sorted(shapes)}"
        raise refused(name, layer, what, "Add tensors of one shape.")
    total = inputs[0]
    for index, tensor in enumerate(inputs[1:]):
        last = index == len(inputs) - 2
        op_name = name if last else f"{name}/{index}"
        total = b.add(ir.Add(op_name, [total, tensor], op_name), out)
    return total


def _concatenate(
    b: Builder, layer: Any, name: str, inputs: list[str], out: Shape
) -> str:
    channels = sum(b.graph.shapes[tensor][-1] for tensor in inputs)
    if channels != out[-1]:
        what = f"axis={layer.axis}"
        raise refused(name, layer, what, "Concatenate along the channels, axis=-1.")
    while len(inputs) > MAX_CONCATENATED:
        # The parts share the output's scale, so that copying them twice is exact.
        first, rest = inputs[:MAX_CONCATENATED], inputs[MAX_CONCATENATED:]
        size = sum(b.graph.shapes[tensor][-1] for tensor in first)
        part = ir.Concatenate(f"{name}/part", first, f"{name}/part")
        inputs = [b.add(part, (*out[:-1], size)), *rest]
    return b.add(ir.Concatenate(name, inputs, name), out)


def _pool(b: Builder, layer: Any, name: str, inputs: list[str], out: Shape) -> str:
    kind = "max" if "Max" in type(layer).__name__ else "average"
    size, strides = pair(layer.pool_size), pair(layer.strides)
    if layer.padding == "valid":
        _check_fits(b, layer, name, inputs[0], size, strides)
    return b.add(ir.Pool(name, inputs, name, kind, size, strides, layer.padding), out)


def _check_fits(
    b: Builder,
    layer: Any,
    name: str,
    tensor: str,
    size: tuple[int, int],
    strides: tuple[int, int],
) -> None:
    shape = b.graph.shapes[tensor]
    if min(valid_size(shape[i + 1], size[i], strides[i], 1) for i in (0, 1)) < 1:
        raise refused(
            name, layer, f"a window {size} over an input {shape}", "Shrink the window."
        )


def _global_average(
    b: Builder, layer: Any, name: str, inputs: list[str], out: Shape
) -> str:
    channels = b.graph.shapes[inputs[0]][-1]
    b.add(op := ir.Mean(name, inputs, name), (1, channels))
    return b.reshape(f"{name}/keepdims", op.output, out)


def _global_max(
    b: Builder, layer: Any, name: str, inputs: list[str], out: Shape
) -> str:
    _, height, width, channels = b.graph.shapes[inputs[0]]
    pool = ir.Pool(name, inputs, name, "max", (height, width), (1, 1), "valid")
    b.add(pool, (1, 1, 1, channels))
    return b.reshape(f"{name}/flat", pool.output, out)


def _reshape(b: Builder, layer: Any, name: str, inputs: list[str], out: Shape) -> str:
    return b.reshape(name, inputs[0], out)


def _zero_padding(
    b: Builder, layer: Any, name: str, inputs: list[str], out: Shape
) -> str:
    padding = layer.padding
    two = isinstance(padding[0], tuple | list)
    rows, cols = padding if two else ((0, 0), padding)
    return _pad(b, name, inputs[0], tuple(rows), tuple(cols))


def _pad(
    b: Builder, name: str, tensor: str, rows: tuple[int, int], cols: tuple[int, int]
) -> str:
    _, height, width, channels = b.graph.shapes[tensor]
    shape = (1, height + sum(rows), width + sum(cols), channels)
    return b.add(ir.Pad(name, [tensor], name, (rows, cols)), shape)


def _nothing(b: Builder, layer: Any, name: str, inputs: list[str], out: Shape) -> str:
    return inputs[0]


_K = keras.layers
_HANDLERS: dict[type, Emit] = {
    _K.Conv2D: _grouped,
    _K.Conv1D: _grouped,
    _K.DepthwiseConv2D: _weighted,
    _K.Dense: _weighted,
    _K.BatchNormalization: _norm,
    _K.Rescaling: _rescale,
    _K.ReLU: _relu,
    _K.Activation: _activation,
    _K.Softmax: _softmax,
    _K.Add: _add,
    _K.Concatenate: _concatenate,
    _K.MaxPooling1D: _pool,
    _K.MaxPooling2D: _pool,
    _K.AveragePooling1D: _pool,
    _K.AveragePooling2D: _pool,
    _K.GlobalAveragePooling1D: _global_average,
    _K.GlobalAveragePooling2D: _global_average,
    _K.GlobalMaxPooling1D: _global_max,
    _K.GlobalMaxPooling2D: _global_max,
    _K.Flatten: _reshape,
    _K.Reshape: _reshape,
    _K.ZeroPadding1D: _zero_padding,
    _K.ZeroPadding2D: _zero_padding,
    _K.Dropout: _nothing,
    _K.SpatialDropout1D: _nothing,
    _K.SpatialDropout2D: _nothing,
    _K.GaussianDropout: _nothing,
    _K.GaussianNoise: _nothing,
    _K.ActivityRegularization: _nothing,
    _K.Identity: _nothing,
    _K.InputLayer: _nothing,
}


def _is_sum(layer: Any) -> bool:
    """Whether this is the operation that `a + b` makes."""
    kind = type(layer)
    return kind.__module__.startswith("keras.src.ops") and kind.__name__ == "Add"


def _known_base(layer: Any) -> Any:
    """The layer's class, or the nearest base class that the converter can read."""
    own: Any = type(layer)
    return next((base for base in own.__mro__ if _is_known(base)), None)


def _is_known(kind: type) -> bool:
    return kind in _HANDLERS or (
        kind.__module__.startswith("keras_nest.") and issubclass(kind, tuple(_HANDLERS))
    )


def _overridden(own: type, base: type) -> str | None:
    """A method that decides what is computed and that a subclass changed."""
    names = ("call", "__call__", "convolution_op", "level_kernel")
    changed = (n for n in names if getattr(own, n, None) is not getattr(base, n, None))
    return next(changed, None)


_HINT = (
    "Supported: Conv1D/2D, DepthwiseConv2D, Dense, BatchNormalization, ReLU, ReLU6, "
    "Softmax, Add, Concatenate, pooling, Flatten, Reshape, ZeroPadding, Dropout, "
    "Rescaling. Replace the layer, or move it out of the model."
)
_ACTIVATION = "Use relu, relu6 (ReLU(max_value=6)), softmax or linear."
_CHANNELS_FIRST = "Rebuild the model with data_format='channels_last'."
_HINTS = {
    "Conv2DTranspose": "Use a convolution and nearest upsampling outside of the model.",
    "Conv1DTranspose": "Use a convolution and upsampling outside of the model.",
    "SeparableConv2D": "Write it as DepthwiseConv2D followed by a 1x1 Conv2D.",
    "SeparableConv1D": "Write it as a DepthwiseConv2D and a 1x1 Conv2D of height 1.",
    "LeakyReLU": _ACTIVATION,
    "PReLU": _ACTIVATION,
    "ELU": _ACTIVATION,
    "LayerNormalization": "Use BatchNormalization: it folds into the convolution.",
    "GroupNormalization": "Use BatchNormalization: it folds into the convolution. "
    "GroupNormalization trains, but has no int8 op.",
}
