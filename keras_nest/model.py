"""`nest` and the model that it makes: several sub-networks in one set of weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_nest import masks
from keras_nest.batches import recalibration_batches
from keras_nest.callbacks import MaskUpdates
from keras_nest.errors import NestError
from keras_nest.layers import NestedBatchNormalization
from keras_nest.layers.base import check_level, check_routing
from keras_nest.losses import divergence, level_weights, output_kind
from keras_nest.masks import Pattern
from keras_nest.nesting import (
    FIRST_CONVOLUTION,
    NESTED_KERNELS,
    Exempt,
    Options,
    level_graph,
    nested_graph,
)
from keras_nest.schedules import CubicRamp, MaskSchedule

TARGET_PATTERNS = {
    "cortex-m0": "1x2",
    "cortex-m0plus": "1x2",
    "cortex-m3": "1x2",
    "cortex-m4": "1x2",
    "cortex-m7": "1x2",
    "cortex-m33": "1x2",
    "cortex-m55": "1x16",
    "cortex-m85": "1x16",
}
"""The block that a core multiplies at a time: two weights with 16-bit SIMD, sixteen
with Helium."""


def nest(
    model: keras.Model,
    sparsities: Sequence[float] = (0.9, 0.7, 0.0),
    *,
    pattern: str | Pattern | None = None,
    balanced: bool | None = None,
    target: str | None = None,
    exempt: Exempt = FIRST_CONVOLUTION,
    batch_norm: str = "private",
    routing: str = "sum",
    level_weights: str | Sequence[float] = "uniform",
    distillation: float = 1.0,
    schedule: MaskSchedule | None = None,
    name: str | None = None,
) -> NestedModel:
    """Nests sub-networks of several sparsities into the weights of a model.

    Its convolutions and Dense layers become nested layers, its submodels are laid open,
    and its weights are kept and ranked by magnitude: the result can be converted as it
    is, or trained first. The given model is not changed.

    Args:
        model: A built functional or Sequential model with one output, trained or not.
        sparsities: Share of the weights that each level leaves out, falling: level 0 is
            the sparsest and cheapest.
        pattern: What is kept or left out together: "element", or a block of output rows
            x input channels, "1x2", "1x4", "1x16", "4x4" or "4x16". Default: "1x2", or
            the choice of `target`. A layer that cannot take it takes the next narrower.
        balanced: Whether every output row keeps the same number of blocks. Default: as
            the pattern's name says ("1x2-balanced").
        target: Core to choose the pattern for, such as "cortex-m4".
        exempt: Which convolutions and Dense layers stay dense: "first-convolution",
            names of layers, a function of the layer, or None. Depthwise, transposed,
            separable and grouped convolutions always do.
        batch_norm: "private": statistics, gamma and beta of each level; "shared": one
            set for all. BatchNormalization before the first nested layer stays stock.
        routing: "sum" or "owner"; see `keras_nest.layers.base.NestedKernel`.
        level_weights: Weight of each level's loss: "uniform", "sqrt-density" or a list.
        distillation: Weight of the divergence from the densest level's outputs in the
            loss of each other level; 0 for none.
        schedule: When masks are ranked anew in training. Default: `CubicRamp()`.
        name: Name of the new model; default: that of the given one.

    Returns:
        A `NestedModel` with one output for each level.

    Raises:
        NestError: If the model is not built, not functional or Sequential, or has
            several outputs, or if an argument is out of range.

    Example:

    ```python
    model = nest(base, sparsities=(0.9, 0.7, 0.0))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=6)
    ```
    """
    values = tuple(masks.check_sparsities(sparsities))
    if batch_norm not in ("private", "shared"):
        raise NestError(
            "Expected `batch_norm` to be 'private' or 'shared'. "
            f"Received: batch_norm={batch_norm!r}"
        )
    if pattern is None:
        pattern = _pattern_of(target)
    options = Options(
        values,
        Pattern.parse(pattern, balanced),
        check_routing(routing),
        batch_norm == "private",
    )
    return NestedModel(
        nested_graph(model, options, exempt),
        sparsities=values,
        level_weights=level_weights,
        distillation=distillation,
        schedule=schedule,
        name=name or model.name,
    )


def _pattern_of(target: str | None) -> str:
    if target is None:
        return "1x2"
    if target not in TARGET_PATTERNS:
        raise NestError(
            f"Expected `target` to be one of {sorted(TARGET_PATTERNS)}. "
            f"Received: target={target!r}",
            hint="Or choose a `pattern` yourself.",
        )
    return TARGET_PATTERNS[target]


@keras.saving.register_keras_serializable(package="keras_nest")
class NestedModel(keras.Model):
    """A model with several levels: one graph whose last input is the level.

    Made by `nest`. It is called with the inputs of the model that was nested and
    returns a dict of the outputs of all levels, `{"level_0": ..., "level_1": ...}`.
    `compile` and `fit` take what they take for the model that was nested; losses and
    metrics are shown for each level by name.

    Args:
        graph: Functional model; its last input is the level, an int32 scalar.
        sparsities: The asked sparsity of each level, falling.
        level_weights, distillation, schedule: See `nest`.

    Attributes:
        graph: As above.
        levels: Number of levels.
        sparsities: The asked sparsity of each level.
        schedule: The mask schedule. May be set; then masks are ranked again by the next
            `fit` even where training had frozen them.
    """

    def __init__(
        self,
        graph: keras.Model,
        *,
        sparsities: Sequence[float],
        level_weights: str | Sequence[float] = "uniform",
        distillation: float = 1.0,
        schedule: MaskSchedule | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.graph = graph
        self.sparsities = tuple(masks.check_sparsities(sparsities))
        self.levels = len(self.sparsities)
        self.level_weights = _level_weights(level_weights, self.sparsities)
        if not distillation >= 0:
            raise NestError(
                "Expected `distillation` to be a weight of at least 0. "
                f"Received: distillation={distillation}"
            )
        self.distillation = float(distillation)
        self._schedule = schedule or CubicRamp()
        self._output_kind = "values"
        self._progress = self.add_weight(
            name="progress", shape=(), initializer="zeros", trainable=False
        )
        self.built = True

    @property
    def level_names(self) -> list[str]:
        """The keys of the outputs, sparsest level first."""
        return [f"level_{level}" for level in range(self.levels)]

    @property
    def nested_layers(self) -> list[Any]:
        """The layers of the graph whose weights are masked."""
        layers = self.graph.layers
        kernels = [layer for layer in layers if isinstance(layer, NESTED_KERNELS)]
        return [layer for layer in kernels if layer.level_of is not None]

    def call(self, inputs: Any, training: bool | None = None) -> dict[str, Any]:
        flat = keras.tree.flatten(inputs)
        return {
            name: self.graph(
                [*flat, ops.convert_to_tensor(level, "int32")], training=training
            )
            for level, name in enumerate(self.level_names)
        }

    def level(self, level: int) -> keras.Model:
        """Returns one level as a plain Keras model of stock layers.

        Args:
            level: From 0, the sparsest, to `levels - 1`.

        Raises:
            NestError: If there is no such level.
        """
        level = check_level(level, self.levels)
        return level_graph(self.graph, level, f"{self.name}_level_{level}")

    # Training

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """As `keras.Model.compile`, with the loss and metrics of a single output.

        Every level gets the loss and its own copy of the metrics. A dict with the
        levels' names as keys gives each level its own. `loss_weights` defaults to the
        model's `level_weights`.
        """
        names = self.level_names
        loss = _by_level(loss, names)
        if loss is not None:
            self._output_kind = output_kind(loss[names[-1]])
            if loss_weights is None:
                loss_weights = dict(zip(names, self.level_weights, strict=True))
        super().compile(
            optimizer=optimizer,
            loss=loss,
            loss_weights=loss_weights,
            metrics=_metrics_by_level(metrics, names),
            weighted_metrics=_metrics_by_level(weighted_metrics, names),
            **kwargs,
        )

    def compile_from_config(self, config: dict[str, Any]) -> None:
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        loss = super().compute_loss(
            x,
            _spread(y, y_pred),
            y_pred,
            _spread(sample_weight, y_pred),
            training=training,
        )
        if not training or not self.distillation:
            return loss
        teacher = y_pred[self.level_names[-1]]
        students = zip(self.level_names[:-1], self.level_weights, strict=False)
        for name, weight in students:
            distance = divergence(teacher, y_pred[name], self._output_kind)
            loss = loss + self.distillation * weight * distance
        return loss

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        return super().compute_metrics(
            x, _spread(y, y_pred), y_pred, _spread(sample_weight, y_pred)
        )

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """As `keras.Model.fit`; takes ordinary data.

        While it trains, masks follow the model's schedule. At the end of the training
        the BatchNormalization statistics of every level are measured on about 4,000 of
        the training samples, unless `x` is a generator, which cannot be read twice.

        A training may be stopped, saved and continued with `initial_epoch`. Where the
        first call of `fit` has fewer `epochs` than the whole training, tell the
        schedule: `CubicRamp(epochs=...)`.
        """
        updates = MaskUpdates(self._schedule, self.steps_per_execution or 1)
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks.append(updates)
        else:
            callbacks = [updates, *keras.tree.flatten(callbacks or [])]
        history = super().fit(
            x, y, batch_size, epochs, verbose, callbacks, *args, **kwargs
        )
        if updates.finished or self.stop_training:
            self._recalibrate(recalibration_batches(x, batch_size or 256))
        return history

    @property
    def schedule(self) -> MaskSchedule:
        return self._schedule

    @schedule.setter
    def schedule(self, schedule: MaskSchedule) -> None:
        self._schedule = schedule
        self._progress.assign(0.0)

    @property
    def masks_frozen(self) -> bool:
        """Whether training has passed the end of the schedule."""
        reached = float(ops.convert_to_numpy(self._progress))
        return reached > 0 and reached >= self._schedule.end

    def update_masks(
        self,
        step: int | None = None,
        total_steps: int | None = None,
        stride: int = 1,
    ) -> None:
        """Ranks the weights anew; for training loops of one's own (`fit` does it).

        Call it before every step: it does nothing when the schedule has nothing to do.

        Args:
            step: Training step, from 0. None: now, at the full sparsities.
            total_steps: Number of steps of the whole training.
            stride: Distance to the step of the call before.
        """
        factor = 1.0
        if step is not None:
            if total_steps is None or not 0 <= step < total_steps:
                raise NestError(
                    "Expected a step below total_steps. "
                    f"Received: step={step}, total_steps={total_steps}"
                )
            if not self._schedule.is_due(step, total_steps, stride):
                return
            progress = step / total_steps
            factor = self._schedule.factor(progress)
            self._progress.assign(progress)
        for layer in self.nested_layers:
            layer.update_mask(factor)

    def recalibrate(self, x: Any, batch_size: int = 256) -> None:
        """Measures the BatchNormalization statistics of every level.

        Args:
            x: Inputs, or a dataset of them; about 4,000 samples are used, spread over
                all of `x` where it is an array.
            batch_size: Samples in one batch, where `x` is an array.
        """
        self._recalibrate(recalibration_batches(x, batch_size))

    def _recalibrate(self, batches: Any) -> None:
        layers = [
            layer
            for layer in self.graph.layers
            if isinstance(layer, NestedBatchNormalization)
        ]
        batches = list(batches)
        if not layers or not batches:
            return
        for layer in layers:
            layer.start_recalibration()
        try:
            for batch in batches:
                self(batch, training=False)
        finally:
            for layer in layers:
                layer.finish_recalibration()

    # Saving

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "trainable": self.trainable,
            "graph": keras.saving.serialize_keras_object(self.graph),
            "sparsities": list(self.sparsities),
            "level_weights": list(self.level_weights),
            "distillation": self.distillation,
            "schedule": keras.saving.serialize_keras_object(self._schedule),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        for key in ("graph", "schedule"):
            config[key] = keras.saving.deserialize_keras_object(
                config[key], custom_objects=custom_objects
            )
        return cls(config.pop("graph"), **config)


# `nest` and NestedModel have an argument of the function's name.
_level_weights = level_weights


def _by_level(value: Any, names: list[str]) -> dict[str, Any] | None:
    if value is None or (isinstance(value, dict) and set(value) == set(names)):
        return value
    return dict.fromkeys(names, value)


def _metrics_by_level(metrics: Any, names: list[str]) -> dict[str, Any] | None:
    """Copies of the metrics for every level: the state of one cannot serve two."""
    if metrics is None or (isinstance(metrics, dict) and set(metrics) == set(names)):
        return metrics
    if not isinstance(metrics, list | tuple):
        metrics = [metrics]
    return {name: [_copy_of(metric) for metric in metrics] for name in names}


def _copy_of(metric: Any) -> Any:
    if isinstance(metric, keras.metrics.Metric):
        return type(metric).from_config(metric.get_config())
    return metric


def _spread(value: Any, y_pred: dict[str, Any]) -> Any:
    """Gives every level the same labels or sample weights."""
    if value is None or (isinstance(value, dict) and set(value) == set(y_pred)):
        return value
    return dict.fromkeys(y_pred, value)
