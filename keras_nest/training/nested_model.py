"""The model that `nest` makes: several sub-networks in one set of weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_nest.errors import NestError
from keras_nest.levels import check_level
from keras_nest.nesting.graph import level_graph
from keras_nest.nesting.kinds import NESTED_KERNELS
from keras_nest.summary import print_summary
from keras_nest.training import losses, slots
from keras_nest.training.batches import SeededBatches, recalibration_batches
from keras_nest.training.callbacks import ContinuedOrder, MaskUpdates, StopOnNaN
from keras_nest.training.ending import is_over, warn_of_pause, warn_of_short_ramp
from keras_nest.training.monitors import MonitorModes
from keras_nest.training.objective import LevelObjective
from keras_nest.training.ranking import RankedMasks
from keras_nest.training.recalibration import recalibrate
from keras_nest.training.replicas import check_strategy
from keras_nest.training.sampling import LevelSampler
from keras_nest.training.schedules import MaskSchedule

_DRAWS = "draws"


@keras.saving.register_keras_serializable(package="keras_nest")
class NestedModel(LevelObjective, RankedMasks):
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
        super().__init__(
            sparsities=sparsities,
            level_weights=level_weights,
            distillation=distillation,
            levels_per_step=levels_per_step,
            seed=seed,
            line_penalty=line_penalty,
            schedule=schedule,
            **kwargs,
        )
        self.graph = graph
        self.built = True

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
                slots.slot_name(slot): self._run_level(flat, drawn[slot], True)
                for slot in range(self._sampler.slots)
            }
            return {**outputs, slots.LEVELS: drawn}
        return {
            name: self._run_level(flat, ops.convert_to_tensor(level, "int32"), training)
            for level, name in enumerate(self.level_names)
        }

    def _run_level(self, inputs: list[Any], level: Any, training: bool | None) -> Any:
        """The output of one level.

        Args:
            inputs: In the graph's order.
            level: int32 scalar tensor.
            training: As of `call`.
        """
        return self.graph([*inputs, level], training=training)

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
        level = check_level(level, self.levels)
        return level_graph(self.graph, level, f"{self.name}_level_{level}")

    def summary(self, print_fn: Any = None, **kwargs: Any) -> None:
        """Prints what each level costs: sparsity, non-zeros, MACs, packed bytes.

        Args:
            print_fn: Called with the table as text; default: print it on the terminal.
            **kwargs: Taken and not used: the layout arguments of `keras.Model.summary`.
        """
        print_summary(self, print_fn)

    # Training

    def compile_from_config(self, config: dict[str, Any]) -> None:
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

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

        A training may be stopped, saved and continued with `initial_epoch`, or by
        `BackupAndRestore`. Where the first call of `fit` has fewer `epochs` than the
        whole training, tell the schedule: `CubicRamp(epochs=...)`. With data in the
        same order (`SeededBatches`) the losses are those of a training that was not
        stopped, but for models with Dropout, whose random numbers start anew.

        Where a callback stops it (`EarlyStopping`), the training has ended, unless the
        schedule has `epochs`; a warning says what is left to do then, or that masks had
        not been as sparse as asked.
        """
        check_strategy(getattr(self, "distribute_strategy", None))
        updates = MaskUpdates(self._schedule, self.steps_per_execution or 1)
        if isinstance(callbacks, keras.callbacks.CallbackList):
            # Keras makes a list of its own again and gives it the model.
            callbacks = callbacks.callbacks
        given = keras.tree.flatten(callbacks or [])
        modes = MonitorModes(given, self.level_names)
        callbacks = [updates, StopOnNaN(), modes, *given]
        if isinstance(x, SeededBatches):
            first_epoch = kwargs.get("initial_epoch", 0)
            callbacks.insert(0, ContinuedOrder(x, first_epoch))
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
        if is_over(updates, self.stop_training):
            if not self.masks_frozen:
                warn_of_short_ramp(updates, self.mask_progress)
                self._freeze_masks()
            # As in Keras: validation data of its own is taken before a split.
            split = validation_split if validation_data is None else 0.0
            batches = recalibration_batches(x, batch_size or 256, split)
            recalibrate(self, self.graph, batches)
        elif self.stop_training:
            warn_of_pause(updates, self.masks_frozen)
        return history

    def recalibrate(self, x: Any, batch_size: int = 256) -> None:
        """Measures the BatchNormalization statistics of every level.

        Frozen layers (`trainable=False`) and fixed statistics stay as they are.

        Args:
            x: Inputs, or a dataset of them; about 4,000 samples are used, spread over
                all of `x` where it is an array.
            batch_size: Samples in one batch, where `x` is an array.
        """
        recalibrate(self, self.graph, recalibration_batches(x, batch_size))

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
