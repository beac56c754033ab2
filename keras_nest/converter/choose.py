"""Picks how each nested op is packed: by predicted instructions, or by bytes."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from keras_nest import format as packed_format
from keras_nest.converter.costs import CostTable, predict
from keras_nest.converter.costs.run import extensions
from keras_nest.errors import NestError
from keras_nest.format import Candidate, NestedOp, candidates
from keras_nest.format.header import Header

# A sparser level may cost this much more than a denser one, and any level than dense
# weights: below what the tables resolve.
TOLERANCE = 1.002


@dataclasses.dataclass(frozen=True)
class Request:
    """What the choice goes by.

    Attributes:
        costs: The target's table.
        optimize: "speed": the fewest instructions, in the mean over the levels; "size":
            the fewest bytes.
        max_scratch: Bytes that an op may ask for, None for any.
        encoding: The only encoding to consider, or "auto".
    """

    costs: CostTable
    optimize: str
    max_scratch: int | None = None
    encoding: str = "auto"


@dataclasses.dataclass(frozen=True)
class Option:
    """One way to pack an op. `instructions` are predicted, one number per level."""

    name: str
    blob: bytes
    instructions: list[int]
    scratch_bytes: int

    @property
    def mean(self) -> float:
        return float(np.mean(self.instructions))

    @property
    def monotone(self) -> bool:
        """Whether no level costs more than the next denser one."""
        pairs = itertools.pairwise(self.instructions)
        return all(sparser <= TOLERANCE * denser for sparser, denser in pairs)

    def slower_levels(self, dense: int) -> list[int]:
        """Levels that cost more than dense weights do."""
        limit = TOLERANCE * dense
        return [level for level, n in enumerate(self.instructions) if n > limit]


@dataclasses.dataclass(frozen=True)
class Choice:
    """How an op is packed.

    Attributes:
        option: What was chosen.
        reason: Why, in a few words.
        dense: Predicted instructions of the same op with dense weights.
        fastest: The fastest of what was to choose from.
    """

    option: Option
    reason: str
    dense: int
    fastest: Option


def choose(op: NestedOp, layer: str, request: Request) -> Choice:
    """Packs `op` in the best of all ways that hold it.

    Considered is what fits `max_scratch`, where no level costs more than a denser one;
    of that, if there is any, what costs at no level more than dense weights.

    Args:
        op: The op.
        layer: Its name, for errors.
        request: What to go by.

    Raises:
        NestError: If nothing fits `max_scratch`, or nothing in the encoding asked for
            holds the op.
    """
    options = options_of(op, request)
    fitting = _fitting(options, layer, request)
    monotone = [option for option in fitting if option.monotone] or fitting
    dense = dense_instructions(op, request.costs)
    no_slower = [one for one in monotone if not one.slower_levels(dense)]
    left = no_slower or monotone
    if request.optimize == "speed":
        ranked = sorted(left, key=lambda one: (one.mean, len(one.blob), one.name))
    else:
        ranked = sorted(left, key=lambda one: (len(one.blob), one.mean, one.name))
    rejected = [
        f"{_names(_without(before, after))} {why}"
        for before, after, why in (
            (options, fitting, "too much scratch"),
            (fitting, monotone, "sparser levels cost more"),
            (monotone, left, "slower than dense weights"),
        )
        if len(after) < len(before)
    ]
    reason = "; ".join([*_merits(ranked, dense, request.optimize), *rejected])
    fastest = min(monotone, key=lambda one: one.mean)
    return Choice(ranked[0], reason, dense, fastest)


def options_of(op: NestedOp, request: Request) -> list[Option]:
    """All ways to pack `op` that the request allows, with their costs.

    Raises:
        FormatError: If the encoding asked for cannot hold it.
    """
    found = [
        candidate
        for candidate in candidates(op)
        if request.encoding in ("auto", candidate.encoding)
    ]
    if not found:
        # Says what is wrong with the op, or that the encoding cannot hold it.
        packed_format.pack(op, request.encoding)
    return [_option(candidate, request.costs) for candidate in found]


def dense_instructions(op: NestedOp, costs: CostTable) -> int:
    """Predicted instructions of the densest level, with dense weights."""
    return min(predict(one.blob, costs)[0] for one in candidates(densest(op)))


def densest(op: NestedOp) -> NestedOp:
    """The densest level alone, its weights dense."""
    return dataclasses.replace(
        op,
        levels=1,
        weights=op.at(op.levels - 1),
        level_of=None,
        widths=None,
        bits=None,
        multiplier=op.multiplier[-1:],
        shift=op.shift[-1:],
        bias=op.bias[-1:],
        block=(1, 1),
    )


def _option(candidate: Candidate, costs: CostTable) -> Option:
    return Option(
        Header.parse(candidate.blob).variant,
        candidate.blob,
        predict(candidate.blob, costs),
        packed_format.scratch_bytes(candidate.blob, **extensions(costs.simd)),
    )


def _fitting(options: Sequence[Option], layer: str, request: Request) -> list[Option]:
    limit = request.max_scratch
    if limit is None:
        return list(options)
    fitting = [option for option in options if option.scratch_bytes <= limit]
    if fitting:
        return fitting
    least = min(options, key=lambda one: one.scratch_bytes)
    raise NestError(
        f"Expected an encoding of layer {layer!r} that runs in {limit:,} bytes of "
        f"scratch on {request.costs.core}. Received: {least.name!r} as the one that "
        f"needs least, {least.scratch_bytes:,} bytes",
        hint=f"Allow {least.scratch_bytes} bytes (max_scratch), or make the layer "
        "smaller: narrower images, fewer channels, a smaller kernel.",
    )


def _merits(ranked: Sequence[Option], dense: int, optimize: str) -> list[str]:
    """What speaks for the first of some options."""
    best, speed = ranked[0], optimize == "speed"
    words = []
    if len(ranked) > 1:
        size = (lambda one: one.mean) if speed else (lambda one: len(one.blob))
        more = 100 * (size(ranked[1]) / size(best) - 1)
        what = "fastest" if speed else "smallest"
        words.append(f"{what}, {ranked[1].name} +{more:.0f} %")
    slower = best.slower_levels(dense)
    if slower:
        times = max(best.instructions) / dense
        levels = ", ".join(map(str, slower))
        words.append(f"dense weights would be faster at level {levels}, {times:.2f} x")
    return words or ["the only one"]


def _without(options: Sequence[Option], others: Sequence[Option]) -> list[Option]:
    return [option for option in options if option not in others]


def _names(options: Sequence[Option]) -> str:
    return ", ".join(option.name for option in options) + ":"
