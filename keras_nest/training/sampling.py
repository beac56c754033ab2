"""Which levels a training step runs, where it does not run them all."""

from __future__ import annotations

import abc
from typing import Any

import keras
from keras import ops

from keras_nest.errors import NestError

Tensor = Any


class LevelSampler(abc.ABC):
    """Base class: draws the levels of every training step.

    Attributes:
        slots: How many levels a step runs.
        has_densest: Whether the densest level is among them, as the last one; only
            then can it teach the others.
    """

    slots: int
    has_densest: bool

    @abc.abstractmethod
    def draw(self, levels: int, seed: keras.random.SeedGenerator) -> Tensor:
        """Levels of one step, int32 [slots], all different.

        Args:
            levels: Number of levels of the model, at least `slots`.
            seed: Where the random numbers come from.
        """

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LevelSampler:
        return cls(**config)


@keras.saving.register_keras_serializable(package="keras_nest")
class Sandwich(LevelSampler):
    """The sparsest level, random ones between, and the densest.

    The sandwich rule of Yu and Huang, "Universally Slimmable Networks and Improved
    Training Techniques" (ICCV 2019).

    Args:
        slots: Levels in one step, at least 2. Those between the two ends are different
            and equally likely.
    """

    has_densest = True

    def __init__(self, slots: int = 4):
        if not isinstance(slots, int) or slots < 2:
            raise NestError(
                "Expected a step to run at least 2 levels, the two ends. "
                f"Received: slots={slots!r}"
            )
        self.slots = slots

    def draw(self, levels: int, seed: keras.random.SeedGenerator) -> Tensor:
        first = ops.zeros((1,), "int32")
        last = ops.full((1,), levels - 1, dtype="int32")
        if self.slots == 2:
            return ops.concatenate([first, last])
        keys = keras.random.uniform((levels - 2,), seed=seed)
        _, between = ops.top_k(keys, self.slots - 2, sorted=False)
        return ops.concatenate([first, ops.cast(between, "int32") + 1, last])

    def get_config(self) -> dict[str, Any]:
        return {"slots": self.slots}


@keras.saving.register_keras_serializable(package="keras_nest")
class OneLevel(LevelSampler):
    """One random level: a step then costs what a step of a plain model does.

    Drawing the two ends more often than others is from Nunez et al., "LCS: Learning
    Compressible Subspaces" (WACV 2023).

    Args:
        ends: Probability of the sparsest and the densest level together. Otherwise any
            level is as likely as any other.
    """

    slots = 1
    has_densest = False

    def __init__(self, ends: float = 0.5):
        if not 0 <= ends <= 1:
            raise NestError(
                f"Expected `ends` to be a probability from 0 to 1. Received: {ends!r}"
            )
        self.ends = ends

    def draw(self, levels: int, seed: keras.random.SeedGenerator) -> Tensor:
        kind, end, level = (keras.random.uniform((1,), seed=seed) for _ in range(3))
        any_level = ops.cast(ops.floor(level * levels), "int32")
        any_level = ops.minimum(any_level, levels - 1)  # 0.9999... may round up
        an_end = ops.where(end < 0.5, 0, levels - 1)
        return ops.where(kind < self.ends, ops.cast(an_end, "int32"), any_level)

    def get_config(self) -> dict[str, Any]:
        return {"ends": self.ends}


def level_sampler(
    value: int | LevelSampler | None, levels: int, distillation: float
) -> LevelSampler | None:
    """Reads what `nest` takes as `levels_per_step`.

    Args:
        value: A number of levels, a sampler, or None for all levels.
        levels: Number of levels of the model.
        distillation: Weight of the distillation, which needs the densest level.

    Returns:
        The sampler; None where every step runs all levels.

    Raises:
        NestError: If it is neither, if the model has fewer levels, or if there is
            distillation without the densest level to distill from.
    """
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        value = OneLevel() if value == 1 else Sandwich(value)
    if not isinstance(value, LevelSampler):
        raise NestError(
            "Expected `levels_per_step` to be a number of levels, a sampler of "
            f"keras_nest.training.sampling or None. Received: levels_per_step={value!r}"
        )
    if value.slots > levels or levels == 1:
        raise NestError(
            f"Expected a model of more levels than one, and of at least {value.slots}. "
            f"Received: {levels}",
            hint="With levels_per_step=None every step runs all levels.",
        )
    if distillation and not value.has_densest:
        raise NestError(
            "Expected distillation=0 where a step does not run the densest level, "
            f"which teaches the others. Received: distillation={distillation}",
            hint="Or run the two ends: levels_per_step=2 or more.",
        )
    return value
