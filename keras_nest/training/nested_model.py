"""The model that `nest` makes: several sub-networks in one set of weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_nest import masks
from keras_nest.errors import NestError
from keras_nest.layers import NestedBatchNormalization
from keras_nest.layers.line import LineKernel
from keras_nest.nesting.graph import NESTED_KERNELS, level_graph
from keras_nest.summary import print_summary
from keras_nest.training import losses, per_level, slots
from keras_nest.training.batches import SeededBatches, recalibration_batches
from keras_nest.training.callbacks import MaskUpdates, StopOnNaN
from keras_nest.training.sampling import LevelSampler, level_sampler
from keras_nest.training.schedules import MaskSchedule
from keras_nest.training.step_schedules import mask_schedule

_NOT_STARTED = -1.0
_DRAWS = "draws"


@keras.saving.register_keras_serializable(package="keras_nest")
class NestedModel(keras.Model):
    """A model with several levels: one graph whose last input is the level.

    Made by `nest`. It is called with the inputs of the model that was nested and
    returns a dict of the outputs of all levels, `{"level_0": ..., "level_1": ...}`.
    A dict of inputs is read by the names of the inputs, in any order. `compile` and
    `fit` take what they take for the model that was nested; losses and metrics are
    shown for each level by name.

    Where `nest` was told so, a training step runs some of the levels only; a call with
    `training=True` then returns their outputs and which they are, see
    `keras_nest.training.slots`. Evaluation and prediction always run all levels.

    Args:
        graph: Functional model; its last input is the level, an int32 scalar.
        sparsities: The asked sparsity of each level, falling.
        level_weights, distillation, schedule, levels_per_step, seed: See `nest`.
        line_penalty: Weight of `training.losses.line_penalty` in training, for models
            whose levels lie on a line.

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
        level_weights: str | Sequence[float] = "sparsest-twice",
        distillation: float | str = 1.0,
        schedule: MaskSchedule | None = None,
        levels_per_step: int | LevelSampler | None = None,
        seed: int | None = None,
        line_penalty: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.graph = graph
        self.sparsities = tuple(masks.check_sparsities(sparsities))
        self.levels = len(self.sparsities)
        self.level_weights = losses.level_weights(level_weights, self.sparsities)
        self.distillation = losses.distillation_weight(distillation)
        self._distills_only = distillation == losses.ONLY
        self._schedule = mask_schedule(schedule)
        self._output_kind = "values"
        self._sampler = level_sampler(levels_per_step, self.levels, self.distillation)
        self._slot_losses: list[Any] = []
        self._seed = seed
        self._line_penalty = line_penalty
        if self._sampler is not None:
            self._draws = keras.random.SeedGenerator(seed)
            self._slot_losses = [
                keras.metrics.Mean(name=f"drawn_{name}") for name in self.level_names
            ]
        self._progress = self.add_weight(
            name="progress",
            shape=(),
            initializer=keras.initializers.Constant(_NOT_STARTED),
            trainable=False,
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
        return [layer for layer in kernels if layer.masked]

    def call(self, inputs: Any, training: bool | None = None) -> dict[str, Any]:
        flat = self._in_order(inputs)
        if training and self._sampler is not None:
            drawn = self._sampler.draw(self.levels, self._draws)
            outputs = {
                slots.slot_name(slot): self.graph([*flat, drawn[slot]], training=True)
                for slot in range(self._sampler.slots)
            }
            return {**outputs, slots.LEVELS: drawn}
        return {
            name: self.graph(
                [*flat, ops.convert_to_tensor(level, "int32")], training=training
            )
            for level, name in enumerate(self.level_names)
        }

    def _in_order(self, inputs: Any) -> list[Any]:
        """The inputs in the graph's order; a dict by name, which Keras would sort."""
        if not isinstance(inputs, dict):
            return keras.tree.flatten(inputs)
        names = [tensor.name for tensor in self.graph.inputs[:-1]]
        if set(names) <= set(inputs):
            return [inputs[name] for name in names]
        if len(names) == len(inputs) == 1:
            return list(inputs.values())
        raise NestError(
            f"Expected a dict with the model's inputs {names}. "
            f"Received: {sorted(inputs)}"
        )

    def level(self, level: int) -> keras.Model:
        """Returns one level as a plain Keras model of stock layers.

        Args:
            level: From 0, the sparsest, to `levels - 1`.

        Raises:
            NestError: If there is no such level.
        """
        level = masks.check_level(level, self.levels)
        return level_graph(self.graph, level, f"{self.name}_level_{level}")

    def summary(self, print_fn: Any = None, **kwargs: Any) -> None:
        """Prints what each level costs: sparsity, non-zeros, MACs, packed bytes.

        Args:
            print_fn: Called with the table as text; default: print it on the terminal.
            **kwargs: Taken and not used: the layout arguments of `keras.Model.summary`.
        """
        print_summary(self, print_fn)

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

        Where steps run some of the levels only, all levels have one loss, what is shown
        for a level in training is the mean over the steps that ran it (0 if none did),
        and metrics weigh the samples as `weighted_metrics` do.
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
            loss = loss + self.distillation * weight * distance
        return loss

    def _loss_of_slots(self, y: Any, y_pred: Any, sample_weight: Any) -> Any:
        """The loss of a training step that ran some of the levels."""
        outputs = slots.slots_of(y_pred)
        weights = slots.slot_weights(y_pred, self._loss_weights)
        of_slots = [self._slot_loss(y, output, sample_weight) for output in outputs]
        slots.note(self._slot_losses, y_pred[slots.LEVELS], of_slots)
        labelled = range(len(of_slots) - 1 if self._distills_only else 0, len(of_slots))
        loss = sum(weights[slot] * of_slots[slot] for slot in labelled)
        if self.distillation:
            for slot, student in enumerate(outputs[:-1]):
                distance = losses.divergence(
                    outputs[-1], student, self._output_kind, sample_weight
                )
                loss = loss + self.distillation * weights[slot] * distance
        # As in Keras: regularization and what layers have added.
        added = (ops.sum(ops.cast(one, loss.dtype)) for one in self.losses)
        return sum(added, loss + self._penalty())

    def _penalty(self) -> Any:
        lines = [one for one in self.nested_layers if isinstance(one, LineKernel)]
        if not lines or not self._line_penalty:
            return 0.0
        return self._line_penalty * losses.line_penalty(
            [(layer.kernel_sparse, layer.kernel) for layer in lines]
        )

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

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """As `keras.Model.fit`; takes ordinary data.

        While it trains, masks follow the model's schedule. At its end, and at that of
        the training at the latest, they are frozen, and later calls of `fit` leave them
        so. Data of unknown length is measured in the first epoch, in which masks do not
        change; training with one such epoch is dense until its end, with a warning.

        At the end of the training the statistics of every level's BatchNormalization
        are measured on about 4,000 of the training samples, without those of
        `validation_split`, unless `x` is an iterator, which cannot be read twice.
        Frozen layers (`trainable=False`) keep their statistics. `sample_weight` weighs
        the distillation as it weighs the losses. A loss that is not finite ends the
        training with an error that names the levels.

        A training may be stopped, saved and continued with `initial_epoch`. Where the
        first call of `fit` has fewer `epochs` than the whole training, tell the
        schedule: `CubicRamp(epochs=...)`. With data in the same order (`SeededBatches`)
        the losses are those of a training that was not stopped, but for models with
        Dropout, whose random numbers start anew.
        """
        updates = MaskUpdates(self._schedule, self.steps_per_execution or 1)
        if isinstance(callbacks, keras.callbacks.CallbackList):
            # Keras makes a list of its own again and gives it the model.
            callbacks = callbacks.callbacks
        callbacks = [updates, StopOnNaN(), *keras.tree.flatten(callbacks or [])]
        history = super().fit(
            x,
            y,
            batch_size=batch_size,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_split=validation_split,
            validation_data=validation_data,
            # Keras would shuffle the batches of an order that is meant to be kept.
            shuffle=shuffle and not isinstance(x, SeededBatches),
            **kwargs,
        )
        stopped = self.stop_training and self._schedule.epochs is None
        if updates.finished or stopped:
            if not self.masks_frozen:
                self._rank(1.0, self._schedule.regrow)
                self._progress.assign(1.0)
            # As in Keras: validation data of its own is taken before a split.
            split = validation_split if validation_data is None else 0.0
            self._recalibrate(recalibration_batches(x, batch_size or 256, split))
        return history

    @property
    def schedule(self) -> MaskSchedule:
        return self._schedule

    @schedule.setter
    def schedule(self, schedule: MaskSchedule) -> None:
        self._schedule = mask_schedule(schedule)
        self._progress.assign(_NOT_STARTED)

    @property
    def masks_frozen(self) -> bool:
        """Whether training has passed the end of the schedule, or has ended."""
        return float(ops.convert_to_numpy(self._progress)) >= self._schedule.end

    def update_masks(
        self,
        step: int | None = None,
        total_steps: int | None = None,
        stride: int = 1,
    ) -> None:
        """Ranks the weights anew; for training loops of one's own (`fit` does it).

        Call it before every step: it does nothing when the schedule has nothing to do.
        From the first step at or after the schedule's end, masks are frozen.

        Args:
            step: Training step, from 0; may go beyond `total_steps`. None: now, at the
                full sparsities.
            total_steps: Number of steps of the whole training.
            stride: Distance to the step of the call before.
        """
        if step is None:
            self._rank(1.0, regrow=True)
            return
        if total_steps is None or total_steps < 1 or step < 0:
            raise NestError(
                "Expected a step of at least 0 and a number of total_steps. "
                f"Received: step={step}, total_steps={total_steps}"
            )
        past_end = step >= self._schedule.end_step(total_steps)
        unfinished = past_end and not self.masks_frozen
        if unfinished or self._schedule.is_due(step, total_steps, stride):
            factor = self._schedule.factor_at(step, total_steps)
            self._rank(factor, self._schedule.regrow)
            progress = min(step / total_steps, 1.0)
            self._progress.assign(
                max(progress, self._schedule.end) if past_end else progress
            )

    def _rank(self, factor: float, regrow: bool) -> None:
        for layer in self.nested_layers:
            layer.update_mask(factor, regrow)

    def recalibrate(self, x: Any, batch_size: int = 256) -> None:
        """Measures the BatchNormalization statistics of every level.

        Frozen layers (`trainable=False`) and fixed statistics stay as they are.

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
            if isinstance(layer, NestedBatchNormalization) and layer.measures
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

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        if self._sampler is not None:
            # Keras does not save the state of random numbers.
            store[_DRAWS] = ops.convert_to_numpy(self._draws.state)

    def load_own_variables(self, store: Any) -> None:
        names = list(store.keys())
        if self._sampler is not None and _DRAWS in names:
            self._draws.state.assign(store[_DRAWS])
        super().load_own_variables({n: store[n] for n in names if n != _DRAWS})

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "trainable": self.trainable,
            "graph": keras.saving.serialize_keras_object(self.graph),
            "sparsities": list(self.sparsities),
            "level_weights": list(self.level_weights),
            "distillation": losses.ONLY if self._distills_only else self.distillation,
            "schedule": keras.saving.serialize_keras_object(self._schedule),
            "levels_per_step": keras.saving.serialize_keras_object(self._sampler),
            "seed": self._seed,
            "line_penalty": self._line_penalty,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        for key in ("graph", "schedule", "levels_per_step"):
            config[key] = keras.saving.deserialize_keras_object(
                config.get(key), custom_objects=custom_objects
            )
        return cls(config.pop("graph"), **config)
