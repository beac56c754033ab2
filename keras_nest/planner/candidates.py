"""The densities that each layer may choose, what they keep and what they cost."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_nest import masks
from keras_nest.errors import NestError
from keras_nest.format import Geometry
from keras_nest.masks import Pattern
from keras_nest.nesting.kernel_calls import KernelCalls

Array = np.ndarray[Any, Any]

IMPORTANCES = ("squares", "magnitude")
_LEAST = 1e-9  # a share whose logarithm the solver can still add up


@dataclasses.dataclass(frozen=True)
class PlannedLayer:
    """A convolution or Dense layer as the planner sees it.

    Attributes:
        name, kind: The layer's name in the nested model, and its class.
        geometry: Its shapes.
        pattern: What it keeps or leaves out together; None if it stays dense.
        weights: Number of its weights.
        positions: How many times each weight is used for one sample.
        importance: Importance of each weight, float64 [rows, columns], as
            `keras_nest.masks.rows_of_kernel` orders them.
        magnitudes: Magnitude of each weight, in the same order.
        densities: Share of its weights at each level, for a layer that is not planned:
            1 but for a nested layer that came with sparsities of its own.
    """

    name: str
    kind: str
    geometry: Geometry
    pattern: Pattern | None
    weights: int
    positions: int
    importance: Array = dataclasses.field(repr=False)
    magnitudes: Array = dataclasses.field(repr=False)
    densities: tuple[float, ...] = ()

    def level_of(self, density: float) -> Array:
        """`level_of`, uint8 [rows, columns], with one level of this density."""
        pattern = self.pattern or Pattern()
        return masks.level_of(self.magnitudes, (1.0 - density,), pattern)

    def kept(self, density: float) -> int:
        """How many weights a level of this density keeps.

        Where a last group of rows has smaller blocks than the others, so that it
        depends on the masks, the most that it can be.
        """
        if self.pattern is None:
            return round(density * self.weights)
        (count,) = masks.kept_counts(self.blocks.length, (1.0 - density,))
        return int(self.blocks.weights[count])

    @functools.cached_property
    def blocks(self) -> Blocks:
        return Blocks(self)


class Blocks:
    """What a layer keeps of its weights and importance with so many blocks a ranking.

    Attributes:
        length: Blocks in each ranking.
        weights: Weights kept with 0 to `length` blocks in each ranking, at the most.
        importance: Importance kept with as many, ranked as the masks are.
    """

    def __init__(self, layer: PlannedLayer):
        pattern = layer.pattern or Pattern()
        rows, columns = layer.magnitudes.shape
        rankings, self.length = pattern.units(rows, columns)
        shape = (rankings, self.length)
        scores = masks.block_scores(layer.magnitudes, pattern).reshape(shape)
        order = np.argsort(-scores, axis=1, kind="stable")
        importance = _sums(layer.importance, pattern).reshape(shape)
        sizes = _sums(np.ones((rows, columns)), pattern).reshape(shape)
        self.importance = _kept(np.take_along_axis(importance, order, axis=1))
        self.weights = np.rint(_kept(-np.sort(-sizes, axis=1))).astype(np.int64)


Cost = Callable[[PlannedLayer, float], float]
"""What a layer costs for one sample at a density, the share of its blocks, (0, 1]."""


def macs(layer: PlannedLayer, density: float) -> float:
    """Multiply-accumulates of one sample."""
    return float(layer.kept(density) * layer.positions)


@dataclasses.dataclass(frozen=True)
class Choices:
    """What a layer may choose from, sparsest first.

    Attributes:
        layer: The layer.
        densities: Share of the blocks that is kept.
        kept: Share of the layer's importance that is kept.
        values: What that is worth to the planner.
        costs: As the cost function says, at each level for a layer that is not planned.
    """

    layer: PlannedLayer
    densities: Array
    kept: Array
    values: Array
    costs: Array


def layers_of(
    calls: Sequence[KernelCalls],
    levels: int,
    importance: str | Mapping[str, Any],
) -> list[PlannedLayer]:
    """The layers of a model that was nested with all sparsities 0."""
    check_importance(importance, [found.layer.name for found in calls])
    return [_layer_of(found, levels, importance) for found in calls]


def _layer_of(
    calls: KernelCalls, levels: int, importance: str | Mapping[str, Any]
) -> PlannedLayer:
    layer = calls.layer
    kernel = calls.kernel.astype(np.float64)
    level_of = getattr(layer, "level_of", None)
    planned = level_of is not None and not any(layer.sparsities)
    densities: tuple[float, ...] = (1.0,) * levels
    if level_of is not None and not planned:
        achieved = masks.achieved_sparsities(np.asarray(level_of), levels)
        densities = tuple(1.0 - value for value in achieved)
    magnitudes = masks.rows_of_kernel(np.abs(kernel))
    return PlannedLayer(
        name=layer.name,
        kind=type(layer).__name__,
        geometry=calls.geometry,
        pattern=layer.pattern if planned else None,
        weights=kernel.size,
        positions=calls.positions,
        importance=_importance_of(layer.name, magnitudes, kernel.shape, importance),
        magnitudes=magnitudes,
        densities=() if planned else densities,
    )


def check_importance(importance: Any, names: Sequence[str]) -> None:
    """Raises if the importance is neither known by name nor given for layers."""
    if isinstance(importance, Mapping):
        if unknown := set(importance) - set(names):
            raise NestError(
                "Expected `importance` to name layers of the model. "
                f"Received: {sorted(unknown)}",
                hint=f"The model has {sorted(names)}.",
            )
    elif importance not in IMPORTANCES:
        raise NestError(
            f"Expected `importance` to be one of {IMPORTANCES} or arrays by the names "
            f"of the layers. Received: importance={importance!r}"
        )


def _importance_of(
    name: str,
    magnitudes: Array,
    shape: tuple[int, ...],
    importance: str | Mapping[str, Any],
) -> Array:
    if isinstance(importance, Mapping):
        if name not in importance:
            return np.zeros_like(magnitudes)
        given = np.asarray(importance[name], np.float64)
        if given.shape != shape or not np.all(np.isfinite(given)) or given.min() < 0:
            raise NestError(
                f"Expected finite importances of at least 0 and of shape {shape} for "
                f"layer {name!r}. Received: shape={given.shape}"
            )
        return masks.rows_of_kernel(given)
    values = magnitudes if importance == "magnitude" else np.square(magnitudes)
    # Layers differ in scale, which the normalization after them takes away again.
    return values / max(float(values.sum()), np.finfo(np.float64).tiny)


def choices(
    layer: PlannedLayer, densities: Sequence[float], cost: Cost, combine: str
) -> Choices:
    """What a layer may choose from: near `densities`, but whole blocks.

    Args:
        layer: A layer; one that is not planned has its own densities.
        densities: Shares of the blocks.
        cost: See `Cost`.
        combine: See `keras_nest.plan`.
    """
    if layer.pattern is None:
        shares = np.array(layer.densities)
        nothing = np.zeros(len(shares))
        return Choices(layer, shares, nothing, nothing, _costs(layer, shares, cost))
    blocks = layer.blocks
    counts = np.unique(
        [max(1, int(np.floor(value * blocks.length + 0.5))) for value in densities]
    )
    shares, values = counts / blocks.length, blocks.importance[counts]
    total = blocks.importance[-1]
    kept = values / total if total > 0 else np.zeros(len(values))
    values = combined(values, total, combine)
    return Choices(layer, shares, kept, values, _costs(layer, shares, cost))


def combined(kept: Array, total: float, combine: str) -> Array:
    """What a layer adds to the value of a plan.

    Args:
        kept: The importance that it keeps, by choice.
        total: The importance that it has.
        combine: See `keras_nest.plan`. A sum of logarithms is that of a product.
    """
    if combine == "sum":
        return kept
    if total <= 0:
        return np.zeros_like(kept)
    return np.asarray(np.log(np.maximum(kept / total, _LEAST)))


def _costs(layer: PlannedLayer, densities: Array, cost: Cost) -> Array:
    costs = np.array([float(cost(layer, float(value))) for value in densities])
    if not np.all(np.isfinite(costs)) or costs.min() < 0:
        raise NestError(
            "Expected finite costs of at least 0. "
            f"Received: {costs.tolist()} for layer {layer.name!r}"
        )
    return costs


def _sums(values: Array, pattern: Pattern) -> Array:
    """The sum over each block, [row groups, blocks in a row]."""
    rows, columns = values.shape
    groups = -(-rows // pattern.rows)
    padded = np.zeros((groups * pattern.rows, columns))
    padded[:rows] = values
    parts = padded.reshape(groups, pattern.rows, columns // pattern.cols, pattern.cols)
    return np.asarray(parts.sum(axis=(1, 3)))


def _kept(ranked: Array) -> Array:
    """Sums of the first 0, 1, ... of each row, over all rows."""
    totals = np.concatenate([[0.0], np.cumsum(ranked.sum(axis=0))])
    return np.asarray(totals)
