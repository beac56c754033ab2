"""Prunes a net as tfmot's guide tells it. Runs with tf-keras, in a process of its own.

    TF_USE_LEGACY_KERAS=1 python -m compare_pruned.prune REQUESTS.json CACHE FOLDER

The training is that of the columns of `reproduce`: the same net, samples, batch size,
optimizer and epochs. Nothing here imports Keras 3.
"""

from __future__ import annotations

import importlib.metadata
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import nets
import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras
from reproduce import data

from compare_pruned.request import SAMPLES, SCHEDULES, Files, Request
from keras_nest import evaluation

FREQUENCY = 100  # steps from one ranking to the next: tfmot's default
PACKAGES = ("tensorflow-model-optimization", "tf-keras", "tensorflow", "numpy")


def main() -> None:
    requests, cache, folder = (Path(argument) for argument in sys.argv[1:])
    for facts in json.loads(requests.read_text()):
        request = Request.of(facts)
        run = request.run
        print(f"{run.name}: training with tfmot", flush=True)
        loaded = data.load(
            run.data,
            cache,
            validation=run.validation,
            train_samples=run.train_samples,
            quick=run.quick,
        )
        tflite, found = train(request, loaded)
        Files(folder, run.name).save(request, tflite, found)


def train(request: Request, loaded: data.Data) -> tuple[bytes, dict[str, Any]]:
    """Trains one level.

    Returns:
        The int8 .tflite, and what is known of the level.
    """
    tf_keras.utils.set_random_seed(request.run.seed)
    (x, y), sparsity = loaded.train, request.run.levels[0]
    steps = request.run.epochs * -(-len(x) // request.batch_size)
    dense = nets.NETS[request.run.network](tf_keras)
    pruned = wrapped(dense, request, steps) if sparsity else dense
    rate = tf_keras.optimizers.schedules.CosineDecay(request.learning_rate, steps)
    pruned.compile(
        tf_keras.optimizers.Adam(rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    callbacks = [tfmot.sparsity.keras.UpdatePruningStep()] if sparsity else []
    wall, cpu = time.perf_counter(), time.process_time()
    pruned.fit(
        x,
        y,
        batch_size=request.batch_size,
        epochs=request.run.epochs,
        callbacks=callbacks,
        verbose=2,
    )
    seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    model = tfmot.sparsity.keras.strip_pruning(pruned) if sparsity else pruned
    accuracy = {
        name: evaluation.score(model.predict(part[0], verbose=0), *part)[1]
        for name, part in (("validation", loaded.validation), ("test", loaded.test))
    }
    return convert(model, x), {
        **accuracy,
        "sparsities": sparsities(model, request.pruned),
        "training": {
            "seconds": round(seconds, 1),
            "cpu_seconds": round(cpu_seconds, 1),
            "peak_megabytes": round(
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            ),
            "samples": len(x),
        },
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def wrapped(model: Any, request: Request, steps: int) -> Any:
    """The model with `prune_low_magnitude` around the layers to prune."""

    def wrap(layer: Any) -> Any:
        if layer.name not in request.pruned:
            return layer
        return tfmot.sparsity.keras.prune_low_magnitude(
            layer, pruning_schedule=schedule(request, steps)
        )

    return tf_keras.models.clone_model(model, clone_function=wrap)


def schedule(request: Request, steps: int) -> Any:
    """tfmot's schedule for a training of so many steps.

    It ranks at multiples of the frequency only: the last one must be at the end, or the
    sparsity asked for would never be reached.
    """
    begin = round(request.begin * steps)
    last = max(round(request.end * steps), begin + 1)
    frequency = min(FREQUENCY, last - begin)
    last -= (last - begin) % frequency
    kind = getattr(tfmot.sparsity.keras, SCHEDULES[request.run.variant])
    sparsity = request.run.levels[0]
    if kind is tfmot.sparsity.keras.ConstantSparsity:
        return kind(sparsity, begin, last, frequency)
    return kind(0.0, sparsity, begin, last, frequency=frequency)


def convert(model: Any, x: Any) -> bytes:
    """The int8 .tflite, inputs and outputs too, as TensorFlow's guide tells it."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([one[None]] for one in x[:SAMPLES])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def sparsities(model: Any, pruned: tuple[str, ...]) -> dict[str, float]:
    """Share of zeros in the kernels of the layers that were to be pruned."""
    kernels = {name: model.get_layer(name).kernel.numpy() for name in pruned}
    return {name: float(np.mean(kernel == 0)) for name, kernel in kernels.items()}


if __name__ == "__main__":
    main()
