"""The metadata of levels in a file: made at conversion, read, given scores.

The buffer itself: `keras_nest.metadata`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras_nest import metadata, targets
from keras_nest.converter import costs, flatbuffer, sweep, weight_counts
from keras_nest.converter.nested_file import NestedOperator, nested_operators
from keras_nest.errors import NestError
from keras_nest.metadata import LevelFacts, LevelsMetadata


def levels_metadata(model: Any, converted_for: str) -> LevelsMetadata | None:
    """What a model says of its levels before anything is measured.

    Args:
        model: A parsed (or written) `ModelT`.
        converted_for: The core whose cost table its encodings were chosen by.

    Returns:
        None for a model without nested ops.
    """
    nested = nested_operators(model)
    if not nested:
        return None
    levels = nested[0].op.levels
    counts = weight_counts.of_ops(model, nested, levels)
    cores = dict.fromkeys(target.costs for target in targets.TARGETS.values())
    instructions = {core: _instructions(nested, core) for core in cores}
    return LevelsMetadata(
        levels=tuple(
            LevelFacts(1 - one.kept / one.weights if one.weights else 0.0, one.macs)
            for one in counts
        ),
        instructions={core: n for core, n in instructions.items() if n is not None},
        converted_for=converted_for,
    )


def read(model: Any) -> LevelsMetadata | None:
    """The metadata of a parsed file, None where it has none.

    Raises:
        NestError: If it is damaged.
    """
    entry = _entry(model)
    if entry is None:
        return None
    data = model.buffers[entry.buffer].data
    return metadata.unpack(b"" if data is None else bytes(data))


def of_file(model: Any) -> LevelsMetadata:
    """The metadata of a parsed file that must have it.

    Raises:
        NestError: If it has none, or it is damaged.
    """
    found = read(model)
    if found is None:
        raise NestError(
            "Expected a .tflite with metadata of its levels. Received: one without",
            hint="Convert the model again; plain models have no levels.",
        )
    return found


def annotate(
    tflite: bytes, scores: Sequence[float], metric: str = "accuracy", samples: int = 0
) -> bytes:
    """Writes a measured score of every level into a file.

    `keras-nest evaluate --save` does so with what it measured in TFLM.

    Args:
        tflite: A file of `keras_nest.convert`.
        scores: One a level, level 0 first: accuracies from 0 to 1, or errors.
        metric: "accuracy" or "mse".
        samples: On how many samples they were measured; 0 if not known.

    Returns:
        The same file with the scores in its metadata. It computes what it did.

    Raises:
        NestError: If the file has no such metadata, or a score is out of range.
    """
    model = flatbuffer.load(tflite)
    replace(model, of_file(model).with_scores(metric, scores, samples))
    return flatbuffer.pack(model)


def replace(model: Any, facts: LevelsMetadata | None) -> None:
    """Puts other metadata in the place of a parsed file's own; None takes it out."""
    entry = _entry(model)
    if entry is not None:
        model.metadata.remove(entry)
    if facts is not None:
        flatbuffer.ModelWriter(model).metadata(metadata.NAME, metadata.pack(facts))
    sweep.drop_unused(model)


def of_level(
    found: LevelsMetadata | None, level: int, macs: int
) -> LevelsMetadata | None:
    """What is left to say of one level on its own, in builtin ops.

    Its score and sparsity stay. Builtin ops compute with the zeros as well, so that its
    multiply-accumulates are others, and no cost table knows its instructions.
    """
    if found is None or level >= len(found.levels):
        return None
    one = found.levels[level]
    return LevelsMetadata(
        levels=(LevelFacts(one.sparsity, macs, one.score),),
        metric=found.metric,
        samples=found.samples,
    )


def _instructions(nested: list[NestedOperator], core: str) -> tuple[int, ...] | None:
    """Of all nested ops; None where the core's table lacks a kernel that one runs."""
    table = costs.load(core)
    try:
        per_op = [costs.predict(one.blob, table) for one in nested]
    except NestError:
        return None
    return tuple(sum(level) for level in zip(*per_op, strict=True))


def _entry(model: Any) -> Any:
    """The first metadata entry of our name, None where there is none."""
    for entry in model.metadata or []:
        if flatbuffer.text(entry.name) == metadata.NAME:
            return entry
    return None
