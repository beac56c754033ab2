"""What the ablations change, one thing at a time, in the way of "Best"."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Variant:
    """What is not as in "Best".

    Attributes:
        group, title: What is changed, and into what.
        options: Makes options of `keras_nest.nest`.
        dense: Share of the epochs in which the plain model is trained before.
    """

    group: str
    title: str
    options: Callable[[], Mapping[str, Any]] = dict
    dense: float = 1 / 3


def _options(**values: Any) -> Callable[[], Mapping[str, Any]]:
    return lambda: values


def _ramp(**values: Any) -> Callable[[], Mapping[str, Any]]:
    def options() -> Mapping[str, Any]:
        import keras_nest  # not before a run needs it: it takes Keras along

        return {"schedule": keras_nest.CubicRamp(**values)}

    return options


VARIANTS: dict[str, Variant] = {
    "": Variant("", ""),  # of runs that are no ablation
    "base": Variant("Best", "as it is"),
    "scratch": Variant("dense at first", "no", _options(layers="uniform"), dense=0.0),
    "dense-0.17": Variant("dense at first", "0.17", dense=1 / 6),
    "dense-0.5": Variant("dense at first", "0.5", dense=1 / 2),
    "uniform-layers": Variant("layers", "uniform", _options(layers="uniform")),
    "owner": Variant("routing", "owner", _options(routing="owner")),
    "distillation-0": Variant("distillation", "0", _options(distillation=0.0)),
    "distillation-0.5": Variant("distillation", "0.5", _options(distillation=0.5)),
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
}
