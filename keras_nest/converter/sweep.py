"""Clearing a parsed .tflite of what an edit left without use."""

from __future__ import annotations

from typing import Any

import numpy as np


def drop_inputs(model: Any, tensors: set[int]) -> None:
    """Takes tensors out of the inputs, outputs and signatures of a parsed model."""
    subgraph = model.subgraphs[0]
    subgraph.inputs = [i for i in subgraph.inputs if i not in tensors]
    subgraph.outputs = [i for i in subgraph.outputs if i not in tensors]
    for signature in model.signatureDefs or []:
        for name in ("inputs", "outputs"):
            entries = getattr(signature, name) or []
            kept = [entry for entry in entries if entry.tensorIndex not in tensors]
            setattr(signature, name, kept)


def drop_unused(model: Any) -> None:
    """Drops tensors, buffers and operator codes that nothing refers to any more."""
    subgraph = model.subgraphs[0]
    used = {*map(int, subgraph.inputs), *map(int, subgraph.outputs)}
    for operator in subgraph.operators:
        used |= {int(i) for i in [*operator.inputs, *operator.outputs] if i >= 0}
    renumber = _renumbering(used) | {-1: -1}
    subgraph.tensors = [subgraph.tensors[i] for i in sorted(used)]

    def renamed(indexes: Any) -> Any:
        return np.asarray([renumber[int(i)] for i in indexes], np.int32)

    subgraph.inputs, subgraph.outputs = (
        renamed(subgraph.inputs),
        renamed(subgraph.outputs),
    )
    for operator in subgraph.operators:
        operator.inputs = renamed(operator.inputs)
        operator.outputs = renamed(operator.outputs)
    for signature in model.signatureDefs or []:
        for entry in [*(signature.inputs or []), *(signature.outputs or [])]:
            entry.tensorIndex = renumber[entry.tensorIndex]

    buffers = {0, *(t.buffer for t in subgraph.tensors)}
    buffers |= {entry.buffer for entry in model.metadata or []}
    places = _renumbering(buffers)
    for holder in [*subgraph.tensors, *(model.metadata or [])]:
        holder.buffer = places[holder.buffer]
    model.buffers = [model.buffers[i] for i in sorted(buffers)]

    codes = {operator.opcodeIndex for operator in subgraph.operators}
    numbers = _renumbering(codes)
    for operator in subgraph.operators:
        operator.opcodeIndex = numbers[operator.opcodeIndex]
    model.operatorCodes = [model.operatorCodes[i] for i in sorted(codes)]


def _renumbering(used: set[int]) -> dict[int, int]:
    return {old: new for new, old in enumerate(sorted(used))}
