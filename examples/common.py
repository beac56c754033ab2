"""What the examples share: options, a short training, and the table at the end."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rich.console import Console
from rich.table import Table

from keras_nest import evaluation, report, reporting

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "scripts"))  # get_data and its data sets


def options(text: str | None, arguments: list[str] | None) -> argparse.Namespace:
    """--quick, --cache and --out; and a seed that makes runs the same."""
    parser = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="little data, few epochs: only a look"
    )
    parser.add_argument(
        "--cache", type=Path, default=ROOT / ".cache", help="folder of fetched data"
    )
    parser.add_argument("--out", type=Path, help="write model.tflite and test.npz here")
    keras.utils.set_random_seed(1)
    return parser.parse_args(arguments)


def fit(model: keras.Model, x: Any, y: Any, epochs: int, batch_size: int = 64) -> None:
    """Adam, its rate falling to zero: what most small nets do well with."""
    steps = epochs * -(-len(x) // batch_size)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(4e-3, steps)),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,  # on a CPU XLA's convolutions take twice the time
    )
    model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=2)


def show(tflite: Any, x: Any, y: Any, out: Path | None) -> list[dict[str, Any]]:
    """Scores every level in TFLM and prints what each gives and costs.

    Returns:
        For each level: accuracy, macs, weight_bytes (a byte for each weight that it
        multiplies with) and instructions (predicted, of the nested ops).
    """
    with reporting.progress() as bar:
        runs = evaluation.run_levels(tflite, x, progress=bar).runs
    facts = report.gather(tflite)
    table = Table(
        title=f"One .tflite of {len(tflite):,} bytes, {len(x):,} test samples"
    )
    for name in ("level", "accuracy, int8 in TFLM", "MACs", "bytes of weights"):
        table.add_column(name, justify="right")
    table.add_column(f"instructions, {facts.target}", justify="right")
    rows = []
    for level, (run, costs) in enumerate(zip(runs, facts.levels, strict=True)):
        row = {
            "accuracy": evaluation.score(run.outputs, x, y)[1],
            "macs": costs.macs,
            "weight_bytes": facts.model.nonzeros[level],
            "instructions": costs.instructions,
        }
        accuracy, *counts = row.values()
        table.add_row(str(level), f"{accuracy:.2%}", *(f"{one:,}" for one in counts))
        rows.append(row)
    Console(width=100).print(table)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        tflite.save(out / "model.tflite")
        np.savez(out / "test.npz", x=x, y=y)
        files = f"{out / 'model.tflite'} --data {out / 'test.npz'}"
        print(f"Try it sample by sample: keras-nest demo {files}")
    return rows
