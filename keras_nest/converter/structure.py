"""Whether a parsed .tflite holds together: what its readers then rely on.

The schema's reader follows offsets and checks nothing: any vector may be missing, any
index lead nowhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

NESTED_PREFIX = "NESTED_"

_RANK_OF_WEIGHTS = {
    schema.BuiltinOperator.CONV_2D: 4,
    schema.BuiltinOperator.DEPTHWISE_CONV_2D: 4,
    schema.BuiltinOperator.FULLY_CONNECTED: 2,
}


def complete(model: Any) -> None:
    """Puts empty vectors into a `ModelT` where the file left them out."""
    for name in ("operatorCodes", "subgraphs", "buffers", "metadata", "signatureDefs"):
        _fill(model, name)
    for subgraph in model.subgraphs:
        for name in ("tensors", "inputs", "outputs", "operators"):
            _fill(subgraph, name)
        for operator in subgraph.operators:
            for name in ("inputs", "outputs"):
                _fill(operator, name)
    for signature in model.signatureDefs:
        for name in ("inputs", "outputs"):
            _fill(signature, name)


def check(model: Any, size: int) -> None:
    """Checks a completed `ModelT`.

    Args:
        model: The parsed file.
        size: Its length in bytes.

    Raises:
        ValueError: If an index or a buffer leads out of the model, or a tensor that an
            operator with weights works on has no shape.
    """
    _require(model.subgraphs, "no subgraph")
    _check_buffers(model, size)
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            _check_tensor(tensor, len(model.buffers))
        _check_operators(model, subgraph)
        count = len(subgraph.tensors)
        _check_indexes([*subgraph.inputs, *subgraph.outputs], 0, count)
    for signature in model.signatureDefs:
        _check_indexes([signature.subgraphIndex], 0, len(model.subgraphs))
        count = len(model.subgraphs[signature.subgraphIndex].tensors)
        entries = [*signature.inputs, *signature.outputs]
        _check_indexes([entry.tensorIndex for entry in entries], 0, count)


def _check_buffers(model: Any, size: int) -> None:
    lengths = [0 if b.data is None else len(b.data) for b in model.buffers]
    _require(sum(lengths) <= size, "buffers overlap")
    _check_indexes([entry.buffer for entry in model.metadata], 0, len(lengths))


def _check_tensor(tensor: Any, buffers: int) -> None:
    _check_indexes([tensor.buffer], 0, buffers)
    if tensor.shape is not None:
        _require(np.all(np.asarray(tensor.shape) >= 0), "negative size")
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None:
        return
    scales = np.asarray(quantization.scale)
    _require(np.all(np.isfinite(scales)) and np.all(scales >= 0), "scale")
    if quantization.zeroPoint is not None:
        _require(len(quantization.zeroPoint) == len(scales), "zero points")


def _check_operators(model: Any, subgraph: Any) -> None:
    count = len(subgraph.tensors)
    for operator in subgraph.operators:
        _check_indexes([operator.opcodeIndex], 0, len(model.operatorCodes))
        # -1 stands for an input that is left out.
        _check_indexes(operator.inputs, -1, count)
        _check_indexes(operator.outputs, 0, count)
        code = model.operatorCodes[operator.opcodeIndex]
        rank = _RANK_OF_WEIGHTS.get(max(code.builtinCode, code.deprecatedBuiltinCode))
        if rank is not None:
            _check_weighted(subgraph, operator, rank)
        elif (code.customCode or b"").startswith(NESTED_PREFIX.encode()):
            # The level may be a scalar; packed weights say themselves what is wrong.
            _check_indexes(operator.inputs, 0, count)
            _check_shapes(subgraph, [*operator.inputs[:1], *operator.outputs])


def _check_weighted(subgraph: Any, operator: Any, rank: int) -> None:
    _require(len(operator.inputs) >= 2 and len(operator.outputs) >= 1, "no weights")
    _check_shapes(subgraph, [*operator.inputs[:2], *operator.outputs])
    kernel = subgraph.tensors[operator.inputs[1]]
    _require(len(kernel.shape) == rank, "rank of the weights")


def _check_shapes(subgraph: Any, indexes: list[Any]) -> None:
    _check_indexes(indexes, 0, len(subgraph.tensors))
    for index in indexes:
        shape = subgraph.tensors[index].shape
        _require(shape is not None and len(shape) > 0, "no shape")
        _require(np.all(np.asarray(shape) > 0), "empty tensor")


def _check_indexes(indexes: Any, low: int, count: int) -> None:
    _require(all(low <= index < count for index in indexes), "index")


def _fill(table: Any, name: str) -> None:
    if getattr(table, name) is None:
        setattr(table, name, [])


def _require(holds: Any, what: str) -> None:
    if not holds:
        raise ValueError(what)
