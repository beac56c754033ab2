"""The nested ops of a .tflite, found and unpacked."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_nest import format as packed_format
from keras_nest.converter.flatbuffer import CUSTOM, code_of, tensor_data, text
from keras_nest.converter.structure import NESTED_PREFIX
from keras_nest.errors import NestError

CUSTOM_CODES = tuple(NESTED_PREFIX + op.upper() for op in packed_format.OPS)
_PACKED = "/packed"


@dataclasses.dataclass(frozen=True)
class NestedOperator:
    """One nested op of a file.

    Attributes:
        index: Position among the subgraph's operators.
        name: Name of the Keras layer.
        source, level, packed, output: Tensor indexes.
        entry: Which element of the level tensor it reads; None where that has one only.
        blob: The packed bytes.
        op: The unpacked op.
    """

    index: int
    name: str
    source: int
    level: int
    packed: int
    output: int
    entry: int | None
    blob: bytes
    op: packed_format.NestedOp


def nested_operators(model: Any) -> list[NestedOperator]:
    """All nested ops of a parsed file, in order.

    Raises:
        NestError: If the file has several subgraphs, or if a nested op is damaged;
            names it.
    """
    if len(model.subgraphs) != 1:
        raise NestError(
            "Expected a .tflite with one subgraph. Received: "
            f"{len(model.subgraphs)} subgraphs"
        )
    tensors = model.subgraphs[0].tensors
    found = []
    for index, operator in enumerate(model.subgraphs[0].operators):
        builtin, custom = code_of(model, operator)
        if builtin != CUSTOM or custom not in CUSTOM_CODES:
            continue
        if len(operator.inputs) not in (3, 4) or len(operator.outputs) != 1:
            raise NestError(
                f"Expected 3 or 4 inputs and 1 output of {custom}, operator {index}. "
                f"Received: {len(operator.inputs)} and {len(operator.outputs)}"
            )
        source, level, packed = map(int, operator.inputs[:3])
        entry = level_entry(model, operator)
        name = layer_name(model, operator)
        blob = tensor_data(model, tensors[packed])
        try:
            op = packed_format.unpack(blob)
        except NestError as error:
            raise NestError(
                f"Expected valid packed weights in {custom} {name!r}. Received: "
                f"{error.message}",
                hint="The file is damaged, or of another version: convert it again.",
            ) from error
        if NESTED_PREFIX + op.geometry.op.upper() != custom:
            raise NestError(
                f"Expected packed weights of {custom} in {name!r}. Received: those of "
                f"{op.geometry.op}"
            )
        output = int(operator.outputs[0])
        found.append(
            NestedOperator(index, name, source, level, packed, output, entry, blob, op)
        )
    if len({nested.op.levels for nested in found}) > 1:
        raise NestError(
            "Expected one number of levels in all nested ops. Received: "
            f"{sorted({nested.op.levels for nested in found})}"
        )
    return found


def level_layers(nested: Sequence[NestedOperator]) -> tuple[str, ...]:
    """By entry of the level input, the layer that reads it; none where all read one."""
    named = {one.entry: one.name for one in nested if one.entry is not None}
    return tuple(named[entry] for entry in sorted(named))


def layer_name(model: Any, operator: Any) -> str:
    """Name of the Keras layer that a nested op was made from."""
    packed = model.subgraphs[0].tensors[operator.inputs[2]]
    return text(packed.name).removesuffix(_PACKED)


def level_entry(model: Any, operator: Any) -> int | None:
    """Which element of the level tensor a nested op reads: its fourth input.

    Returns:
        None for an op of three inputs, whose level is the tensor's only element.

    Raises:
        NestError: If the fourth input is no constant int32, or names no element.
    """
    if len(operator.inputs) < 4:
        return None
    tensors = model.subgraphs[0].tensors
    level, constant = tensors[operator.inputs[1]], tensors[operator.inputs[3]]
    data = tensor_data(model, constant)
    shape = () if level.shape is None else level.shape
    elements = int(np.prod(np.asarray(shape, np.int64)))
    entry = int.from_bytes(data, "little", signed=True) if len(data) == 4 else -1
    if constant.type != schema.TensorType.INT32 or not 0 <= entry < elements:
        raise NestError(
            f"Expected a constant from 0 to {elements - 1} as the entry of the level "
            f"that a nested op reads. Received: {data[:8].hex() or 'none'}",
            hint="The file is damaged: convert it again.",
        )
    return entry
