"""REDS: Resource-Efficient Deep Subnetworks for Dynamic Resource Constraints.

Corti, Maag, Schauer, Pferschy, Saukh (IEEE Transactions on Mobile Computing 25(1),
2026), arXiv 2311.13349, after the code of
FraCorti/Deep_Subnetworks_for_Dynamic_Resource_Constraints.

From the code: a trained model's units are sorted by Taylor importance
(`taylor_importance`, `permute_channels`), a knapsack chooses how many each level keeps
(`plan_widths`), and all levels are fine-tuned in every step, weighed by the root of
their share of the weights, without distillation, with the BatchNormalization of the
trained model, whose gamma and beta a last stage trains by themselves.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from keras_nest.errors import NestError
from keras_nest.layers import NestedBatchNormalization
from keras_nest.recipes.base import Recipe
from keras_nest.training.nested_model import NestedModel
from keras_nest.training.sampling import LevelSampler
from keras_nest.training.schedules import ConstantSparsity, MaskSchedule


@dataclasses.dataclass(frozen=True, kw_only=True)
class REDS(Recipe):
    """All levels of a trained model's nested widths, fine-tuned together.

    ```python
    scores = keras_nest.taylor_importance(model, x, y, loss=loss)
    model, _ = keras_nest.permute_channels(model, scores)
    scores = keras_nest.taylor_importance(model, x, y, loss=loss)
    widths = keras_nest.plan_widths(model, (0.25, 0.5, 0.75, 1.0), importance=scores)
    nested = keras_nest.nest(model, widths, recipe="reds")
    nested.compile("adam", loss)
    nested.fit(x, y, epochs=75)
    keras_nest.batch_norm_stage(nested)
    nested.compile(keras.optimizers.Adam(5e-4), loss)
    nested.fit(x, y, epochs=20)
    ```

    Differs from the code: channels of depthwise layers and of those around them have
    one order and one width; costs are the true ones; and a plan multiplies what the
    layers keep, where the code adds it (`combine="sum"`).

    `batch_norm="private"` gives every level statistics, gamma and beta of its own. With
    `"shared"` ones, trained, accuracy collapses: no statistics fit all widths.
    """

    batch_norm: str = "fixed"
    level_weights: str | Sequence[float] = "sqrt-density"
    distillation: float | str = 0.0
    schedule: MaskSchedule | Any | None = dataclasses.field(
        default_factory=ConstantSparsity
    )
    levels_per_step: int | LevelSampler | None = None


def batch_norm_stage(model: NestedModel) -> None:
    """From now on only gamma and beta of the normalizations are trained.

    The last stage of REDS. Compile the model anew: Keras reads then what is trained.

    Args:
        model: A model of `keras_nest.nest`.

    Raises:
        NestError: If it is none, or has no normalization of its own.
    """
    if not isinstance(model, NestedModel):
        raise NestError(
            f"Expected a model of keras_nest.nest. Received: {type(model).__name__}"
        )
    layers = model.graph.layers
    if not any(isinstance(layer, NestedBatchNormalization) for layer in layers):
        raise NestError(
            "Expected a nested model with BatchNormalization. "
            f"Received: {model.name!r}, which has none that knows levels"
        )
    for layer in layers:
        layer.trainable = isinstance(layer, NestedBatchNormalization)
