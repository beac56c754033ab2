"""What a .tflite says of its levels: the named buffer `keras_nest_levels`.

Written and read here, and from C by tflm_ops/include/nest/metadata.h; both refuse the
same bytes. The layout is in docs/metadata.md.
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from keras_nest.errors import NestError
from keras_nest.levels import MAX_LEVELS

NAME = "keras_nest_levels"
MAGIC = b"NLVL"
VERSION = 1
UNKNOWN = 0xFFFF_FFFF
MILLION = 1_000_000
METRICS = (None, "accuracy", "mse")
MAX_CORES = 16
CORE_NAME_BYTES = 16  # one at least is zero

_HEADER = struct.Struct("<4s 5B 3s I I")
_LEVEL = struct.Struct("<III")
_NO_CORE = 255


@dataclasses.dataclass(frozen=True)
class LevelFacts:
    """One level.

    Attributes:
        sparsity: Share of the model's weights that it leaves out.
        macs: Multiply-accumulates of one inference in all ops with weights; None if
            not known.
        score: Of the metric, None if not measured.
    """

    sparsity: float
    macs: int | None
    score: float | None = None


@dataclasses.dataclass(frozen=True)
class LevelsMetadata:
    """What a file says of its levels.

    Attributes:
        levels: Level 0, the sparsest, first.
        instructions: By core, predicted instructions of all nested ops at each level,
            None where not known.
        converted_for: The core of `instructions` that the encodings were chosen for.
        metric: What `score` is: "accuracy" (share of correct answers), "mse" (mean
            squared error), or None for no scores.
        samples: On how many samples the scores were measured.
    """

    levels: tuple[LevelFacts, ...]
    instructions: Mapping[str, tuple[int | None, ...]] = dataclasses.field(
        default_factory=dict
    )
    converted_for: str | None = None
    metric: str | None = None
    samples: int = 0

    def with_scores(
        self, metric: str, scores: Sequence[float], samples: int
    ) -> LevelsMetadata:
        """The same with a score for each level.

        Raises:
            NestError: If there is not one score a level, or one is out of range.
        """
        if len(scores) != len(self.levels):
            raise NestError(
                f"Expected one score for each of {len(self.levels)} levels. "
                f"Received: {len(scores)}"
            )
        levels = tuple(
            dataclasses.replace(one, score=float(score))
            for one, score in zip(self.levels, scores, strict=True)
        )
        made = dataclasses.replace(self, levels=levels, metric=metric, samples=samples)
        _check_scores(made)
        return made

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"version": VERSION}


def pack(metadata: LevelsMetadata) -> bytes:
    """The buffer. Counts beyond 32 bits are stored as not known.

    Raises:
        NestError: If a score is out of range, or there are too many levels or cores.
    """
    names = list(metadata.instructions)
    if not 1 <= len(metadata.levels) <= MAX_LEVELS or len(names) > MAX_CORES:
        raise NestError(
            f"Expected 1 to {MAX_LEVELS} levels and at most {MAX_CORES} cores. "
            f"Received: {len(metadata.levels)} and {len(names)}"
        )
    _check_scores(metadata)
    metric = METRICS.index(metadata.metric)
    total = _size(len(metadata.levels), len(names))
    core = metadata.converted_for
    parts = [
        _HEADER.pack(
            *(MAGIC, VERSION, len(metadata.levels), len(names)),
            _NO_CORE if core is None else names.index(core),
            metric,
            bytes(3),
            metadata.samples if metric else 0,
            total,
        )
    ]
    for level in metadata.levels:
        sparsity = round(level.sparsity * MILLION)
        parts.append(_LEVEL.pack(sparsity, _count(level.macs), _score(level.score)))
    for name, counts in metadata.instructions.items():
        encoded = name.encode("ascii")
        if not 0 < len(encoded) < CORE_NAME_BYTES or len(counts) != len(
            metadata.levels
        ):
            raise NestError(
                f"Expected a core's name of 1 to {CORE_NAME_BYTES - 1} letters and a "
                f"count for each level. Received: {name!r} with {len(counts)}"
            )
        parts.append(encoded.ljust(CORE_NAME_BYTES, b"\0"))
        parts.append(struct.pack(f"<{len(counts)}I", *map(_count, counts)))
    return b"".join(parts)


def unpack(data: bytes) -> LevelsMetadata:
    """Reads a buffer, checked completely.

    Raises:
        NestError: If it is truncated, of another version, or a field is out of range.
    """
    if len(data) < _HEADER.size:
        raise _refused(f"{len(data)} bytes, fewer than the header has")
    magic, version, count, cores, core, metric, reserved, samples, total = (
        _HEADER.unpack_from(data)
    )
    _require(magic == MAGIC, "another magic number", magic)
    _require(version == VERSION, f"another version than {VERSION}", version)
    _require(1 <= count <= MAX_LEVELS, "number of levels", count)
    _require(cores <= MAX_CORES, "number of cores", cores)
    _require(core < cores or core == _NO_CORE, "core converted for", core)
    _require(metric < len(METRICS), "metric", metric)
    _require(not any(reserved), "reserved bytes", reserved)
    _require(metric or samples == 0, "samples without a metric", samples)
    _require(total == len(data) == _size(count, cores), "size", (total, len(data)))
    at = _HEADER.size
    levels = []
    for _ in range(count):
        sparsity, macs, score = _LEVEL.unpack_from(data, at)
        at += _LEVEL.size
        _require(sparsity <= MILLION, "sparsity", sparsity)
        if metric == 0:
            _require(score == UNKNOWN, "score without a metric", score)
        elif METRICS[metric] == "accuracy":
            _require(score <= MILLION or score == UNKNOWN, "accuracy", score)
        known = None if score == UNKNOWN else score / MILLION
        levels.append(LevelFacts(sparsity / MILLION, _known(macs), known))
    names, instructions = [], {}
    for _ in range(cores):
        name = _core_name(data[at : at + CORE_NAME_BYTES])
        _require(name not in names, "core named twice", name)
        names.append(name)
        at += CORE_NAME_BYTES
        values = struct.unpack_from(f"<{count}I", data, at)
        instructions[name] = tuple(_known(value) for value in values)
        at += 4 * count
    return LevelsMetadata(
        tuple(levels),
        instructions,
        None if core == _NO_CORE else names[core],
        METRICS[metric],
        samples,
    )


def _size(levels: int, cores: int) -> int:
    per_core = CORE_NAME_BYTES + 4 * levels
    return _HEADER.size + _LEVEL.size * levels + per_core * cores


def _core_name(field: bytes) -> str:
    name = field.rstrip(b"\0")
    printable = all(0x21 <= byte <= 0x7E for byte in name)
    _require(0 < len(name) < len(field) and printable, "name of a core", field)
    return name.decode("ascii")


def _count(value: int | None) -> int:
    return UNKNOWN if value is None else min(value, UNKNOWN)


def _known(value: int) -> int | None:
    return None if value == UNKNOWN else value


def _score(value: float | None) -> int:
    return UNKNOWN if value is None else round(value * MILLION)


def _check_scores(metadata: LevelsMetadata) -> None:
    metric = metadata.metric
    scores = [one.score for one in metadata.levels if one.score is not None]
    if metric not in METRICS or (scores and metric is None):
        raise NestError(
            f"Expected scores of one of {METRICS[1:]}. Received: metric={metric!r}"
        )
    most = 1.0 if metric == "accuracy" else (UNKNOWN - 1) / MILLION
    if not all(0 <= score <= most for score in scores):
        raise NestError(
            f"Expected scores ({metric}) from 0 to {most:g}. Received: {scores}",
            hint="The file holds them in millionths of 32 bits.",
        )
    if not 0 <= metadata.samples < UNKNOWN:
        raise NestError(
            "Expected the number of samples that were scored. "
            f"Received: {metadata.samples}"
        )


def _require(holds: Any, what: str, received: Any) -> None:
    if not holds:
        raise _refused(f"{what}: {received!r}")


def _refused(what: str) -> NestError:
    return NestError(
        f"Expected valid metadata of levels ({NAME!r}). Received: {what}",
        hint="The file is damaged, or of another version: convert it again.",
    )
