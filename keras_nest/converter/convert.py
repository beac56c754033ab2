"""`convert`: from a Keras model to one .tflite with all its levels."""

from __future__ import annotations

import importlib.metadata
import os
import warnings
from pathlib import Path
from typing import Any

from keras_nest import targets
from keras_nest.converter import (
    calibrate,
    costs,
    doubts,
    emit,
    quantize,
    representative,
)
from keras_nest.converter.choose import Request
from keras_nest.converter.freeze import freeze
from keras_nest.converter.graph import Graph
from keras_nest.converter.report import ConversionReport, report_on
from keras_nest.errors import ConversionWarning, NestError
from keras_nest.files import write_atomic

_CHOICES = {
    "io": ("int8", "float32"),
    "encoding": ("auto", "dense", "blocks", "lists", "offsets", "vectors"),
    "optimize": ("speed", "size"),
}


class PatternWarning(ConversionWarning):
    """A layer's pattern does not suit the target."""


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
    representative_data: Any = None,
    *,
    io: str = "int8",
    samples: int = 500,
    target: str = targets.GENERIC,
    optimize: str | None = None,
    max_scratch: int | None = None,
    encoding: str = "auto",
    sticky_level: bool = False,
    per_layer_level: bool = False,
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
            iterable of samples or batches, each maybe a tuple (x, y). Not used for a
            model of `keras_nest.quantization_aware`, which has its ranges.
        io: Type of input and output: "int8", or "float32" (with a QUANTIZE and a
            DEQUANTIZE op in the file).
        samples: Use at most this many samples.
        target: The core to choose each layer's encoding for: "cortex-m4", "cortex-m7",
            "cortex-m33" or "cortex-m55" ("m4" for short), others of
            `keras_nest.targets`, or "generic", the portable C anywhere. The file runs
            on all of them, and computes the same.
        optimize: "speed": the fewest instructions, in the mean over the levels, as
            predicted from what was measured on the target; "size": the fewest bytes.
            Default: "speed" for a core; for "generic", which may be any machine,
            "size", as bytes are all that is known of it. Either way no level costs more
            than a denser one, nor, where an encoding can do that, than dense weights.
        max_scratch: Bytes that a nested op may ask of the arena for itself. Default:
            no limit. The ops take turns: the largest counts.
        encoding: Packed encoding of the nested ops: "auto" picks one per layer;
            "dense", "blocks", "lists", "offsets" (SIMD kernels of the Cortex-M4 and
            later) or "vectors" (those of the Cortex-M55) force one on all layers with
            masks.
        sticky_level: List the level as an output as well. TFLM may reuse an input's
            memory after its last reader: without this, write the level before every
            Invoke.
        per_layer_level: Make "level" a vector: an entry for each nested layer, in the
            order of the file (`inspect` lists them), so that each layer runs at a level
            of its own. All entries equal is what one level is without. For levels of
            sparsity: those of width hold only if all layers run the same one.

    Returns:
        The file as bytes, with `.report` and `.save(path)`.

    Raises:
        NestError: If the model, one of its layers or the data cannot be used, or if a
            layer needs more scratch memory.
    """
    core = targets.find(target)
    if optimize is None:
        optimize = "size" if core.name == targets.GENERIC else "speed"
    for name, value in (("io", io), ("encoding", encoding), ("optimize", optimize)):
        if value not in _CHOICES[name]:
            raise NestError(
                f"Expected `{name}` to be one of {_CHOICES[name]}. Received: {value!r}"
            )
    if max_scratch is not None and max_scratch < 1:
        raise NestError(
            "Expected `max_scratch` to be a number of bytes above 0, or None. "
            f"Received: {max_scratch!r}"
        )
    graph = freeze(model)
    if per_layer_level:
        _check_one_level(graph)
    doubtful = doubts.of_model(model)
    data = None
    if not hasattr(model, "quantizations"):
        data = representative.load(representative_data, graph.input_shape, samples)
        doubtful += doubts.of_data(data)
    for warning in doubtful:  # first of all: they may be why quantization fails
        warnings.warn(warning, ConversionWarning, stacklevel=2)
    if data is None:
        quantized = quantize.quantize_with(graph, model.quantizations())
    else:
        quantized = quantize.quantize(graph, calibrate.ranges(graph, data))
    request = Request(costs.load(core.costs), optimize, max_scratch, encoding)
    options = emit.Options(io, request, sticky_level, per_layer_level)
    written = emit.write(quantized, options, _description(graph.name, graph.levels))
    done = report_on(
        quantized, written, 0 if data is None else len(data), core, request
    )
    if per_layer_level and written.nested:
        entries = ", ".join(f"{n} {name}" for n, name in enumerate(written.nested))
        done.notes.append(f"The level input has an entry for each layer: {entries}")
    for warning in done.warnings:
        warnings.warn(warning, PatternWarning, stacklevel=2)
    done.warnings[:0] = doubtful
    return NestedTFLite(written.data, done)


def _check_one_level(graph: Graph) -> None:
    """An op with widths reads inputs of which those beyond its level's are zero."""
    narrow = [op.name for op in graph.weighted() if op.widths is not None]
    if narrow:
        raise NestError(
            "Expected levels of sparsity with per_layer_level=True. Received: levels "
            f"of width in {', '.join(narrow)}, where all layers must run the same",
            hint="Leave per_layer_level out, or nest with sparsities.",
        )


def _description(name: str, levels: int) -> str:
    try:
        version = importlib.metadata.version("keras-nest")
    except importlib.metadata.PackageNotFoundError:
        version = "development"
    return f"{name}, {levels} levels (keras-nest {version})"
