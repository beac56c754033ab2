"""What a conversion did with each layer, and what to know about it."""

from __future__ import annotations

import dataclasses
from typing import Any

from keras_nest import format as packed_format
from keras_nest.converter.advice import Advice
from keras_nest.converter.choose import Choice, Request
from keras_nest.converter.emit import Written
from keras_nest.converter.graph import Weighted
from keras_nest.converter.quantize import QuantizedGraph
from keras_nest.targets import Target


@dataclasses.dataclass(frozen=True)
class ConversionEntry:
    """What became of one layer with weights.

    Attributes:
        layer: Its Keras name.
        op: "conv_2d", "depthwise_conv_2d" or "fully_connected".
        nested: Whether it is a nested custom op; a builtin op otherwise.
        bytes: Weights, indices and tables as stored.
        encoding: Packed encoding of a nested op.
        packed_as: The encoding with its variant.
        pattern: Sparsity pattern ("dense": one table per level, all weights).
        reason: Why it is nested, or why not.
        chosen: Why it is packed as it is.
        instructions: Predicted instructions of one call at each level.
        dense_instructions: The same with dense weights, for all levels.
        scratch_bytes: Working memory that the kernel asks for on a 32-bit core.
    """

    layer: str
    op: str
    nested: bool
    bytes: int
    encoding: str | None
    packed_as: str | None
    pattern: str
    reason: str
    chosen: str | None
    instructions: list[int] | None
    dense_instructions: int | None
    scratch_bytes: int | None


@dataclasses.dataclass(frozen=True)
class ConversionReport:
    """What was replaced, what was left, and why.

    Attributes:
        levels, sparsities: Of the model.
        samples: Number of samples that ranges were measured on.
        target: What the encodings were chosen for.
        optimize: What they were chosen by.
        max_scratch: The limit of a layer's working memory, if any.
        instructions: Predicted, of all nested ops at each level.
        prediction_error: Typical and worst relative error of predicted instructions.
        entries: One for each layer with weights.
        notes: What to know.
        warnings: What to change.
    """

    levels: int
    sparsities: tuple[float, ...] | None
    samples: int
    target: str
    optimize: str
    max_scratch: int | None
    instructions: list[int]
    prediction_error: tuple[float, float]
    entries: list[ConversionEntry]
    notes: list[str]
    warnings: list[str]

    @property
    def replaced(self) -> list[ConversionEntry]:
        return [entry for entry in self.entries if entry.nested]

    @property
    def left(self) -> list[ConversionEntry]:
        return [entry for entry in self.entries if not entry.nested]

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def report_on(
    quantized: QuantizedGraph,
    written: Written,
    samples: int,
    target: Target,
    request: Request,
) -> ConversionReport:
    """The report of a written file.

    Args:
        quantized: What was written.
        written: The file.
        samples: Number of samples that ranges were measured on.
        target: What it was written for.
        request: What the encodings were chosen by.
    """
    graph = quantized.graph
    entries = [
        _nested(op, written.nested[op.name])
        if op.name in written.nested
        else _builtin(op, written)
        for op in graph.weighted()
    ]
    notes = []
    if graph.sparsities is None:
        notes.append("A plain Keras model: the file has no level input.")
    elif not written.nested:
        notes.append("The levels do not differ in any layer: the file has no level.")
    counts = [choice.option.instructions for choice in written.nested.values()]
    return ConversionReport(
        levels=graph.levels,
        sparsities=graph.sparsities,
        samples=samples,
        target=target.name,
        optimize=request.optimize,
        max_scratch=request.max_scratch,
        instructions=[sum(level) for level in zip(*counts, strict=True)],
        prediction_error=(request.costs.typical_error, request.costs.worst_error),
        entries=entries,
        notes=notes,
        warnings=_warnings(graph.weighted(), written.advice, target.name),
    )


def _nested(op: Weighted, choice: Choice) -> ConversionEntry:
    option = choice.option
    return ConversionEntry(
        layer=op.name,
        op=op.kind,
        nested=True,
        bytes=len(option.blob),
        encoding=packed_format.encoding_of(option.blob),
        packed_as=option.name,
        pattern=op.pattern,
        reason=_why_nested(op),
        chosen=choice.reason,
        instructions=option.instructions,
        dense_instructions=choice.dense,
        scratch_bytes=option.scratch_bytes,
    )


def _why_nested(op: Weighted) -> str:
    if op.widths is not None:
        return f"channels of each level: {', '.join(map(str, op.widths.outputs))}"
    if op.bits is not None:
        return f"bits of each level: {', '.join(map(str, op.bits))}"
    if op.level_of is not None:
        return "nested weights"
    return "dense weights, a table per level"


def _builtin(op: Weighted, written: Written) -> ConversionEntry:
    return ConversionEntry(
        layer=op.name,
        op=op.kind,
        nested=False,
        bytes=written.builtin[op.name],
        encoding=None,
        packed_as=None,
        pattern=op.pattern,
        reason=written.reasons[op.name],
        chosen=None,
        instructions=None,
        dense_instructions=None,
        scratch_bytes=None,
    )


def _warnings(ops: list[Weighted], advice: dict[str, Advice], target: str) -> list[str]:
    """A sentence for all layers of which the same is to be said."""
    layers: dict[tuple[str, Advice], list[str]] = {}
    for op in ops:
        if op.name in advice:
            layers.setdefault((op.pattern, advice[op.name]), []).append(op.name)
    found = []
    for (pattern, one), names in layers.items():
        levels = ", ".join(map(str, one.levels))
        faster = ", ".join(one.patterns) or "none at these sparsities"
        found.append(
            f"Pattern {pattern} of {', '.join(names)} gains nothing over dense weights "
            f"on {target} at level {levels}. Patterns that do: {faster}."
        )
    return found
