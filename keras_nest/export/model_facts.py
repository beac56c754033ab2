"""What the templates say of a model."""

from __future__ import annotations

import dataclasses
import math
import re
import zlib

from keras_nest.converter import annotate, flatbuffer, weight_counts
from keras_nest.converter.nested_file import nested_operators
from keras_nest.errors import NestError
from keras_nest.export.arena import Arena, arena_of
from keras_nest.export.operators import ResolverCall, resolver_calls
from keras_nest.metadata import METRICS
from keras_nest.runtime.interface import TensorDetails, read_interface

_FIELDS = {"int8": ("int8_t", "int8"), "float32": ("float", "f")}
_UINT32_MAX = 2**32 - 1


@dataclasses.dataclass(frozen=True)
class Tensor:
    """The model's input or output.

    Attributes:
        index: Its number among the model's inputs, or outputs.
        shape: With the batch of one.
        elements: Number of values.
        c_type: Such as "int8_t".
        field: Of TfLiteTensor's union `data`.
        scale, zero_point: real = scale * (value - zero_point); scale 0 for float.
    """

    index: int
    shape: tuple[int, ...]
    elements: int
    c_type: str
    field: str
    scale: float
    zero_point: int


@dataclasses.dataclass(frozen=True)
class Level:
    """One level; `instructions` and `score` are None where the file does not say."""

    sparsity: float
    macs: int
    instructions: int | None
    score: float | None


@dataclasses.dataclass(frozen=True)
class ModelFacts:
    """All of it.

    Attributes:
        name: For titles and package names: letters, digits and underscores.
        tflite: The bytes of the file.
        crc32: Of them.
        levels: Level 0, the sparsest, first.
        core: Whose instructions `levels` has, None where the file says nothing.
        metric: What the scores are, None without.
        level_index: The level's number among the model's inputs.
        level_layers: By entry of the level input, the layer that reads it; empty where
            all read its only one.
        widths: Whether an op's levels are widths.
        bits: Whether an op's levels are bits.
        calls: How its ops are registered.
    """

    name: str
    tflite: bytes = dataclasses.field(repr=False)
    crc32: int
    levels: tuple[Level, ...]
    core: str | None
    metric: str | None
    input: Tensor
    output: Tensor
    level_index: int
    level_layers: tuple[str, ...]
    widths: bool
    bits: bool
    calls: list[ResolverCall]
    arena: Arena


def facts_of(tflite: bytes, name: str) -> ModelFacts:
    """Reads a nested .tflite.

    Args:
        tflite: The bytes of the file.
        name: Any text; what no package may be called is replaced.

    Raises:
        NestError: If the file is damaged, has no nested ops, several inputs or outputs,
            tensors that no example can fill, or an op that TFLM cannot register.
    """
    model = flatbuffer.load(tflite)
    nested = nested_operators(model)
    interface = read_interface(tflite)
    if not nested or interface.level is None:
        raise NestError(
            "Expected a .tflite with nested ops. Received: one without any",
            hint="Convert a model that was nested with keras_nest.nest().",
        )
    if len(interface.inputs) != 1 or len(interface.outputs) != 1:
        raise NestError(
            "Expected a model with one input and one output beside the level. "
            f"Received: {len(interface.inputs)} and {len(interface.outputs)}"
        )
    metadata = annotate.read(model)
    core = metadata.converted_for if metadata else None
    counts = weight_counts.of_ops(model, nested, interface.levels)
    levels = tuple(
        Level(
            sparsity=1 - one.kept / one.weights if one.weights else 0.0,
            macs=min(max(one.macs, 1), _UINT32_MAX),
            instructions=metadata.instructions[core][at] if metadata and core else None,
            score=metadata.levels[at].score if metadata else None,
        )
        for at, one in enumerate(counts)
    )
    return ModelFacts(
        name=package_name(name),
        tflite=tflite,
        crc32=zlib.crc32(tflite),
        levels=levels,
        core=core,
        metric=metadata.metric if metadata and metadata.metric in METRICS else None,
        input=_tensor(interface.inputs[0]),
        output=_tensor(interface.outputs[0]),
        level_index=interface.level.index,
        level_layers=interface.level_layers,
        widths=any(operator.op.widths is not None for operator in nested),
        bits=any(operator.op.bits is not None for operator in nested),
        calls=resolver_calls(model),
        arena=arena_of(tflite, model, nested),
    )


def package_name(text: str) -> str:
    """A name that every package format takes.

    It starts with a letter, though not with "Arduino", which that project keeps for
    itself, and has letters, digits and single underscores, 50 at most.
    """
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")
    if not name[:1].isalpha() or name.lower().startswith("arduino"):
        name = f"model_{name}"
    return name[:50].rstrip("_")


def _tensor(details: TensorDetails) -> Tensor:
    dtype = details.dtype.name
    if dtype not in _FIELDS:
        raise NestError(
            f"Expected int8 or float32 inputs and outputs. Received: {dtype} "
            f"{details.name!r}"
        )
    c_type, field = _FIELDS[dtype]
    return Tensor(
        index=details.index,
        shape=details.shape,
        elements=math.prod(details.shape),
        c_type=c_type,
        field=field,
        scale=details.scale,
        zero_point=details.zero_point,
    )
