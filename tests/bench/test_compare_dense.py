"""scripts/compare_dense_cmsis_nn on small shapes: equal outputs, sane tables."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from keras_nest.bench.targets import find_target
from keras_nest.errors import NestError
from keras_nest.format import Geometry, pack

SCRIPTS = Path(__file__).parents[2] / "scripts"
CONV = Geometry("conv_2d", 6, 5, 16, 6, 5, 8, 3, 3, 1, 1, 1, 1, 1, 1)
STRIDED = Geometry("conv_2d", 8, 8, 4, 4, 4, 8, 1, 1, 2, 2)
DEPTHWISE = Geometry("depthwise_conv_2d", 7, 5, 8, 4, 3, 8, 3, 3, 2, 2, 1, 1, 1, 1)
DENSE = Geometry("fully_connected", 1, 1, 64, 1, 1, 12)
TARGET = "cortex-m4"


@pytest.fixture
def compare(tools: None, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The package compare_dense, which is not installed."""
    if importlib.util.find_spec("bakenn") is None:
        pytest.skip("bakenn, which has CMSIS-NN's sources, is not installed")
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module("compare_dense.measurement")


def cases(compare: ModuleType) -> list[object]:
    from compare_dense.cases import DENSITIES, random_input, random_op

    made = []
    for name, geometry, pattern, encoding in (
        ("conv", CONV, "1x4", "offsets"),
        ("conv", CONV, None, "dense"),
        ("strided", STRIDED, "element", "blocks"),
        ("depthwise", DEPTHWISE, None, "dense"),
        ("dense", DENSE, "4x4", "offsets"),
    ):
        op = random_op(geometry, pattern, DENSITIES if pattern else (1.0,))
        x = random_input(geometry)
        blobs = {encoding: pack(op, encoding)}
        made.append(compare.Case(name, pattern or "dense", op, blobs, x))
    return made


@pytest.mark.parametrize("target", [TARGET, "cortex-m55"])
def test_both_kernels_compute_the_same(compare: ModuleType, target: str) -> None:
    """The image compares every output with the reference's checksum."""
    rows = compare.measure(cases(compare), find_target(target))
    assert [row.name for row in rows] == [
        "conv",
        "conv",
        "strided",
        "depthwise",
        "dense",
    ]
    for row in rows:
        assert len(row.cmsis_nn) == len(row.instructions) == len(row.densities)
        # Zeros save CMSIS-NN nothing; a branch in the requantization may differ.
        assert max(row.cmsis_nn) <= 1.01 * min(row.cmsis_nn)
        assert row.densities == sorted(row.densities)
        assert row.instructions == sorted(row.instructions)
        assert row.speedups == [
            a / b for a, b in zip(row.cmsis_nn, row.instructions, strict=True)
        ]
    macs = CONV.out_h * CONV.out_w * CONV.out_c * CONV.columns
    assert macs / 16 < rows[0].cmsis_nn[-1] < 30 * macs
    if target == TARGET:
        assert compare.measure(cases(compare), find_target(target)) == rows


def test_cmsis_nn_with_other_weights_is_found(
    compare: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from compare_dense import cmsis_nn

    def one_weight_off(name: str, op: object, x: np.ndarray) -> list[object]:
        made = jobs(name, op, x)
        weights = made[-1].op.weights.copy()
        weights[0, 0] ^= 64
        changed = dataclasses.replace(made[-1].op, weights=weights)
        made[-1] = dataclasses.replace(made[-1], blob=pack(changed, "dense"))
        return made

    jobs = cmsis_nn.jobs
    monkeypatch.setattr(cmsis_nn, "jobs", one_weight_off)
    with pytest.raises(NestError, match=r"'CMSIS-NN conv 1x4 4'.*other bytes"):
        compare.measure(cases(compare)[:1], find_target(TARGET))


def test_counts_are_those_recorded(compare: ModuleType) -> None:
    """The same kernels in a newer version, counted by other means."""
    from compare_dense import recorded
    from compare_dense.cases import SHAPES, random_input, random_op

    names = ("256-128", "depthwise 3x3 25x5x64")
    made = []
    for name in names:
        op = random_op(SHAPES[name], None, (1.0,))
        blobs = {"dense": pack(op, "dense")}
        made.append(compare.Case(name, "dense", op, blobs, random_input(SHAPES[name])))
    for row in compare.measure(made, find_target(TARGET)):
        newer = recorded.kernel(row.name, TARGET)
        assert row.cmsis_nn[0] == pytest.approx(newer, rel=0.01)
        assert recorded.speedups(row, TARGET) == [newer / row.instructions[0]]


def test_tables_and_plot(compare: ModuleType, tmp_path: Path) -> None:
    from compare_dense import plot, report
    from compare_dense.cases import CONVOLUTIONS, SHAPES, patterns_of

    def row(name: str, pattern: str, instructions: list[int]) -> object:
        densities = [0.1, 0.5, 1.0] if pattern != "dense" else [1.0]
        dense = [1_200_000] * len(densities)
        facts = (SHAPES[name].op, pattern, "offsets", densities)
        return compare.Row(name, *facts, instructions, dense, 1234, 56_789)

    counts = {"element": [300_000, 600_000, 1_200_000]}
    rows = [row(name, "dense", [600_000]) for name in SHAPES] + [
        row(name, pattern, counts.get(pattern, [100_000, 400_000, 800_000]))
        for name in SHAPES
        for pattern in patterns_of(SHAPES[name])
    ]
    table = report.densities(rows, TARGET)
    assert len(table.splitlines()) == 2 + len(rows)
    line = next(x for x in table.splitlines() if "8x8x32-32 | element" in x)
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[3:6] == ["1.00", "2.00", "4.00"]
    assert cells[6:] == ["1,200,000", "1,136,607", "1,200,000", "1,234", "56,789"]
    means = report.means([r for r in rows if r.name in CONVOLUTIONS], TARGET)
    assert "| 1x4 | CMSIS-NN 4.0.0 | 1.50 | 3.00 | 12.00 |" in means
    assert "| 1x4 | our dense kernel | 0.75 | 1.50 | 6.00 |" in means
    plot.draw(rows, TARGET, tmp_path / "core")
    assert (tmp_path / "core.png").stat().st_size > 10_000
    drawn = (tmp_path / "core.svg").read_text()
    for words in ("Cortex-M4", "1x4, 1x16", "our dense kernel", "640→128"):
        assert words in drawn
    # On the M55 the recorded CMSIS-NN is the bar.
    assert "| 0.13 | 0.25 | 0.50 |" in report.densities(rows, "cortex-m55")


def test_forms_of_an_op(compare: ModuleType) -> None:
    from compare_dense import packing, shapes
    from compare_dense.cases import random_op

    sparse, dense = (random_op(CONV, pattern, (0.5, 1.0)) for pattern in ("1x4", None))
    assert list(packing.fast(sparse, "cortex-m4")) == ["offsets"]
    assert list(packing.fast(sparse, "cortex-m55")) == ["offsets", "vectors"]
    assert list(packing.fast(dense, "cortex-m4")) == ["dense"]
    tops = packing.everything(sparse, "cortex-m4")
    assert list(tops) == ["blocks", "lists", "offsets", "offsets, dense top"]

    facts = ("conv", "conv_2d", "1x4")
    rest = ([0.5, 1.0], [900, 900], 0, 0)
    rows = [
        compare.Row(*facts, encoding, rest[0], counts, *rest[1:])
        for encoding, counts in (("slow", [500, 800]), ("fast", [300, 900]))
    ]
    assert [row.encoding for row in shapes.fastest(rows)] == ["fast"]


def test_missing_tools_have_clear_messages(tmp_path: Path) -> None:
    """Neither bakenn nor a compiler: what is missing, and how to get it."""
    path = tmp_path / "bin"
    path.mkdir()
    command = [sys.executable, str(SCRIPTS / "compare_dense_cmsis_nn.py")]
    options = ["--no-nets", "--out", str(tmp_path / "out")]
    environment = os.environ | {"PATH": str(path)}
    done = subprocess.run(
        [*command, *options], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Error: Expected" in done.stderr
    assert "install" in done.stderr
