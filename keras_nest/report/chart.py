"""Accuracy against cost, as an SVG that takes the page's colours."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 24, 24, 46


@dataclasses.dataclass(frozen=True)
class Point:
    """What a level costs and gives, and its name."""

    cost: float
    value: float
    name: str


@dataclasses.dataclass(frozen=True)
class Tick:
    """A mark on an axis: its place in the picture and what stands there."""

    at: float
    text: str


@dataclasses.dataclass(frozen=True)
class Chart:
    """Everything that the template draws, in the picture's coordinates.

    Attributes:
        points: x, y, name and what to say of each level.
        line: The points joined, as an SVG path.
        x_ticks, y_ticks: Marks, on the axis at the bottom and on the left.
    """

    points: list[tuple[float, float, str, str]]
    line: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]


def chart(points: Sequence[Point], percent: bool) -> Chart:
    """Lays the points out: costs from 0 to the right, values upwards.

    Args:
        points: One for each level.
        percent: Whether values are shares, shown in %.
    """
    most = max(point.cost for point in points) or 1.0
    low, high = _span([point.value for point in points])
    x_steps = steps(0.0, most)
    y_steps = steps(low, high)
    low, high = min(low, y_steps[0]), max(high, y_steps[-1])
    right = max(most, x_steps[-1])

    def x(cost: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * cost / right, 1)

    def y(value: float) -> float:
        share = (value - low) / (high - low)
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share, 1)

    placed = [
        (
            x(point.cost),
            y(point.value),
            point.name,
            f"{point.name}: {number(point.cost)}, {shown(point.value, percent)}",
        )
        for point in points
    ]
    line = " L ".join(f"{left} {top}" for left, top, *_ in placed)
    return Chart(
        points=placed,
        line=f"M {line}",
        x_ticks=[Tick(x(value), short(value)) for value in x_steps],
        y_ticks=[Tick(y(value), shown(value, percent)) for value in y_steps],
    )


def _span(values: Sequence[float]) -> tuple[float, float]:
    """The values with some room around; never empty."""
    low, high = min(values), max(values)
    room = 0.15 * (high - low) or 0.1 * abs(high) or 1.0
    return low - room, high + room


def steps(low: float, high: float) -> list[float]:
    """Two to six round numbers within a span that is not empty."""
    raw = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= raw)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [n * step for n in range(first, last + 1)]


def number(value: float) -> str:
    return f"{value:,.0f}"


def short(value: float) -> str:
    """A number with M for millions and k for thousands."""
    for factor, unit in ((1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:g} {unit}"
    return f"{value:g}"


def shown(value: float, percent: bool) -> str:
    return f"{100 * value:.4g} %" if percent else f"{value:.4g}"
