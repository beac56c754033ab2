"""Losses under tf.distribute, where each replica has a part of the batch.

Keras lets a replica's loss be its part of the mean over all of them: what it computes
itself, from the samples or the weights, is divided by their number, and gradients are
summed. A loss that is added to Keras' own must be divided as well. On JAX one program
computes the loss of the whole batch.
"""

from __future__ import annotations

from typing import Any

import keras

from keras_nest.errors import NestError


def replicas() -> int:
    """How many replicas run a step together."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def part_of_mean(loss: Any) -> Any:
    """A replica's mean as its part of the mean over all replicas."""
    count = replicas()
    return loss if count == 1 else loss / count


def whole(loss: Any) -> Any:
    """The replica's mean of what Keras or `part_of_mean` made a part."""
    count = replicas()
    return loss if count == 1 else loss * count


def check_strategy(strategy: Any) -> None:
    """Refuses to train with several workers, where Keras' `fit` fails.

    Args:
        strategy: A tf.distribute strategy, or None on other backends.

    Raises:
        NestError: If it has several workers.
    """
    resolver = getattr(strategy, "cluster_resolver", None)
    jobs = resolver.cluster_spec().as_dict() if resolver is not None else {}
    workers = sum(len(tasks) for tasks in jobs.values())
    if workers > 1:
        raise NestError(
            f"Expected a strategy of one machine. Received: {workers} workers, with "
            "which the fit of Keras 3 fails (keras-team/keras issue 20585)",
            hint="On one machine: tf.distribute.MirroredStrategy. Over several: the "
            "JAX backend with keras.distribution.DataParallel.",
        )
