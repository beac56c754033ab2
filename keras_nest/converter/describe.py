"""What a .tflite holds: ops, levels, sparsity, multiplications and bytes.

Reads the file alone, without Keras or TensorFlow, so that the facts are those of the
artefact and not of the model that it was made from.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_nest import format as packed_format
from keras_nest.converter import annotate, flatbuffer, weight_counts
from keras_nest.converter.nested_file import (
    NestedOperator,
    level_layers,
    nested_operators,
)
from keras_nest.converter.weight_counts import KINDS
from keras_nest.format import NestedOp, Widths
from keras_nest.metadata import LevelsMetadata


@dataclasses.dataclass(frozen=True)
class OpFacts:
    """One op with weights. Lists have one entry per level (one, if builtin).

    Attributes:
        name: Name of the Keras layer.
        op: "conv_2d", "depthwise_conv_2d" or "fully_connected".
        nested: Whether it is a nested custom op.
        encoding: Packed encoding as `format.variant_of` names it, "offsets + dense" for
            one with its densest level apart; "builtin" for a builtin op.
        block: Output rows x input columns of the pattern, as "1x2"; "channel" where
            levels are widths, "bits" where they are bits; "-" without.
        weights: Number of weights, dense.
        nonzeros: Weights that the level computes with.
        sparsity: Share of the weights that the level leaves out.
        macs: Multiply-accumulates of one inference, without those of masked weights.
        packed_bytes: Bytes stored: all of the blob, or weights and bias.
        sections: The blob's header, tables, counts, indices and values in bytes.
        dense_bytes: The same op as a plain int8 one: weights and bias.
        separate_bytes: One sparse file per level in the same format, summed.
        entropy_bound: 8 bits per kept weight plus the entropy of the nesting, bytes.
        outputs: Output channels of each level, where levels are widths.
        bits: Of each weight at each level, where levels are bits.
    """

    name: str
    op: str
    nested: bool
    encoding: str
    block: str
    weights: int
    nonzeros: list[int]
    sparsity: list[float]
    macs: list[int]
    packed_bytes: int
    sections: dict[str, int]
    dense_bytes: int
    separate_bytes: int
    entropy_bound: float
    outputs: list[int] | None = None
    bits: list[int] | None = None


@dataclasses.dataclass(frozen=True)
class ModelFacts:
    """A whole file. `levels` is 0 for a plain model without nested ops.

    Attributes:
        level_layers: By entry of the level input, the layer that reads it; empty where
            all layers read one level.
        operators: Number of operators of each name.
        macs, sparsity: Per level, of all ops with weights.
        nonzeros: Per level, the weights that it computes with, of all ops.
        weights: Number of weights, the bytes of one dense int8 copy of them.
        values_and_indices: Bytes of the stored weights and their indices alone, without
            headers, tables, biases and scales.
        packed_bytes, dense_bytes, separate_bytes, entropy_bound: Sums of the ops'.
        separate_file_bytes: Whole files, one sparse file per level, summed.
        file_bytes: Size of this file.
        metadata: What the file itself says of its levels; None where it says nothing.
    """

    description: str
    levels: int
    level_layers: list[str]
    operators: dict[str, int]
    ops: list[OpFacts]
    sparsity: list[float]
    macs: list[int]
    nonzeros: list[int]
    weights: int
    values_and_indices: int
    packed_bytes: int
    dense_bytes: int
    separate_bytes: int
    separate_file_bytes: int
    entropy_bound: float
    file_bytes: int
    metadata: LevelsMetadata | None

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def describe(tflite: bytes) -> ModelFacts:
    """Reads the facts of a nested or plain .tflite.

    Args:
        tflite: The bytes of the file.

    Raises:
        NestError: If it is not a .tflite, is truncated, or has damaged nested ops.
    """
    model = flatbuffer.load(tflite)
    nested = nested_operators(model)
    by_index = {operator.index: operator for operator in nested}
    levels = nested[0].op.levels if nested else 0
    ops = []
    for index, operator in enumerate(model.subgraphs[0].operators):
        code, _ = flatbuffer.code_of(model, operator)
        if index in by_index:
            ops.append(_nested_facts(by_index[index]))
        elif code in KINDS:
            ops.append(_builtin_facts(model, operator, KINDS[code]))
    count = max(levels, 1)
    weights = sum(op.weights for op in ops)
    kept = [sum(_at(op.nonzeros, level) for op in ops) for level in range(count)]
    packed = sum(op.packed_bytes for op in ops)
    separate = sum(op.separate_bytes * (1 if op.nested else count) for op in ops)
    return ModelFacts(
        description=flatbuffer.text(model.description),
        levels=levels,
        level_layers=list(level_layers(nested)),
        operators=operator_names(model),
        ops=ops,
        sparsity=[1 - value / weights if weights else 0.0 for value in kept],
        macs=[sum(_at(op.macs, level) for op in ops) for level in range(count)],
        nonzeros=kept,
        weights=weights,
        values_and_indices=sum(_values_and_indices(op) for op in ops),
        packed_bytes=packed,
        dense_bytes=sum(op.dense_bytes for op in ops),
        separate_bytes=separate,
        separate_file_bytes=count * (len(tflite) - packed) + separate,
        entropy_bound=sum(op.entropy_bound for op in ops),
        file_bytes=len(tflite),
        metadata=annotate.read(model),
    )


def operator_names(model: Any) -> dict[str, int]:
    """How many operators of each name a parsed file has."""
    names: dict[str, int] = {}
    for operator in model.subgraphs[0].operators:
        code, custom = flatbuffer.code_of(model, operator)
        name = custom or _NAMES.get(code, f"BUILTIN_{code}")
        names[name] = names.get(name, 0) + 1
    return names


def _values_and_indices(op: OpFacts) -> int:
    if not op.nested:
        return op.weights
    return sum(op.sections[name] for name in ("counts", "indices", "values"))


def _at(values: list[int], level: int) -> int:
    return values[level if len(values) > 1 else 0]


def _nested_facts(nested: NestedOperator) -> OpFacts:
    op = nested.op
    geometry = op.geometry
    sections = packed_format.section_sizes(nested.blob)
    total = sections.pop("total")
    counts = weight_counts.of_nested(op)
    return OpFacts(
        name=nested.name,
        op=geometry.op,
        nested=True,
        encoding=packed_format.variant_of(nested.blob),
        block=packed_format.pattern_of(op),
        outputs=None if op.widths is None else list(op.widths.outputs),
        bits=None if op.bits is None else list(op.bits),
        weights=op.weights.size,
        nonzeros=[one.kept for one in counts],
        sparsity=[1 - one.kept / one.weights for one in counts],
        macs=[one.macs for one in counts],
        packed_bytes=total,
        sections=sections,
        dense_bytes=_dense_bytes(op.weights.size, geometry.out_c),
        separate_bytes=sum(
            len(packed_format.pack(single_level(op, level)))
            for level in range(op.levels)
        ),
        entropy_bound=packed_format.entropy_bound(op),
    )


def single_level(op: NestedOp, level: int) -> NestedOp:
    """The op with one level only, as a file for that level alone would hold it."""
    if op.widths is not None:
        return _of_width(op, op.widths, level)
    mask = op.mask(level)
    return dataclasses.replace(
        op,
        levels=1,
        weights=op.at(level),
        bits=(4,) if op.bits is not None and op.bits[level] == 4 else None,
        level_of=None
        if mask.all()
        else np.where(mask, 0, packed_format.NEVER).astype(np.uint8),
        multiplier=op.multiplier[level : level + 1],
        shift=op.shift[level : level + 1],
        bias=op.bias[level : level + 1],
    )


def _of_width(op: NestedOp, widths: Widths, level: int) -> NestedOp:
    """The level as an op of its own channels."""
    g, outputs = op.geometry, widths.outputs[level]
    if g.op == "depthwise_conv_2d":
        inputs = outputs * g.in_c // g.out_c
        weights = op.weights[:, :outputs]
    else:
        active = widths.input_levels(g) <= level
        inputs = int(active.sum())
        weights = op.weights[:outputs, np.tile(active, g.kernel_h * g.kernel_w)]
    return dataclasses.replace(
        op,
        geometry=dataclasses.replace(g, in_c=inputs, out_c=outputs),
        levels=1,
        weights=np.ascontiguousarray(weights),
        level_of=None,
        widths=None,
        multiplier=op.multiplier[level : level + 1, :outputs],
        shift=op.shift[level : level + 1, :outputs],
        bias=op.bias[level : level + 1, :outputs],
    )


def _builtin_facts(model: Any, operator: Any, kind: str) -> OpFacts:
    tensors = model.subgraphs[0].tensors
    kernel = tensors[operator.inputs[1]]
    counts = weight_counts.of_builtin(model, operator, kind)
    weights = counts.weights
    channels = int(kernel.shape[3 if kind == "depthwise_conv_2d" else 0])
    stored = sum(
        len(flatbuffer.tensor_data(model, tensors[index]))
        for index in operator.inputs[1:]
        if index >= 0
    )
    return OpFacts(
        name=flatbuffer.text(kernel.name).removesuffix("/kernel"),
        op=kind,
        nested=False,
        encoding="builtin",
        block="-",
        weights=weights,
        nonzeros=[weights],
        sparsity=[0.0],
        macs=[counts.macs],
        packed_bytes=stored,
        sections={},
        dense_bytes=_dense_bytes(weights, channels),
        separate_bytes=stored,
        entropy_bound=float(weights),
    )


def _dense_bytes(weights: int, channels: int) -> int:
    """A plain int8 op: a byte per weight, an int32 bias per channel."""
    return weights + 4 * channels


_NAMES = {
    value: name
    for name, value in vars(schema.BuiltinOperator).items()
    if isinstance(value, int)
}
