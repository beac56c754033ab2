"""How far levels reach down: mixed ones (a width and a sparsity each) and sparse ones.

Instructions are counted in QEMU, over all nested ops, and depend on shapes and masks
alone: weights are random. Accuracy is of DS-CNN, trained for the few epochs and images
that are asked for, both ways alike.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from reproduce.data import load
from reproduce.networks import ds_cnn
from rich.console import Console

import keras_nest
from keras_nest import reporting
from keras_nest.bench import bench
from keras_nest.files import write_atomic
from keras_nest.layers import NestedBatchNormalization

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
CORE, PATTERN = "cortex-m4", "1x2"
# Of a level, its share of the channels and what it leaves out between them. MobileNet
# goes lower, as its first layers have images of 48x48 and 8 channels to begin with.
MIXED = {
    "ds_cnn": (0.125, 0.25, 0.5, 0.75, 1.0),
    "mobilenet_v1_025": (0.0625, 0.125, 0.25, 0.5, 1.0),
}
SPARSITIES = {
    "mixed": (0.0, 0.25, 0.5, 0.5, 0.0),
    "sparse": (0.98, 0.95, 0.9, 0.75, 0.0),
}


def mobilenet() -> Any:
    """MobileNetV1-0.25 of MLPerf Tiny, for 96x96 images of two classes."""
    return keras.applications.MobileNet(
        (96, 96, 3), alpha=0.25, dropout=0.0, weights=None, classes=2
    )


NETS: dict[str, tuple[str, Callable[[], Any]]] = {
    "ds_cnn": ("DS-CNN", lambda: ds_cnn((28, 28, 1))),
    "mobilenet_v1_025": ("MobileNetV1-0.25", mobilenet),
}


def widths_of(name: str, way: str) -> tuple[float, ...]:
    return MIXED[name] if way == "mixed" else (1.0,) * len(SPARSITIES[way])


def nested(name: str, way: str) -> tuple[Any, Any]:
    """The plain model and the nested one."""
    keras.utils.set_random_seed(1)
    base = NETS[name][1]()
    widths = MIXED[name] if way == "mixed" else None
    model = keras_nest.nest(base, SPARSITIES[way], widths=widths, pattern=PATTERN)
    return base, model


def vary_norms(model: Any) -> None:
    """Each level's own, as training makes them: no op is the same at all levels."""
    rng = np.random.default_rng(0)
    for layer in model.graph.layers:
        if isinstance(layer, NestedBatchNormalization):
            for variable in (layer.gamma, layer.beta, layer.moving_mean):
                old = keras.ops.convert_to_numpy(variable)
                variable.assign(old + rng.uniform(0.0, 0.25, old.shape))


def count(name: str, way: str) -> dict[str, Any]:
    """Multiply-accumulates and instructions of each level."""
    base, model = nested(name, way)
    vary_norms(model)
    shape = base.input_shape[1:]
    x = np.random.default_rng(1).normal(size=(8, *shape)).astype("float32")
    tflite = keras_nest.convert(model, x, target=CORE)
    found = bench(bytes(tflite), CORE)
    facts = keras_nest.describe(bytes(tflite))
    return {
        "macs": facts.macs,
        "instructions": found.instructions,
        "packed_bytes": facts.packed_bytes,
        "table_bytes": sum(op.sections.get("tables", 0) for op in facts.ops),
        "compiler": found.compiler,
        "emulator": found.emulator,
    }


def train(way: str, images: int, epochs: int, cache: Path) -> dict[str, Any]:
    """Accuracy of each level of DS-CNN on the test images, in Keras' floats."""
    data = load("fashion_mnist", cache, train_samples=images)
    _, model = nested("ds_cnn", way)
    steps = -(-len(data.train[0]) // 32) * epochs
    rate = keras.optimizers.schedules.CosineDecay(4e-3, steps)
    model.compile(
        keras.optimizers.Adam(rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(*data.train, batch_size=32, epochs=epochs, verbose=2)
    scores = model.evaluate(*data.test, batch_size=256, verbose=0, return_dict=True)
    accuracy = [scores[f"level_{n}_accuracy"] for n in range(model.levels)]
    return {"accuracy": accuracy, "images": images, "epochs": epochs}


def instructions(ways: dict[str, Any], way: str) -> list[int]:
    """Of all layers, at each level of a way.

    What is the same at all sparse levels is builtin there and not counted. It is what
    the densest level of mixed ones, the same weights in the same kernels, takes more.
    """
    builtin = ways["mixed"]["instructions"][-1] - ways[way]["instructions"][-1]
    return [counted + builtin for counted in ways[way]["instructions"]]


def table(name: str, ways: dict[str, Any]) -> list[str]:
    lines = [
        "| levels | level | width | sparsity | MACs | instructions | share | "
        "accuracy |",
        "| :-- | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for way, facts in ways.items():
        widths, sparsities = widths_of(name, way), SPARSITIES[way]
        accuracy = facts.get("accuracy", [])
        of_levels = instructions(ways, way)
        for level, counted in enumerate(of_levels):
            score = f"{accuracy[level]:.1%}" if accuracy else ""
            lines.append(
                f"| {way} | {level} | {widths[level]:.1%} | "
                f"{sparsities[level]:.0%} | {facts['macs'][level]:,} | "
                f"{counted:,} | {counted / of_levels[-1]:.3f} | {score} |"
            )
    spans = [
        f"{way} {instructions(ways, way)[-1] / instructions(ways, way)[0]:.1f}x"
        for way in ways
    ]
    return [
        *lines,
        "",
        f"From the lowest to the highest level of {NETS[name][0]}: "
        + ", ".join(spans)
        + ".",
        "",
    ]


def page(results: dict[str, Any]) -> str:
    facts = results["ds_cnn"]["mixed"]
    trained = "Not trained."
    if "epochs" in facts:
        trained = (
            f"Accuracy is of DS-CNN on Fashion-MNIST, in Keras' floats on all 10,000 "
            f"test images, after {facts['epochs']} epochs of the first "
            f"{facts['images']:,} training images with one seed: enough to see that "
            "all levels learn, not what they could reach."
        )
    lines = [
        "<!-- Made by: scripts/compare_mixed --train -->",
        "",
        "# Mixed levels and sparse ones",
        "",
        "A mixed level has a width and, between its own channels, a sparsity; a sparse "
        f"one a sparsity alone. Pattern {PATTERN}. Instructions of the Cortex-M4 for "
        f"all nested ops, counted in QEMU with random weights ({facts['compiler']}; "
        f"{facts['emulator']}). Of sparse levels, the first convolution and the first "
        "depthwise one are the same at all of them and stay builtin: they are counted "
        f"as what they take in the full mixed level. {trained}",
        "",
        "![Accuracy against instructions](mixed.png)",
        "",
    ]
    for name, ways in results.items():
        lines += [f"## {NETS[name][0]}", "", *table(name, ways)]
    return "\n".join(lines)


def draw(results: dict[str, Any], path: Path) -> None:
    """Accuracy, or the level where there is none, against instructions."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(results), figsize=(11, 4.2), squeeze=False)
    for axis, (name, ways) in zip(axes[0], results.items(), strict=True):
        for way, color in zip(ways, ("#1f5fbf", "#e07a1f"), strict=True):
            counted = np.array(instructions(ways, way)) / 1e6
            y = ways[way].get("accuracy")
            y = range(len(counted)) if y is None else 100 * np.array(y)
            axis.plot(counted, y, "o-", color=color, label=way)
        has_scores = "accuracy" in next(iter(ways.values()))
        axis.set_ylabel("test accuracy (%)" if has_scores else "level")
        axis.set_xscale("log")
        axis.set_xlabel("million instructions of the Cortex-M4")
        axis.set_title(NETS[name][0])
        axis.grid(color="#e5e5e5", lw=0.8, which="both")
        axis.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", nargs="+", default=list(NETS), choices=list(NETS))
    parser.add_argument("--train", action="store_true", help="DS-CNN, both ways")
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--no-count", action="store_true", help="only train")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache")
    parser.add_argument("--folder", type=Path, default=RESULTS)
    options = parser.parse_args()
    warnings.simplefilter("ignore", keras_nest.ConversionWarning)
    path = options.folder / "mixed.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    for way in SPARSITIES:
        if options.train:
            found = train(way, options.images, options.epochs, options.cache)
            results.setdefault("ds_cnn", {}).setdefault(way, {}).update(found)
        for name in () if options.no_count else options.nets:
            results.setdefault(name, {}).setdefault(way, {}).update(count(name, way))
        write_atomic(path, (json.dumps(results, indent=2) + "\n").encode())
    if options.no_count:
        return
    text = page(results)
    write_atomic(options.folder / "mixed.md", text.encode())
    draw(results, options.folder / "mixed.png")
    Console(width=reporting.PIPE_WIDTH).print(text)


if __name__ == "__main__":
    main()
