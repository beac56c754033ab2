"""The nested ops of a .tflite, found and unpacked."""

from __future__ import annotations

import dataclasses
from typing import Any

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
        blob: The packed bytes.
        op: The unpacked op.
    """

    index: int
    name: str
    source: int
    level: int
    packed: int
    output: int
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
        if len(operator.inputs) != 3 or len(operator.outputs) != 1:
            raise NestError(
                f"Expected 3 inputs and 1 output of {custom}, operator {index}. "
                f"Received: {len(operator.inputs)} and {len(operator.outputs)}"
            )
        source, level, packed = map(int, operator.inputs)
        name = text(tensors[packed].name).removesuffix(_PACKED)
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
            NestedOperator(index, name, source, level, packed, output, blob, op)
        )
    if len({nested.op.levels for nested in found}) > 1:
        raise NestError(
            "Expected one number of levels in all nested ops. Received: "
            f"{sorted({nested.op.levels for nested in found})}"
        )
    return found
