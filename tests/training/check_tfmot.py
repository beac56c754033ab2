"""Real schedules of tfmot in `nest`; run by test_tfmot.py in a Python that has tfmot.

Prints how many schedules were compared, and the sparsities that training reached.
"""

from __future__ import annotations

import json
from typing import Any

# tfmot first, as the order that changes most: it turns tf.keras into tf-keras.
import tensorflow_model_optimization as tfmot  # isort: skip
import keras
import numpy as np
import tensorflow as tf

import keras_nest
from keras_nest.training.step_schedules import mask_schedule

SPARSITIES = (0.75, 0.5)
STEPS, EPOCHS = 8, 3


def compare(theirs: Any, final: float, last: int) -> None:
    """At the steps at which tfmot ranks, ours does, to the same sparsity.

    Ours ranks before the first step as well, and once more at the end, where tfmot
    would stay short of the asked sparsity.
    """
    total = last + 20
    ours = mask_schedule(theirs)
    due = {step for step in range(total) if ours.is_due(step, total)}
    for step in range(total):
        ranks, sparsity = theirs(tf.constant(step))
        if ranks:
            assert step in due, (vars(theirs), step)
            found = ours.factor_at(step, total) * final
            np.testing.assert_allclose(found, float(sparsity), rtol=1e-5)
    ranked = {step for step in range(total) if theirs(tf.constant(step))[0]}
    assert due - ranked <= {0, last}, vars(theirs)


def compare_many(count: int) -> int:
    rng = np.random.default_rng(0)
    for _ in range(count):
        begin, length, every = rng.integers(0, 20), rng.integers(1, 60), rng.integers(9)
        final = round(float(rng.uniform(0.3, 0.95)), 2)
        last = int(begin + length)
        initial = round(float(rng.uniform(0, final)), 2)
        every = int(every) + 1
        decay = tfmot.sparsity.keras.PolynomialDecay(
            initial, final, int(begin), last, int(rng.integers(1, 5)), every
        )
        compare(decay, final, last)
        constant = tfmot.sparsity.keras.ConstantSparsity(final, int(begin), last, every)
        compare(constant, final, last)
    return 2 * count


def train(schedule: Any) -> list[list[float]]:
    """Trains, saves, loads and converts; the zeros of each layer at each level."""
    base = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(4, activation="softmax"),
        ]
    )
    model = keras_nest.nest(base, SPARSITIES, pattern="element", schedule=schedule)
    model.compile("adam", "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(16 * STEPS, 8)).astype("float32")
    model.fit(x, rng.integers(0, 4, len(x)), batch_size=16, epochs=EPOCHS, verbose=0)
    model.save("nested.keras")
    loaded = keras.saving.load_model("nested.keras")
    assert loaded.schedule.get_config() == mask_schedule(schedule).get_config()
    facts = keras_nest.describe(keras_nest.convert(model, x))
    assert facts.levels == len(SPARSITIES)
    return [
        [float(1 - layer.active(level).mean()) for level in range(len(SPARSITIES))]
        for layer in model.nested_layers
    ]


def main() -> None:
    assert keras.__version__.startswith("3.")
    assert tf.keras.layers.Dense.__module__.startswith("tf_keras.")
    last = STEPS * EPOCHS - 2
    schedules = tfmot.sparsity.keras
    reached = {
        "PolynomialDecay": train(
            schedules.PolynomialDecay(0.2, 0.8, 2, last, frequency=3)
        ),
        "ConstantSparsity": train(schedules.ConstantSparsity(0.8, 2, frequency=3)),
    }
    print(json.dumps({"compared": compare_many(20), "reached": reached}))


if __name__ == "__main__":
    main()
