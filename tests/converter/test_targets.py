"""Which encoding each layer gets on which target, and what is said about it."""

from __future__ import annotations

import itertools
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_nest import NestError, convert, targets
from keras_nest.bench import costs as measuring
from keras_nest.bench import emulator, image
from keras_nest.bench.grid import convolution
from keras_nest.bench.targets import find_target
from keras_nest.converter.advice import advise, with_block
from keras_nest.converter.choose import (
    TOLERANCE,
    Choice,
    Request,
    choose,
    dense_instructions,
    options_of,
)
from keras_nest.converter.convert import PatternWarning
from keras_nest.converter.costs import load
from keras_nest.format import (
    Geometry,
    NestedOp,
    encoding_of,
    level_weights,
    scratch_bytes,
    unpack,
)
from keras_nest.model import nest
from tests.converter.nets import inputs_for, random_net
from tests.format.test_sizes import RESNET_8, magnitude_op

CORES = ("generic", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
DS_CNN = (
    convolution(25, 5, 64, 64, 1, 1, 1, True),
    Geometry("fully_connected", 1, 1, 64, 1, 1, 12),
)
AUTOENCODER = (
    Geometry("fully_connected", 1, 1, 640, 1, 1, 128),
    Geometry("fully_connected", 1, 1, 128, 1, 1, 8),
)
LAYERS = (*dict.fromkeys(RESNET_8), *DS_CNN, *AUTOENCODER)
SPARSITIES = ((0.9, 0.7, 0.0), (0.9, 0.8, 0.7), (0.95, 0.5))
BLOCKS = ((1, 1), (1, 2), (1, 4), (1, 16), (4, 4), (4, 16))


def op_of(
    geometry: Geometry, sparsities: tuple[float, ...], block: tuple[int, int]
) -> NestedOp:
    """Rows in multiples of the block's, as `magnitude_op` wants them."""
    rows = -(-geometry.out_c // block[0]) * block[0]
    wider = Geometry(**{**vars(geometry), "out_c": rows})
    return magnitude_op(wider, sparsities, block, False)


def chosen(op: NestedOp, core: str, optimize: str, **options: Any) -> Choice:
    return choose(op, "layer", Request(load(core), optimize, **options))


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("sparsities", SPARSITIES)
def test_choices_on_real_layers(core: str, sparsities: tuple[float, ...]) -> None:
    for geometry in LAYERS:
        for block in BLOCKS:
            if geometry.in_c % block[1]:
                continue
            op = op_of(geometry, sparsities, block)
            fast, small = (chosen(op, core, name) for name in ("speed", "size"))
            assert fast.option.mean <= small.option.mean
            assert len(small.option.blob) <= len(fast.option.blob)
            for choice in (fast, small):
                check_rules(op, choice, core)


def check_rules(op: NestedOp, choice: Choice, core: str) -> None:
    option = choice.option
    assert option.monotone, (op.geometry, option)
    for sparser, denser in itertools.pairwise(option.instructions):
        assert sparser <= 1.002 * denser
    others = options_of(op, Request(load(core), "speed"))
    no_slower = [
        one
        for one in others
        if one.monotone and max(one.instructions) <= TOLERANCE * choice.dense
    ]
    if no_slower:
        assert max(option.instructions) <= TOLERANCE * choice.dense
    unpacked = unpack(option.blob)
    for level in range(op.levels):
        found = np.where(unpacked.mask(level), unpacked.weights, 0)
        np.testing.assert_array_equal(found, np.where(op.mask(level), op.weights, 0))


def test_the_target_decides() -> None:
    """What the kernels of each core are made for."""
    conv, matrix = RESNET_8[3], AUTOENCODER[0]
    speed = {
        core: chosen(op_of(conv, (0.9, 0.7, 0.0), (1, 16)), core, "speed")
        for core in CORES
    }
    assert encoding_of(speed["cortex-m4"].option.blob) == "offsets"
    assert encoding_of(speed["cortex-m55"].option.blob) == "vectors"
    size = chosen(op_of(conv, (0.9, 0.7, 0.0), (1, 2)), "generic", "size")
    assert encoding_of(size.option.blob) in ("blocks", "lists")
    for core in ("cortex-m4", "cortex-m55"):
        choice = chosen(op_of(matrix, (0.9, 0.7), (4, 4)), core, "speed")
        # At 10 % of the weights, several times faster than dense ones.
        assert choice.option.instructions[0] < 0.4 * choice.dense


def test_a_layer_that_gains_nothing_stays_dense() -> None:
    """Where all levels have the same weights, masks only cost."""
    op = op_of(RESNET_8[3], (0.05,), (1, 1))
    for core in CORES:
        assert encoding_of(chosen(op, core, "speed").option.blob) == "dense"
    sparse = op_of(RESNET_8[3], (0.95,), (1, 4))
    assert encoding_of(chosen(sparse, "cortex-m4", "speed").option.blob) == "offsets"


@pytest.mark.parametrize("core", CORES)
def test_max_scratch(core: str) -> None:
    op = op_of(RESNET_8[3], (0.9, 0.7, 0.0), (1, 4))
    options = options_of(op, Request(load(core), "speed"))
    sizes = sorted({one.scratch_bytes for one in options})
    assert len(sizes) > 1
    for limit in sizes:
        choice = chosen(op, core, "speed", max_scratch=limit)
        assert choice.option.scratch_bytes <= limit
    assert "too much scratch" in chosen(op, core, "speed", max_scratch=sizes[0]).reason
    with pytest.raises(NestError) as caught:
        chosen(op, core, "speed", max_scratch=sizes[0] - 1)
    assert "'layer'" in caught.value.message
    assert f"{sizes[0]:,} bytes" in caught.value.message
    assert f"{sizes[0]}" in caught.value.hint


def test_reasons_name_the_runner_up() -> None:
    op = op_of(RESNET_8[3], (0.9, 0.7, 0.3), (1, 4))
    choice = chosen(op, "cortex-m4", "speed")
    options = options_of(op, Request(load("cortex-m4"), "speed"))
    left = [one for one in options if max(one.instructions) <= TOLERANCE * choice.dense]
    second = sorted(left, key=lambda one: one.mean)[1]
    more = 100 * (second.mean / choice.option.mean - 1)
    assert choice.reason.startswith(f"fastest, {second.name} +{more:.0f} %")


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("core", ["generic", "cortex-m4", "cortex-m55"])
def test_counts_are_monotone_and_as_predicted(core: str) -> None:
    """A few choices, run in QEMU."""
    table = load(core)
    measured_on, _ = measuring.CORES[core]
    target = find_target(measured_on)
    rng = np.random.default_rng(0)
    jobs, choices = [], []
    for index, geometry in enumerate((RESNET_8[7], RESNET_8[6], *DS_CNN, *AUTOENCODER)):
        block = BLOCKS[1 + index % 3]
        for optimize in ("speed", "size"):
            op = op_of(geometry, SPARSITIES[index % 2], block)
            choices.append(choose(op, "layer", Request(table, optimize)))
            shape = (1, geometry.in_h, geometry.in_w, geometry.in_c)
            x = rng.integers(-128, 128, shape).astype(np.int8)
            x = x[0, 0] if geometry.op == "fully_connected" else x
            blob = choices[-1].option.blob
            jobs.append(image.Job(f"{index} {optimize}", blob, unpack(blob), x))
    counts, scratch = run(jobs, target)
    for job, choice, found, size in zip(jobs, choices, counts, scratch, strict=True):
        for sparser, denser in itertools.pairwise(found):
            assert sparser <= 1.002 * denser, job.name
        errors = np.abs(np.asarray(choice.option.instructions) / found - 1)
        assert errors.max() <= table.worst_error, job.name
        assert size == choice.option.scratch_bytes, job.name


def run(jobs: list[image.Job], target: Any) -> tuple[list[list[int]], list[int]]:
    with tempfile.TemporaryDirectory() as folder:
        built = image.build(jobs, target, Path(folder))
        measured = emulator.measure(built, target, [job.name for job in jobs])
    return measured.instructions, measured.scratch_bytes


def test_advice_names_patterns_that_gain() -> None:
    costs = load("cortex-m55")
    op = op_of(DS_CNN[0], (0.5, 0.3), (1, 1))
    choice = choose(op, "layer", Request(costs, "size"))
    advice = advise(op, choice, costs)
    assert advice is not None
    assert advice.levels[0] == 0
    assert "1x16" in advice.patterns
    for name in advice.patterns:
        rows, cols = map(int, name.split("x"))
        other = with_block(op, (rows, cols))
        dense = dense_instructions(other, costs)
        fastest = choose(other, "layer", Request(costs, "speed")).option
        assert TOLERANCE * max(fastest.instructions) <= dense
        shares = [level_weights(other, level) / op.weights.size for level in range(2)]
        assert shares == pytest.approx([0.5, 0.7], abs=0.01)
    good = op_of(DS_CNN[0], (0.9, 0.7, 0.0), (1, 16))
    assert advise(good, choose(good, "layer", Request(costs, "speed")), costs) is None


def test_names_and_aliases() -> None:
    assert targets.find("m4") is targets.find("cortex-m4")
    assert targets.find("cortex-m3").costs == "generic"
    assert targets.find("m85").costs == "cortex-m55"
    assert targets.find("generic").name == "generic"
    for name in ("cortex-a53", "", "M4"):
        with pytest.raises(NestError, match="`target` to be one of generic, cortex-m0"):
            targets.find(name)
    assert nest(random_net(0), (0.5,), target="m55").name == "random_0"


def test_convert_for_targets() -> None:
    base = random_net(3)
    model = nest(base, (0.9, 0.7, 0.0), pattern="1x4")
    x = inputs_for(base, 12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PatternWarning)
        files = {core: convert(model, x, target=core) for core in CORES}
        assert convert(model, x, target="m4") == files["cortex-m4"]
        assert convert(model, x) == files["generic"]
        small = convert(model, x, target="cortex-m4", optimize="size")
    assert len(small) <= len(files["cortex-m4"])
    for core, tflite in files.items():
        report = tflite.report
        assert report.target == core
        assert report.optimize == ("size" if core == "generic" else "speed")
        table = load(core)
        assert report.prediction_error == (table.typical_error, table.worst_error)
        counts = [entry.instructions for entry in report.replaced]
        assert report.instructions == np.sum(counts, axis=0).tolist()
        assert all(entry.scratch_bytes >= 0 for entry in report.replaced)
        assert all(entry.chosen for entry in report.replaced)
        assert all(entry.instructions is None for entry in report.left)
    largest = max(entry.scratch_bytes for entry in files["cortex-m4"].report.replaced)
    least = convert(model, x, target="cortex-m4", max_scratch=largest)
    assert least == files["cortex-m4"]
    with pytest.raises(NestError, match=r"of layer '.*' that runs in 8 bytes of"):
        convert(model, x, target="cortex-m4", max_scratch=8)


def test_pattern_that_does_not_suit_is_warned_of() -> None:
    base = random_net(3)
    model = nest(base, (0.4, 0.3), pattern="element", exempt=None)
    with pytest.warns(
        PatternWarning, match=r"Pattern element of .*cortex-m55 at"
    ) as seen:
        report = convert(model, inputs_for(base, 12), target="cortex-m55").report
    said = [str(one.message) for one in seen if one.category is PatternWarning]
    untrained, *of_patterns = report.warnings
    assert "has not been trained" in untrained
    assert said == of_patterns
    assert "Patterns that do: " in of_patterns[0]
    quiet = nest(base, (0.9, 0.8), pattern="1x4")
    with warnings.catch_warnings():
        warnings.simplefilter("error", PatternWarning)
        suited = nest(base, (0.5, 0.0), exempt=lambda layer: True)
        convert(suited, inputs_for(base, 12), target="cortex-m55")
    assert quiet.levels == 2


def test_scratch_is_that_of_the_core() -> None:
    op = op_of(RESNET_8[3], (0.9, 0.7, 0.0), (1, 16))
    for core, flags in (
        ("generic", {}),
        ("cortex-m4", {"dsp": True}),
        ("cortex-m55", {"dsp": True, "mve": True}),
    ):
        for option in options_of(op, Request(load(core), "speed")):
            assert option.scratch_bytes == scratch_bytes(option.blob, **flags)
