"""Quantizing after training against quantization-aware fine-tuning.

Three ways from the same trained nested model to int8, with equal data and epochs:

- convert: `keras_nest.convert` at once;
- float: the same fine-tuning in float, then convert (what more epochs alone give);
- calibrated, learned: `keras_nest.quantization_aware`, ranges as measured or trained.

Learning rates are chosen on images held out of the training set; the test set is used
once, for the table, and runs in TensorFlow Lite Micro.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import keras
import nets
import numpy as np
from get_data import fashion_mnist
from rich.console import Console
from rich.table import Table

import keras_nest
from keras_nest import evaluation
from keras_nest.files import write_atomic

CONSOLE = Console()
RATE = 4e-3
WAYS = ("float", "calibrated", "learned")


def separable(module: Any) -> Any:
    """A small DS-CNN (Zhang et al., "Hello Edge", 2017) with ReLU6, 13,354 weights."""
    layers = module.layers

    def norm(x: Any, name: str) -> Any:
        x = layers.BatchNormalization(momentum=nets.MOMENTUM, name=f"{name}_norm")(x)
        return layers.ReLU(6.0, name=f"{name}_relu")(x)

    inputs = module.Input((28, 28, 1), name="image")
    first = layers.Conv2D(32, 3, 2, padding="same", use_bias=False, name="stem")
    x = norm(first(inputs), "stem")
    for i in range(4):
        strides = 2 if i == 1 else 1
        depthwise = layers.DepthwiseConv2D(
            3, strides, padding="same", use_bias=False, name=f"depthwise{i}"
        )
        x = norm(depthwise(x), f"depthwise{i}")
        pointwise = layers.Conv2D(48, 1, use_bias=False, name=f"pointwise{i}")
        x = norm(pointwise(x), f"pointwise{i}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = layers.Dense(10, activation="softmax", name="classes")(x)
    return module.Model(inputs, outputs, name="separable")


NETS = {**nets.NETS, "separable": separable}


def fit(model: Any, rate: float, epochs: int, x: Any, y: Any) -> Any:
    steps = epochs * -(-len(x) // 128)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps)),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(x, y, batch_size=128, epochs=epochs, verbose=0)
    return model


def fine_tuned(path: Path, way: str, rate: float, options: Any, x: Any, y: Any) -> Any:
    """The model behind `path`, fine-tuned, as a model that rounds."""
    keras.utils.set_random_seed(options.seed)
    model = keras.saving.load_model(path, compile=False)
    if way == "float":
        fit(model, rate, options.fine_tune_epochs, x, y)
    learned = way == "learned"
    aware = keras_nest.quantization_aware(model, x[:500], learn_ranges=learned)
    if way != "float":
        fit(aware, rate, options.fine_tune_epochs, x, y)
    return aware


def accuracies(model: Any, x: Any, y: Any) -> list[float]:
    levels: list[float] = evaluation.score_keras("", model, x, y)["levels"]
    return levels


def in_tflm(model: Any, x: Any, y: Any) -> list[float]:
    runs = evaluation.run_levels(keras_nest.convert(model), x).runs
    return [evaluation.score(run.outputs, x, y)[1] for run in runs]


def compare(options: Any) -> dict[str, Any]:
    (x, y), (x_test, y_test) = fashion_mnist(options.cache)
    x, x_test = (a[..., None].astype("float32") / 255 for a in (x, x_test))
    held_out = options.held_out
    x_val, y_val = x[-held_out:], y[-held_out:]
    x = x[:-held_out][: options.train_samples]
    y = y[: len(x)]
    x_test, y_test = x_test[: options.test_samples], y_test[: options.test_samples]
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{options.network}_seed{options.seed}.keras"
    keras.utils.set_random_seed(options.seed)
    if not path.exists():
        model = keras_nest.nest(NETS[options.network](keras), options.sparsities)
        fit(model, RATE, options.epochs, x, y).save(path)
    model = keras.saving.load_model(path, compile=False)
    plain = keras_nest.quantization_aware(model, x[:500])
    rows = {
        "in float": {
            "validation": accuracies(model, x_val, y_val),
            "test": accuracies(model, x_test, y_test),
        },
        "convert": {
            "validation": accuracies(plain, x_val, y_val),
            "test": in_tflm(plain, x_test, y_test),
        },
    }
    CONSOLE.print(rows, highlight=False)
    for way in WAYS:
        best: dict[str, Any] = {}
        for share in options.shares:
            start = time.perf_counter()
            tuned = fine_tuned(path, way, share * RATE, options, x, y)
            seconds = time.perf_counter() - start
            found = accuracies(tuned, x_val, y_val)
            CONSOLE.print(f"{way}, {share}: {found}, {seconds:.0f} s", highlight=False)
            if not best or np.mean(found) > np.mean(best["validation"]):
                best = {"validation": found, "share": share, "model": tuned}
        best["test"] = in_tflm(best.pop("model"), x_test, y_test)
        rows[way] = best
    return {
        "network": options.network,
        "sparsities": options.sparsities,
        "seed": options.seed,
        "epochs": options.epochs,
        "fine_tune_epochs": options.fine_tune_epochs,
        "train_samples": len(x),
        "held_out": held_out,
        "test_samples": len(x_test),
        "rows": rows,
    }


def print_table(report: dict[str, Any]) -> None:
    table = Table(title=f"{report['network']}: int8 in TFLM, test accuracy (%)")
    for name in ("way", *map(str, report["sparsities"]), "rate"):
        table.add_column(name, justify="right")
    for way, row in report["rows"].items():
        found = (f"{100 * value:.2f}" for value in row["test"])
        table.add_row(way, *found, str(row.get("share", "")))
    CONSOLE.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="compare_quantization", description=__doc__)
    parser.add_argument("--network", choices=NETS, default="quickstart")
    parser.add_argument("--sparsities", type=float, nargs="+", default=[0.9, 0.7, 0.0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=6, help="of training")
    parser.add_argument("--fine-tune-epochs", type=int, default=1)
    parser.add_argument(
        "--shares",
        type=float,
        nargs="+",
        default=[0.25, 0.1, 0.025],
        help="learning rates of the fine-tuning to try, as shares of the training's",
    )
    parser.add_argument(
        "--held-out", type=int, default=10_000, help="images to choose the rate on"
    )
    parser.add_argument("--train-samples", type=int, help="the first N only")
    parser.add_argument("--test-samples", type=int, help="the first N only")
    parser.add_argument("--out", type=Path, default=Path("out/quantization"))
    parser.add_argument("--cache", type=Path, default=Path(".cache"))
    options = parser.parse_args()
    report = compare(options)
    name = f"{options.network}_seed{options.seed}.json"
    write_atomic(options.out / name, json.dumps(report, indent=2).encode())
    print_table(report)


if __name__ == "__main__":
    main()
