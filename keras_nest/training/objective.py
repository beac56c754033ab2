"""What training minimizes and what it shows: the losses and metrics of all levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_nest import masks
from keras_nest.layers.line import LineKernel
from keras_nest.training import losses, per_level, slots
from keras_nest.training.replicas import part_of_mean, whole
from keras_nest.training.sampling import LevelSampler, level_sampler


class LevelObjective(keras.Model):
    """Base of `NestedModel`: compiled with one loss, trained with that of every level.

    Its `call` returns the outputs of all levels, or those of some of them, see
    `keras_nest.training.slots`.

    Args:
        sparsities: The asked sparsity of each level, falling.
        level_weights, distillation, levels_per_step, seed, line_penalty: See
            `NestedModel`.
    """

    def __init__(
        self,
        *,
        sparsities: Sequence[float],
        level_weights: str | Sequence[float],
        distillation: float | str,
        levels_per_step: int | LevelSampler | None,
        seed: int | None,
        line_penalty: float,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.sparsities = tuple(masks.check_sparsities(sparsities))
        self.levels = len(self.sparsities)
        self.level_weights = losses.level_weights(level_weights, self.sparsities)
        self.distillation = losses.distillation_weight(distillation)
        self._distills_only = distillation == losses.ONLY
        self._line_penalty = line_penalty
        self._output_kind = "values"
        self._sampler = level_sampler(levels_per_step, self.levels, self.distillation)
        self._seed = seed
        self._slot_losses: list[Any] = []
        if self._sampler is not None:
            self._draws = keras.random.SeedGenerator(seed)
            self._slot_losses = [
                keras.metrics.Mean(name=f"drawn_{name}") for name in self.level_names
            ]

    @property
    def level_names(self) -> list[str]:
        """The keys of the outputs, sparsest level first."""
        return [f"level_{level}" for level in range(self.levels)]

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        jit_compile: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        """As `keras.Model.compile`, with the loss and metrics of a single output.

        Every level gets the loss and its own copy of the metrics. A dict with the
        levels' names as keys gives each level its own. `loss_weights` defaults to the
        model's `level_weights`.

        Where steps run some of the levels only, all levels have one loss, what is shown
        for a level in training is the mean over the steps that ran it (0 if none did),
        and metrics weigh the samples as `weighted_metrics` do.

        `jit_compile="auto"` does not compile with TensorFlow on a CPU, where XLA's
        convolutions take twice the time of those of its graphs.
        """
        names = self.level_names
        loss = per_level.by_level(loss, names)
        if loss is not None:
            self._output_kind = losses.output_kind(loss[names[-1]])
            if loss_weights is None:
                loss_weights = dict(zip(names, self.level_weights, strict=True))
                if self._distills_only and self._sampler is None:
                    loss_weights.update(dict.fromkeys(names[:-1], 0.0))
        metrics = per_level.metrics_by_level(metrics, names)
        weighted_metrics = per_level.metrics_by_level(weighted_metrics, names)
        if self._sampler is not None and loss is not None:
            self._slot_loss = slots.single_loss(loss)
            self._loss_weights = per_level.in_level_order(loss_weights, names)
            # Weights of 0 leave levels out that a step does not run.
            metrics, weighted_metrics = (
                None,
                per_level.joined(metrics, weighted_metrics, names),
            )
        super().compile(
            optimizer=optimizer,
            loss=loss,
            loss_weights=loss_weights,
            metrics=metrics,
            weighted_metrics=weighted_metrics,
            jit_compile=_default_jit() if jit_compile == "auto" else jit_compile,
            **kwargs,
        )

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        if slots.are_slots(y_pred):
            return self._loss_of_slots(y, y_pred, sample_weight)
        loss = super().compute_loss(
            x,
            per_level.spread(y, y_pred),
            y_pred,
            per_level.spread(sample_weight, y_pred),
            training=training,
        )
        if training:
            loss = loss + self._penalty()
        if not training or not self.distillation:
            return loss
        teacher = y_pred[self.level_names[-1]]
        weights = per_level.spread(sample_weight, y_pred) or {}
        students = zip(self.level_names[:-1], self.level_weights, strict=False)
        for name, weight in students:
            distance = losses.divergence(
                teacher, y_pred[name], self._output_kind, weights.get(name)
            )
            loss = loss + part_of_mean(self.distillation * weight * distance)
        return loss

    def _loss_of_slots(self, y: Any, y_pred: Any, sample_weight: Any) -> Any:
        """The loss of a training step that ran some of the levels."""
        outputs = slots.slots_of(y_pred)
        weights = slots.slot_weights(y_pred, self._loss_weights)
        of_slots = [self._slot_loss(y, output, sample_weight) for output in outputs]
        shown = [whole(value) for value in of_slots]
        slots.note(self._slot_losses, y_pred[slots.LEVELS], shown)
        labelled = range(len(of_slots) - 1 if self._distills_only else 0, len(of_slots))
        loss = sum(weights[slot] * of_slots[slot] for slot in labelled)
        if self.distillation:
            for slot, student in enumerate(outputs[:-1]):
                distance = losses.divergence(
                    outputs[-1], student, self._output_kind, sample_weight
                )
                loss = loss + part_of_mean(self.distillation * weights[slot] * distance)
        # As in Keras: regularization and what layers have added.
        added = (
            part_of_mean(ops.sum(ops.cast(one, loss.dtype))) for one in self.losses
        )
        return sum(added, loss + self._penalty())

    def _penalty(self) -> Any:
        lines = [one for one in self.nested_layers if isinstance(one, LineKernel)]
        if not lines or not self._line_penalty:
            return 0.0
        penalty = losses.line_penalty(
            [(layer.kernel_sparse, layer.kernel) for layer in lines]
        )
        return part_of_mean(self._line_penalty * penalty)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        if slots.are_slots(y_pred):
            names = self.level_names
            outputs = slots.by_level(y_pred, names)
            weights = slots.sample_weights(y_pred, names, y, sample_weight)
            return super().compute_metrics(
                x, per_level.spread(y, outputs), outputs, weights
            )
        return super().compute_metrics(
            x,
            per_level.spread(y, y_pred),
            y_pred,
            per_level.spread(sample_weight, y_pred),
        )

    def get_metrics_result(self) -> dict[str, Any]:
        results = super().get_metrics_result()
        for name, tracker in zip(self.level_names, self._slot_losses, strict=False):
            drawn = results.pop(tracker.name)
            loss = results.get(f"{name}_loss", 0.0)
            results[f"{name}_loss"] = ops.where(tracker.count > 0, drawn, loss)
        return results


def _default_jit() -> bool | str:
    if keras.backend.backend() != "tensorflow":
        return "auto"
    import tensorflow as tf

    return "auto" if tf.config.list_logical_devices("GPU") else False
