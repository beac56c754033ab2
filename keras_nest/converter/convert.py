"""`convert`: from a Keras model to one .tflite with all its levels."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
from pathlib import Path
from typing import Any

from keras_nest.converter import calibrate, emit, quantize, representative
from keras_nest.converter.freeze import freeze
from keras_nest.errors import NestError
from keras_nest.files import write_atomic

_CHOICES = {
    "io": ("int8", "float32"),
    "encoding": ("auto", "dense", "blocks", "lists", "offsets", "vectors"),
    "optimize": ("size", "speed"),
}


@dataclasses.dataclass(frozen=True)
class ConversionEntry:
    """What became of one layer with weights.

    Attributes:
        layer: Its Keras name.
        op: "conv_2d", "depthwise_conv_2d" or "fully_connected".
        nested: Whether it is a nested custom op; a builtin op otherwise.
        bytes: Weights, indices and tables as stored.
        encoding: Packed encoding of a nested op.
        pattern: Sparsity pattern ("dense": one table per level, all weights).
        reason: Why it is nested, or why not.
    """

    layer: str
    op: str
    nested: bool
    bytes: int
    encoding: str | None
    pattern: str
    reason: str


@dataclasses.dataclass(frozen=True)
class ConversionReport:
    """What was replaced, what was left, and why."""

    levels: int
    sparsities: tuple[float, ...] | None
    samples: int
    entries: list[ConversionEntry]
    notes: list[str]

    @property
    def replaced(self) -> list[ConversionEntry]:
        return [entry for entry in self.entries if entry.nested]

    @property
    def left(self) -> list[ConversionEntry]:
        return [entry for entry in self.entries if not entry.nested]

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


class NestedTFLite(bytes):
    """The bytes of a .tflite file, with the report of its conversion.

    Attributes:
        report: What was replaced, what was left, and why.
    """

    report: ConversionReport

    def __new__(cls, data: bytes, report: ConversionReport) -> NestedTFLite:
        self = super().__new__(cls, data)
        self.report = report
        return self

    def __getnewargs__(self) -> tuple[bytes, ConversionReport]:  # type: ignore[override]
        return bytes(self), self.report

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the file in one piece: an interruption leaves no partial file.

        Raises:
            NestError: If the path cannot be written.
        """
        return write_atomic(path, self)


def convert(
    model: Any,
    representative_data: Any,
    *,
    io: str = "int8",
    samples: int = 500,
    encoding: str = "auto",
    optimize: str = "size",
    sticky_level: bool = False,
) -> NestedTFLite:
    """Converts a nested (or plain) Keras model to a .tflite.

    All levels share one set of int8 weights; folded normalizations become one
    requantization table per level. The model gets a second input, "level": int32 of
    shape [1], read at every Invoke. A plain model, or one whose levels do not differ,
    gives an ordinary int8 .tflite.

    Args:
        model: A `NestedModel`, or a built Functional or Sequential Keras model with one
            input and one output.
        representative_data: Inputs as the model is fed, a few hundred of them: an array
            [samples, ...], the path of a .npy or .npz file, a tf.data dataset, or an
            iterable of samples or batches, each maybe a tuple (x, y).
        io: Type of input and output: "int8", or "float32" (with a QUANTIZE and a
            DEQUANTIZE op in the file).
        samples: Use at most this many samples.
        encoding: Packed encoding of the nested ops: "auto" picks one per layer;
            "dense", "blocks", "lists", "offsets" (SIMD kernels of the Cortex-M4 and
            later) or "vectors" (those of the Cortex-M55) force one on all layers with
            masks.
        optimize: What "auto" prefers, "size" or "speed".
        sticky_level: List the level as an output as well. TFLM may reuse an input's
            memory after its last reader: without this, write the level before every
            Invoke.

    Returns:
        The file as bytes, with `.report` and `.save(path)`.

    Raises:
        NestError: If the model, one of its layers or the data cannot be used.
    """
    for name, value in (("io", io), ("encoding", encoding), ("optimize", optimize)):
        if value not in _CHOICES[name]:
            raise NestError(
                f"Expected `{name}` to be one of {_CHOICES[name]}. Received: {value!r}"
            )
    graph = freeze(model)
    data = representative.load(representative_data, graph.input_shape, samples)
    quantized = quantize.quantize(graph, calibrate.ranges(graph, data))
    options = emit.Options(io, encoding, optimize, sticky_level)
    written = emit.write(quantized, options, _description(graph.name, graph.levels))
    return NestedTFLite(written.data, _report(quantized, written, len(data)))


def _report(
    quantized: quantize.QuantizedGraph, written: emit.Written, samples: int
) -> ConversionReport:
    graph = quantized.graph
    entries = []
    for op in graph.weighted():
        nested = op.name in written.nested
        if not nested:
            reason = written.reasons[op.name]
        elif op.level_of is None:
            reason = "weights dense at all levels, but one table for each"
        else:
            reason = "its weights are nested"
        sizes = written.nested if nested else written.builtin
        entries.append(
            ConversionEntry(
                layer=op.name,
                op=op.kind,
                nested=nested,
                bytes=sizes[op.name],
                encoding=written.encodings.get(op.name),
                pattern=op.pattern,
                reason=reason,
            )
        )
    notes = []
    if graph.sparsities is None:
        notes.append("A plain Keras model: the file has no level input.")
    elif not written.nested:
        notes.append("The levels do not differ in any layer: the file has no level.")
    return ConversionReport(graph.levels, graph.sparsities, samples, entries, notes)


def _description(name: str, levels: int) -> str:
    try:
        version = importlib.metadata.version("keras-nest")
    except importlib.metadata.PackageNotFoundError:
        version = "development"
    return f"{name}, {levels} levels (keras-nest {version})"
