"""How large an arena a microcontroller needs for a model.

Tensors take the same there as here. Two things differ: TFLM's structs shrink, as
pointers are 32 bits wide; and the kernels of a core with SIMD or vectors work in other
scratch memory than the portable ones that run on this machine.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from keras_nest.converter.nested_file import NestedOperator
from keras_nest.errors import NestError
from keras_nest.format import scratch_bytes

_ALIGNMENT = 16
# While it prepares a model, TFLM needs some hundred bytes for temporaries.
_TEMPORARIES = 512
_MOST_STEPS = 64
# Where TFLM cannot be asked: more than its structs take for a node with its state, for
# a tensor, for an output channel of a builtin convolution, and for itself.
_PER_OPERATOR, _PER_TENSOR, _PER_CHANNEL, _OF_ITS_OWN = 640, 64, 16, 2048
_TYPE_BYTES = {0: 4, 1: 2, 2: 4, 3: 1, 4: 8, 6: 1, 7: 2, 9: 1}

# Kind of core -> what its kernels are compiled with.
CORES = {
    "portable": {},
    "dsp": {"dsp": True},
    "mve": {"dsp": True, "mve": True},
}


@dataclasses.dataclass(frozen=True)
class Arena:
    """Bytes of the arena.

    Attributes:
        host: What TFLM used on this 64-bit machine, by its own count; None where TFLM
            is not installed.
        by_core: What to reserve on a core without SIMD ("portable"), with the DSP
            extension ("dsp"), with Helium ("mve"): with TFLM's reference kernels it is
            enough. Optimized builtin kernels (CMSIS-NN, ESP-NN) ask for scratch of
            their own, which nothing here knows of.
        measured: Whether `by_core` stands on a run in TFLM; else on the sum of all
            tensors.
    """

    host: int | None
    by_core: dict[str, int]
    measured: bool


def arena_of(tflite: bytes, model: Any, nested: list[NestedOperator]) -> Arena:
    """The arena that a model needs.

    Args:
        tflite: The bytes of the file.
        model: The same, parsed.
        nested: Its nested ops.
    """
    host, enough = _measure(tflite)
    here = {op.index: scratch_bytes(op.blob, pointer_bytes=8) for op in nested}
    by_core = {}
    for core, features in CORES.items():
        there = {op.index: scratch_bytes(op.blob, **features) for op in nested}
        if enough is None:
            needed = _tensors(model) + max(there.values())
        else:
            needed = enough + max(0, *(there[at] - here[at] for at in there))
        by_core[core] = _align(needed)
    return Arena(host, by_core, enough is not None)


def _measure(tflite: bytes) -> tuple[int | None, int | None]:
    """What TFLM used on this machine, and an arena in which it prepared the model."""
    from keras_nest.runtime import Interpreter

    try:
        used = Interpreter(tflite).arena_bytes
    except NestError:
        # Not installed here; the folder can be made all the same.
        return None, None
    size = _align(used + _TEMPORARIES)
    for _ in range(_MOST_STEPS):
        try:
            Interpreter(tflite, arena_size=size)
            return used, size
        except NestError:
            size += _TEMPORARIES
    return used, None


def _tensors(model: Any) -> int:
    """All tensors that are computed, side by side, and TFLM's structs."""
    graph = model.subgraphs[0]
    total = _OF_ITS_OWN + _PER_OPERATOR * len(graph.operators)
    for tensor in graph.tensors:
        shape = [] if tensor.shape is None else [int(size) for size in tensor.shape]
        count = 1
        for size in shape:
            count *= size
        total += _PER_TENSOR
        if model.buffers[tensor.buffer].data is None:
            total += _align(count * _TYPE_BYTES.get(tensor.type, 8))
        elif tensor.quantization is not None and tensor.quantization.scale is not None:
            total += _PER_CHANNEL * len(tensor.quantization.scale)
    return total


def _align(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
