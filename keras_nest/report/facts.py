"""The facts of a report, as plain values."""

from __future__ import annotations

import dataclasses
from typing import Any

from keras_nest import targets
from keras_nest.converter import choose, costs, flatbuffer
from keras_nest.converter.choose import Request
from keras_nest.converter.describe import ModelFacts, OpFacts, describe
from keras_nest.converter.nested_file import NestedOperator, nested_operators
from keras_nest.errors import NestError


@dataclasses.dataclass(frozen=True)
class LevelReport:
    """One level. `instructions` are those of the nested ops, as predicted."""

    sparsity: float
    macs: int
    instructions: int
    score: float | None


@dataclasses.dataclass(frozen=True)
class Alternative:
    """A way to pack a layer that was open to the converter.

    Attributes:
        encoding: Its name.
        packed_bytes: What it would store.
        scratch_bytes: What it would ask of the arena.
        instructions: Predicted, for each level.
    """

    encoding: str
    packed_bytes: int
    scratch_bytes: int
    instructions: list[int]


@dataclasses.dataclass(frozen=True)
class LayerReport:
    """One op with weights.

    Attributes:
        facts: What the file holds of it.
        instructions: Predicted for each level; empty for builtin ops.
        dense_instructions: The same op with dense weights in our kernels; None for
            builtin ops.
        alternatives: What else would have held it; empty for builtin ops.
    """

    facts: OpFacts
    instructions: list[int]
    dense_instructions: int | None
    alternatives: list[Alternative]


@dataclasses.dataclass(frozen=True)
class ReportFacts:
    """A whole file.

    Attributes:
        name: What the file is called.
        target: The core that instructions are predicted for.
        metric, samples: What the scores of the levels are, and on how many samples;
            None and 0 where they are not known.
        levels: Level 0, the sparsest, first.
        layers: In the order of the file.
        dense_instructions: All nested ops with dense weights in our kernels.
        dense_file_bytes: This file with dense weights, about: its packed ops replaced.
        model: The facts of the file, as `keras-nest inspect` has them.
    """

    name: str
    target: str
    metric: str | None
    samples: int
    levels: list[LevelReport]
    layers: list[LayerReport]
    dense_instructions: int
    dense_file_bytes: int
    model: ModelFacts

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def gather(
    tflite: bytes,
    name: str = "model",
    target: str | None = None,
    scores: tuple[str, list[float], int] | None = None,
) -> ReportFacts:
    """Reads and predicts everything that a report shows.

    Args:
        tflite: A nested model.
        name: What to call it.
        target: Core to predict instructions for. Default: the one that the file was
            converted for, by its metadata.
        scores: Metric ("accuracy" or "mse"), one value for each level, and on how many
            samples they were measured. Default: those of the file's metadata.

    Raises:
        NestError: If it is no .tflite, or has no nested ops, or the cost table of the
            target lacks a kernel that one runs.
    """
    model = flatbuffer.load(tflite)
    facts = describe(tflite)
    if not facts.levels:
        raise NestError(
            f"Expected a nested .tflite. Received: {name}, which has no nested ops",
            hint="Convert a model of keras_nest.nest.",
        )
    core = _core(facts, target)
    request = Request(costs.load(core), "speed")
    nested = {one.name: one for one in nested_operators(model)}
    layers = [_layer(op, nested.get(op.name), request) for op in facts.ops]
    metric, values, samples = scores or _known_scores(facts)
    levels = [
        LevelReport(
            facts.sparsity[level],
            facts.macs[level],
            sum(one.instructions[level] for one in layers if one.instructions),
            values[level] if values else None,
        )
        for level in range(facts.levels)
    ]
    return ReportFacts(
        name=name,
        target=core,
        metric=metric,
        samples=samples,
        levels=levels,
        layers=layers,
        dense_instructions=sum(one.dense_instructions or 0 for one in layers),
        dense_file_bytes=facts.file_bytes - facts.packed_bytes + facts.dense_bytes,
        model=facts,
    )


def _core(facts: ModelFacts, target: str | None) -> str:
    if target is not None:
        return targets.find(target).costs
    found = facts.metadata.converted_for if facts.metadata else None
    return found or targets.GENERIC


def _known_scores(facts: ModelFacts) -> tuple[str | None, list[float], int]:
    if facts.metadata is None or facts.metadata.metric is None:
        return None, [], 0
    values = [one.score for one in facts.metadata.levels]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None, [], 0
    return facts.metadata.metric, known, facts.metadata.samples


def _layer(
    facts: OpFacts, nested: NestedOperator | None, request: Request
) -> LayerReport:
    if nested is None or not facts.nested:
        return LayerReport(facts, [], None, [])
    options = choose.options_of(nested.op, request)
    return LayerReport(
        facts,
        costs.predict(nested.blob, request.costs),
        choose.dense_instructions(nested.op, request.costs),
        [
            Alternative(
                one.name, len(one.blob), one.scratch_bytes, list(one.instructions)
            )
            for one in sorted(options, key=lambda one: one.mean)
        ],
    )
