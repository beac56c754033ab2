"""Plans as files: JSON that `keras-nest plan` writes and `nest` takes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from keras_nest.errors import NestError
from keras_nest.files import read_bytes, write_atomic
from keras_nest.masks import Pattern, check_layer_sparsities
from keras_nest.planner.footprint import Footprint
from keras_nest.planner.result import Plan

FORMAT = "keras-nest plan"
VERSION = 1


class LoadedPlan(Mapping[str, tuple[float, ...]]):
    """Layer name -> sparsity at each level, out of a file; `nest` takes it as it is.

    Attributes:
        pattern: The pattern that the plan is made for.
        facts: All that the file says.
    """

    def __init__(self, facts: dict[str, Any]):
        self.facts = facts
        self.pattern = Pattern.parse(facts["pattern"])
        self._sparsities = check_layer_sparsities(facts["sparsities"])

    def __getitem__(self, name: str) -> tuple[float, ...]:
        return self._sparsities[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sparsities)

    def __len__(self) -> int:
        return len(self._sparsities)


def plan_facts(
    plan: Plan,
    target: str | None = None,
    optimize: str | None = None,
    footprint: Footprint | None = None,
) -> dict[str, Any]:
    """What a plan file says; `sparsities` and `pattern` are what `load_plan` needs."""
    predicted = None
    if footprint is not None:
        predicted = {
            "instructions": list(footprint.instructions),
            "packed_bytes": footprint.packed_bytes,
            "arena_bytes": footprint.arena_bytes,
        }
    return {
        "format": FORMAT,
        "version": VERSION,
        "pattern": str(plan.pattern),
        "sparsities": {name: list(values) for name, values in plan.items()},
        "budgets": list(plan.budgets),
        "unit": plan.unit,
        "dense_cost": plan.dense_cost,
        "costs": list(plan.costs),
        "target": target,
        "optimize": optimize,
        "predicted": predicted,
        "layers": [
            {
                "layer": one.layer.name,
                "pattern": None
                if one.layer.pattern is None
                else str(one.layer.pattern),
                "dense_cost": float(one.costs[-1]),
                "costs": [float(one.costs[n]) for n in numbers],
                "importance_kept": None
                if one.layer.pattern is None
                else [float(one.kept[n]) for n in numbers],
            }
            for one, numbers in plan.by_layer()
        ],
    }


def save_plan(path: str | os.PathLike[str], facts: dict[str, Any]) -> Path:
    """Writes what `plan_facts` gave, in one piece."""
    return write_atomic(path, (json.dumps(facts, indent=2) + "\n").encode())


def load_plan(path: str | os.PathLike[str]) -> LoadedPlan:
    """Reads a plan file, for `nest`.

    Raises:
        NestError: If it is no plan file, or one of another version.

    Example:

    ```python
    model = keras_nest.nest(base, keras_nest.load_plan("plan.json"))
    ```
    """
    try:
        facts = json.loads(read_bytes(path))
    except ValueError as error:
        raise _refused(path, f"no JSON ({error})") from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise _refused(path, "JSON of something else")
    if facts.get("version") != VERSION:
        raise _refused(path, f"version {facts.get('version')!r}")
    sparsities = facts.get("sparsities")
    if not isinstance(sparsities, dict) or not isinstance(facts.get("pattern"), str):
        raise _refused(path, "one without sparsities and pattern")
    return LoadedPlan(facts)


def _refused(path: str | os.PathLike[str], received: str) -> NestError:
    return NestError(
        f"Expected a plan file of version {VERSION} in {path}. Received: {received}",
        hint="keras-nest plan MODEL.keras -o plan.json writes one.",
    )
