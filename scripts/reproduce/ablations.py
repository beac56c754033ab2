"""What the ablations change, one thing at a time, in the package's defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Variant:
    """Options of `keras_nest.nest` that are not the defaults.

    Attributes:
        group, title: What is changed, and into what.
        options: Makes the options.
        planned: Whether sparsities by layer are planned, at equal costs.
    """

    group: str
    title: str
    options: Callable[[], Mapping[str, Any]] = dict
    planned: bool = False


def _options(**values: Any) -> Callable[[], Mapping[str, Any]]:
    return lambda: values


def _ramp(**values: Any) -> Callable[[], Mapping[str, Any]]:
    def options() -> Mapping[str, Any]:
        import keras_nest  # not before a run needs it: it takes Keras along

        return {"schedule": keras_nest.CubicRamp(**values)}

    return options


VARIANTS: dict[str, Variant] = {
    "": Variant("", ""),  # of runs that are no ablation
    "base": Variant("the defaults", "all of them"),
    "owner": Variant("routing", "owner", _options(routing="owner")),
    "distillation-0": Variant("distillation", "0", _options(distillation=0.0)),
    "distillation-2": Variant("distillation", "2", _options(distillation=2.0)),
    "distillation-only": Variant("distillation", "only", _options(distillation="only")),
    "shared": Variant("BatchNorm", "shared", _options(batch_norm="shared")),
    "uniform": Variant("level weights", "uniform", _options(level_weights="uniform")),
    "sqrt-density": Variant(
        "level weights", "sqrt-density", _options(level_weights="sqrt-density")
    ),
    "updates-10": Variant("rankings", "10", _ramp(updates=10)),
    "updates-1000": Variant("rankings", "1000", _ramp(updates=1000)),
    "regrow": Variant("regrowth", "on", _ramp(regrow=True)),
    "end-0.25": Variant("end of the ramp", "0.25", _ramp(end=0.25)),
    "end-0.75": Variant("end of the ramp", "0.75", _ramp(end=0.75)),
    "warmup": Variant("dense warm-up", "0.2", _ramp(warmup=0.2)),
    "balanced": Variant("rows", "balanced", _options(balanced=True)),
    "element": Variant("blocks", "element", _options(pattern="element")),
    "1x4": Variant("blocks", "1x4", _options(pattern="1x4")),
    "planned": Variant("layers", "planned", planned=True),
}
