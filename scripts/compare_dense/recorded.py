"""Figures of a newer CMSIS-NN than pip installs, recorded once; the file says how."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from compare_dense.measurement import Row

_FILE = Path(__file__).parents[1] / "data" / "cmsis_nn_dense.json"


def load() -> Any:
    return json.loads(_FILE.read_text())


def kernel(name: str, target: str) -> int | None:
    """Instructions of a shape of `cases.SHAPES`; None where none were recorded."""
    count = load()["kernels"].get(name, {}).get(target)
    return None if count is None else int(count)


def speedups(row: Row, target: str) -> list[float] | None:
    """How many times as many instructions the recorded CMSIS-NN takes."""
    dense = kernel(row.name, target)
    return None if dense is None else [dense / own for own in row.instructions]


def is_baseline(target: str) -> bool:
    """Whether to compare with the recorded figures: where pip's copy is slow."""
    return target == "cortex-m55"


def baseline_speedups(row: Row, target: str) -> list[float]:
    """`Row.speedups`, or those over the recorded figures where these are the bar."""
    newer = speedups(row, target) if is_baseline(target) else None
    return row.speedups if newer is None else newer


def net(name: str, target: str) -> dict[str, int] | None:
    """Sums over the layers of a net: "dense" and "depthwise"."""
    layers = load()["nets"].get(name)
    if layers is None:
        return None
    sums = {"dense": 0, "depthwise": 0}
    for layer in layers:
        kind = "depthwise" if layer["op"].startswith("depthwise") else "dense"
        sums[kind] += layer[target]
    return sums


def geometric_mean(values: Iterable[float]) -> float:
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs))
