"""Cost tables: what they predict is what the bench counts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_nest.bench import costs, grid
from keras_nest.bench.fit import fit, non_negative
from keras_nest.bench.grid import BLOCKS, Sample, convolution, fingerprint, samples
from keras_nest.bench.synthetic import synthetic_op
from keras_nest.bench.targets import find_tool, version_of
from keras_nest.converter.costs import CostTable, load, predict
from keras_nest.converter.costs.features import runs_of
from keras_nest.converter.costs.run import extensions
from keras_nest.converter.costs.table import FOLDER
from keras_nest.format import Geometry, candidates, scratch_bytes
from keras_nest.format.layout import is_vector
from keras_nest.targets import TARGETS

CORES = tuple(costs.CORES)

# None of them in the grid; the awkward ones on purpose.
OTHERS = (
    convolution(11, 6, 16, 20, 3, 1, 1, True),
    convolution(7, 9, 8, 10, 3, 2, 1, True),
    convolution(8, 3, 32, 12, (3, 1), 1, 1, True),
    convolution(5, 7, 48, 21, 1, 1, 1, True),
    convolution(8, 6, 16, 9, 1, 2, 1, True),
    convolution(6, 6, 4, 13, 5, 1, 1, False),
    convolution(5, 5, 10, 6, 3, 1, 2, True),
    convolution(4, 5, 32, 140, 3, 1, 1, True),
    convolution(9, 4, 16, 192, 1, 1, 1, True),
    Geometry("fully_connected", 1, 1, 192, 1, 1, 36),
    Geometry("fully_connected", 1, 1, 72, 1, 1, 30),
    Geometry("fully_connected", 1, 6, 64, 1, 6, 12),
    Geometry("depthwise_conv_2d", 9, 5, 48, 9, 5, 48, 3, 3, 1, 1, 1, 1, 1, 1),
    Geometry("depthwise_conv_2d", 9, 9, 20, 5, 5, 20, 3, 3, 2, 2, 1, 1, 1, 1),
    Geometry("depthwise_conv_2d", 6, 6, 9, 4, 4, 9, 3, 3),
    Geometry("depthwise_conv_2d", 6, 6, 5, 4, 4, 15, 3, 3),
)


def other_samples() -> list[Sample]:
    found = []
    for geometry in OTHERS:
        blocks = [None]
        if geometry.op != "depthwise_conv_2d":
            blocks += [block for block in BLOCKS if geometry.in_c % block[1] == 0]
        for block in blocks:
            # Beyond the seeds of the grid.
            seed = 100_000 + len(found)
            found.append(Sample(str(seed), synthetic_op(geometry, block, seed), True))
    return found


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("core", CORES)
def test_other_shapes_cost_what_is_predicted(core: str) -> None:
    table = load(core)
    counts = costs.measure(core, other_samples())
    assert len(counts) > 500
    errors = []
    for count in counts:
        error = abs(table.cost(count.run) / count.instructions - 1)
        assert error <= table.worst_error, (count.name, count.run.path)
        scratch = scratch_bytes(count.blob, **extensions(table.simd))
        assert count.scratch_bytes == scratch, count.name
        errors.append(error)
    assert np.median(errors) <= 2 * table.typical_error
    assert np.median(errors) < 0.01


def same_compiler(table: CostTable) -> bool:
    return version_of(find_tool("arm-none-eabi-gcc")) in table.compiler


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m55"])
def test_measuring_again_gives_the_table(core: str) -> None:
    """Of the paths that matrix times vector and depthwise ops run alone."""
    table = load(core)
    chosen = [
        sample
        for sample in samples()
        if is_vector(sample.op.geometry) or sample.op.geometry.op[:5] == "depth"
    ]
    made = costs.make_table(core, costs.measure(core, chosen), chosen)
    alone = [name for name in made.paths if name.startswith(("vector", "depthwise"))]
    assert len(alone) >= 5
    for name in alone:
        if same_compiler(table):
            assert made.paths[name] == table.paths[name]
            continue
        # Another compiler makes other code of the C; the assembly is what it is.
        counts = made.paths[name].counts
        assert counts == table.paths[name].counts
        ratio = sum(made.paths[name].coefficients.values()) / sum(
            table.paths[name].coefficients.values()
        )
        assert 0.5 < ratio < 2


def test_every_target_has_a_table() -> None:
    assert {target.costs for target in TARGETS.values()} == set(CORES)
    for core in CORES:
        table = load(core)
        assert table.core == core
        assert (table.measured_on, table.simd) == costs.CORES[core]
        assert 0 < table.typical_error < 0.03
        assert "gcc" in table.compiler
        assert "QEMU" in table.emulator
        assert all(one.coefficients for one in table.paths.values())


def test_tables_are_measured_with_the_grid_as_it_is() -> None:
    ops = list(samples())
    for core in CORES:
        table = load(core)
        assert (table.ops, table.samples) == (len(ops), fingerprint(ops)), core


def test_one_more_shape_changes_no_other_op(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {sample.name: sample.op.weights.tobytes() for sample in samples()}
    more = ((3, 3, 4, 5, 3, 1, 1, True), *grid._CONVOLUTIONS)
    monkeypatch.setattr(grid, "_CONVOLUTIONS", more)
    after = {sample.name: sample.op.weights.tobytes() for sample in samples()}
    assert len(after) > len(before)
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize("core", CORES)
def test_no_path_is_missing(core: str) -> None:
    """Every path that an op of any kind can take, common shifts or not."""
    table = load(core)
    seen = set()
    for sample in other_samples():
        for candidate in candidates(sample.op):
            assert min(predict(candidate.blob, table)) > 0
            seen |= {run.path for run in runs_of(candidate.blob, table.simd)}
    assert len(seen) > 12


def test_least_squares_finds_what_is_there() -> None:
    rng = np.random.default_rng(0)
    features = rng.uniform(0, 1000, (50, 4))
    truth = np.array([3.0, 0.0, 0.25, 40.0])
    np.testing.assert_allclose(fit(features, features @ truth), truth, atol=1e-9)


def test_least_squares_stays_at_zero_and_above() -> None:
    # Unbounded, the second coefficient would be -1: the best is then 1/2 of the first.
    matrix = np.array([[1.0, 0.0], [1.0, 1.0]])
    np.testing.assert_allclose(non_negative(matrix, np.array([1.0, 0.0])), [0.5, 0])
    rng = np.random.default_rng(1)
    for _ in range(20):
        matrix = rng.normal(size=(30, 6))
        target = rng.normal(size=30)
        x = non_negative(matrix, target)
        gradient = matrix.T @ (target - matrix @ x)
        # The conditions of an optimum: no step that is allowed gets closer.
        assert np.all(x >= 0)
        assert np.all(gradient <= 1e-6)
        np.testing.assert_allclose(gradient[x > 0], 0, atol=1e-6)


def test_script_names_its_cores(tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / "scripts" / "measure_costs.py"
    done = subprocess.run(
        [sys.executable, script, "cortex-a53", "--output", tmp_path],
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "cortex-a53" in done.stderr
    assert not list(tmp_path.iterdir())


def test_tables_are_what_the_script_writes() -> None:
    """The files' form: no edits by hand."""
    for core in CORES:
        path = FOLDER / f"{core}.json"
        text = json.dumps(load(core).as_dict(), indent=1) + "\n"
        assert path.read_text() == text
