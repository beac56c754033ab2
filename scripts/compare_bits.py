"""Levels of 4 and 8 bits against nets that are quantized for themselves.

All start from the same dense net, trained in float, and train for the same epochs more:

- levels: one net of both, `BitWidths((4, 8), "planes")`;
- alone: a net of 4 bits, and one in float that convert quantizes to 8;
- after training: that float net, its weights rounded to 4 bits with no training after.

Accuracy is that of int8 in TensorFlow Lite Micro, on the test set, used once.
`--instructions` prints instead what both levels take in QEMU, over dense weights.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import keras
import nets
from compare_quantization import fit
from get_data import fashion_mnist
from rich.console import Console

import keras_nest
from keras_nest import BitWidths, evaluation, reporting
from keras_nest.converter import flatbuffer
from keras_nest.converter.nested_file import nested_operators

RATE, SHARE = 4e-3, 0.5  # of the dense net; of it, the rate of what follows
CORES = ("cortex-m4", "cortex-m55")
Rows = list[tuple[str, ...]]


def weight_bytes(tflite: bytes, whole: int) -> list[int]:
    """Bytes of weights that each level reads, of `whole` weights in all."""
    found = [one.op for one in nested_operators(flatbuffer.load(tflite))]
    halved = [
        sum(op.weights.size for op in found if op.bits and op.bits[level] == 4)
        for level in range(found[0].levels if found else 1)
    ]
    return [whole - weights // 2 for weights in halved]


def compare(options: argparse.Namespace) -> Rows:
    (x, y), (x_test, y_test) = fashion_mnist(options.cache)
    x, y = x[: options.train_samples], y[: options.train_samples]
    x_test, y_test = x_test[: options.test_samples], y_test[: options.test_samples]
    x, x_test = (a[..., None].astype("float32") / 255 for a in (x, x_test))

    def scored(model: Any) -> list[tuple[str, str]]:
        """Accuracy and weight bytes of each level."""
        tflite = keras_nest.convert(model, x[:500])
        runs = evaluation.run_levels(tflite, x_test).runs
        accuracy = [evaluation.score(run.outputs, x_test, y_test)[1] for run in runs]
        pairs = zip(accuracy, weight_bytes(tflite, whole), strict=True)
        return [(f"{100 * one:.2f}", f"{size:,}") for one, size in pairs]

    keras.utils.set_random_seed(options.seed)
    dense = fit(nets.fashion(keras), RATE, options.epochs, x, y)
    whole = sum(
        math.prod(w.shape) for w in dense.trainable_weights if w.name == "kernel"
    )

    def trained(widths: BitWidths | None) -> Any:
        keras.utils.set_random_seed(options.seed)
        model = keras.models.clone_model(dense)
        model.set_weights(dense.get_weights())
        if widths is not None:
            model = keras_nest.nest(model, widths)
        return fit(model, SHARE * RATE, options.epochs, x, y)

    four, eight = scored(trained(BitWidths((4, 8), "planes")))
    float_net = trained(None)
    rounded = keras_nest.nest(float_net, BitWidths((4,), "planes"))
    (alone,) = scored(trained(BitWidths((4,), "planes")))
    (after,) = scored(rounded)
    (plain,) = scored(float_net)
    return [
        ("levels", "4", *four),
        ("levels", "8", *eight),
        ("alone", "4", *alone),
        ("alone", "8", *plain),
        ("after training", "4", *after),
    ]


def instructions() -> Rows:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.kernels import test_bits_cortex_m

    rows: Rows = []
    for core in CORES:
        with tempfile.TemporaryDirectory() as folder:
            found = test_bits_cortex_m.instructions(core, Path(folder))
        for name, shares in found.items():
            rows.append((core, name, *(f"{share:.3f}" for share in shares)))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="compare_bits", description=__doc__)
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("--epochs", type=int, default=3, help="of each training")
    parser.add_argument("--train-samples", type=int, default=None)
    parser.add_argument("--test-samples", type=int, default=None)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=Path(".cache"))
    options = parser.parse_args()
    # The net that is rounded after its training was not trained so: that is its row.
    warnings.simplefilter("ignore", keras_nest.ConversionWarning)
    if options.instructions:
        title = "Instructions over those of dense weights, QEMU, gcc -O2"
        columns: tuple[str, ...] = ("core", "shape", "4 bits", "8 bits")
        rows = instructions()
    else:
        title = "Fashion-MNIST, int8 in TFLM: test accuracy (%) by bits of the weights"
        columns = ("way", "bits", "accuracy", "weight bytes read")
        rows = compare(options)
    table = reporting.table(title, *columns)
    for row in rows:
        table.add_row(*row)
    Console(width=reporting.PIPE_WIDTH).print(table)


if __name__ == "__main__":
    main()
