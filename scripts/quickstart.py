"""Trains, converts and runs a nested net on Fashion-MNIST; see scripts/quickstart."""

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
from keras_nest import evaluation, reporting
from keras_nest.files import write_atomic

SPARSITIES = (0.9, 0.7, 0.0)
CONSOLE = Console()


def network() -> keras.Model:
    """A residual net of about 20,000 parameters for 28x28 grey images."""
    return nets.fashion(keras)


def compile_and_fit(
    model: keras.Model, x: np.ndarray, y: np.ndarray, epochs: int
) -> None:
    steps = epochs * -(-len(x) // 128)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(4e-3, steps)),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,  # on a CPU XLA's convolutions take twice the time
    )
    model.fit(x, y, batch_size=128, epochs=epochs, verbose=2)


def float_accuracy(model: keras.Model, x: np.ndarray, y: np.ndarray) -> list[float]:
    levels: list[float] = evaluation.score_keras("", model, x, y)["levels"]
    return levels


def rivals(x: Any, y: Any, x_test: Any, y_test: Any, options: Any) -> dict[str, float]:
    """What a user would train instead: the net dense, and the sparsest level alone."""
    CONSOLE.rule("rival: the same net, dense, alone")
    keras.utils.set_random_seed(options.seed)
    dense = network()
    compile_and_fit(dense, x, y, options.epochs)
    CONSOLE.rule(f"rival: the same net at sparsity {SPARSITIES[0]}, alone")
    keras.utils.set_random_seed(options.seed)
    alone = keras_nest.nest(network(), sparsities=SPARSITIES[:1])
    compile_and_fit(alone, x, y, options.epochs)
    return {
        "dense alone": float_accuracy(dense, x_test, y_test)[0],
        f"sparsity {SPARSITIES[0]} alone": float_accuracy(alone, x_test, y_test)[0],
    }


def equal_to_extracted(
    tflite: bytes, runs: list[evaluation.LevelRun], x: np.ndarray
) -> list[bool]:
    """Whether each level gave the bytes of its extracted plain model in TFLM."""
    same = []
    for run in runs:
        assert run.level is not None
        plain = keras_nest.extract(tflite, run.level)
        with reporting.progress() as bar:
            outputs = evaluation.run_levels(plain, x, progress=bar).runs[0].outputs
        same.append(bool(np.array_equal(outputs, run.outputs)))
    return same


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1. Received: {value}")
    return value


def main() -> None:
    parser = argparse.ArgumentParser(prog="quickstart", description=__doc__)
    parser.add_argument("--epochs", type=positive, default=6, help="default: 6")
    parser.add_argument(
        "--out", type=Path, default=Path("out/quickstart"), help="folder of the results"
    )
    parser.add_argument(
        "--cache", type=Path, default=Path(".cache"), help="folder of fetched data"
    )
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    parser.add_argument(
        "--train-samples", type=positive, help="train on the first N only"
    )
    parser.add_argument(
        "--test-samples", type=positive, help="test on the first N only"
    )
    parser.add_argument(
        "--with-rivals",
        action="store_true",
        help="train the dense net and the sparsest level alone as well",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="run each level's extracted plain model too and compare every byte",
    )
    options = parser.parse_args()
    start = time.perf_counter()
    options.out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(options.seed)

    (x, y), (x_test, y_test) = fashion_mnist(options.cache)
    x, y = x[: options.train_samples], y[: options.train_samples]
    x_test, y_test = x_test[: options.test_samples], y_test[: options.test_samples]
    x, x_test = (a[..., None].astype("float32") / 255 for a in (x, x_test))

    CONSOLE.rule("train, dense at first")
    dense, dense_epochs = network(), options.epochs // 3
    if dense_epochs:
        compile_and_fit(dense, x, y, dense_epochs)
    CONSOLE.rule("train all levels")
    model = keras_nest.nest(dense, sparsities=SPARSITIES, recipe="best")
    compile_and_fit(model, x, y, options.epochs - dense_epochs)
    model.summary()
    model.save(options.out / "model.keras")
    accuracy = float_accuracy(model, x_test, y_test)

    CONSOLE.rule("convert")
    np.save(options.out / "samples.npy", x[:500])
    tflite = keras_nest.convert(model, x[:500], target="cortex-m4")
    tflite.save(options.out / "model.tflite")
    np.savez(options.out / "test.npz", x=x_test, y=y_test)
    reporting.print_conversion(tflite.report)

    CONSOLE.rule("run in TensorFlow Lite Micro")
    with reporting.progress() as bar:
        results = evaluation.run_levels(tflite, x_test, progress=bar)
    facts = keras_nest.describe(tflite)
    rows = []
    for run in results.runs:
        level = run.level or 0
        rows.append(
            {
                "level": level,
                "sparsity": SPARSITIES[level],
                "accuracy_float": accuracy[level],
                "accuracy_int8": evaluation.score(run.outputs, x_test, y_test)[1],
                "macs": facts.macs[level],
            }
        )
    report: dict[str, Any] = {
        "levels": rows,
        "packed_bytes": facts.packed_bytes,
        "dense_bytes": facts.dense_bytes,
        "tflite_bytes": len(tflite),
        "epochs": options.epochs,
        "dense_epochs": dense_epochs,
        "seed": options.seed,
        "test_samples": len(x_test),
    }
    if options.check:
        report["equal_to_extracted"] = equal_to_extracted(tflite, results.runs, x_test)
    if options.with_rivals:
        report["rivals"] = rivals(x, y, x_test, y_test, options)
    report["seconds"] = round(time.perf_counter() - start, 1)

    write_atomic(options.out / "report.json", json.dumps(report, indent=2).encode())
    plot(report, options.out / "accuracy.png")
    print_table(report)
    CONSOLE.print(
        f"Wrote {options.out}/: model.keras model.tflite samples.npy test.npz "
        "report.json accuracy.png"
    )


def print_table(report: dict[str, Any]) -> None:
    table = Table(title="One .tflite, three networks (Fashion-MNIST)")
    for name in ("level", "sparsity", "float (Keras)", "int8 (TFLM)", "MACs"):
        table.add_column(name, justify="right")
    for row in report["levels"]:
        table.add_row(
            str(row["level"]),
            f"{row['sparsity']:.1f}",
            f"{100 * row['accuracy_float']:.2f} %",
            f"{100 * row['accuracy_int8']:.2f} %",
            f"{row['macs']:,}",
        )
    CONSOLE.print(table)
    CONSOLE.print(
        f"Weights of all levels: {report['packed_bytes']:,} bytes packed; one dense "
        f"int8 copy is {report['dense_bytes']:,}. Whole .tflite: "
        f"{report['tflite_bytes']:,} bytes."
    )
    CONSOLE.print(
        f"{report['test_samples']:,} test images, {report['epochs']} epochs, the first "
        f"{report['dense_epochs']} of them dense, {report['seconds']:.0f} s."
    )
    for name, value in report.get("rivals", {}).items():
        CONSOLE.print(f"Rival, {name}: {100 * value:.2f} % (float)")
    if "equal_to_extracted" in report:
        same = all(report["equal_to_extracted"])
        CONSOLE.print(
            "Every output byte equals the extracted plain models': "
            + ("yes" if same else f"NO: {report['equal_to_extracted']}")
        )


def plot(report: dict[str, Any], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    macs = [row["macs"] / 1e6 for row in report["levels"]]
    for key, label, style in (
        ("accuracy_float", "float, Keras", "o--"),
        ("accuracy_int8", "int8, TFLM", "s-"),
    ):
        axes.plot(
            macs, [100 * row[key] for row in report["levels"]], style, label=label
        )
    for row, mac in zip(report["levels"], macs, strict=True):
        axes.annotate(
            f"level {row['level']}\n{row['sparsity']:.0%} sparse",
            (mac, 100 * row["accuracy_int8"]),
            textcoords="offset points",
            xytext=(8, -22),
            fontsize=8,
        )
    axes.set(
        xlabel="million multiply-accumulates per image",
        ylabel="test accuracy (%)",
        title="One .tflite, three levels (Fashion-MNIST)",
    )
    axes.margins(x=0.25, y=0.25)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main()
