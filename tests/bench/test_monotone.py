"""A sparser level costs no more: of layers of MLPerf Tiny, and as convert picks."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_nest import convert, nest
from keras_nest.bench.emulator import measure
from keras_nest.bench.image import Job, build
from keras_nest.bench.inputs import random_inputs
from keras_nest.bench.targets import find_target
from keras_nest.converter import flatbuffer
from keras_nest.converter.choose import densest
from keras_nest.converter.convert import PatternWarning
from keras_nest.converter.nested_file import nested_operators
from keras_nest.format import FormatError, Geometry, candidates, pack, unpack
from keras_nest.layers import NestedBatchNormalization
from tests.bench.conftest import LEVELS, nested_op
from tests.end_to_end.conftest import script
from tests.kernels.test_scratch import MLPERF_TINY

# Levels of 10, 30 and 100 % may cost this much more than the next denser one: of a
# dense layer, or of rows too short for another entry, both do the same, and which sums
# take an instruction more is by chance.
TOLERANCE = 1.002
# Of one call: to find the level's tables, and weights that are dense at the top alone.
MORE_THAN_DENSE = 16
# Target, the core that counts for it, pattern, what is optimized.
CONVERSIONS = (
    ("cortex-m4", "cortex-m4", "1x4", "speed"),
    ("cortex-m4", "cortex-m4", "1x4", "size"),
    ("cortex-m4", "cortex-m4", "element", "speed"),
    ("generic", "cortex-m3", "1x2", "size"),
    ("cortex-m55", "cortex-m55", "1x16", "speed"),
)


def job_of(geometry: Geometry, encoding: str) -> Job | None:
    block = (1, 4) if geometry.in_c % 4 == 0 else (1, 1)
    op = nested_op(geometry, 1, block)
    # As convert makes them: within what the kernels in SIMD requantize, and a gamma
    # of one sign at all levels.
    op.multiplier = np.abs(op.multiplier)
    op.shift = np.clip(op.shift, -23, -1).astype(np.int8)
    shape: tuple[int, ...] = (1, geometry.in_h, geometry.in_w, geometry.in_c)
    if geometry.op == "fully_connected":
        shape = (geometry.in_w, geometry.in_c)
    x = np.random.default_rng(0).integers(-128, 128, shape).astype(np.int8)
    try:
        blob = pack(op, encoding)
    except FormatError:
        return None  # not an encoding for this op
    return Job(str(geometry), blob, unpack(blob), x)


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("encoding", ["offsets", "blocks", "dense"])
def test_levels_cost_less_and_less(encoding: str, tmp_path: Path) -> None:
    jobs = [job for g in MLPERF_TINY if (job := job_of(g, encoding)) is not None]
    assert len(jobs) >= 8
    target = find_target("cortex-m4")
    image = build(jobs, target, tmp_path)
    first = measure(image, target, [job.name for job in jobs])
    for job, counts in zip(jobs, first.instructions, strict=True):
        assert len(counts) == LEVELS
        for sparser, denser in itertools.pairwise(counts):
            assert sparser <= TOLERANCE * denser, (job.name, counts)
    assert measure(image, target, [job.name for job in jobs]) == first


@pytest.fixture(scope="module")
def resnet_8() -> Any:
    keras.utils.set_random_seed(0)
    return script("nets").resnet8(keras, (32, 32, 3))


def nested(base: Any, sparsities: tuple[float, ...], pattern: str) -> Any:
    """Nested by magnitude, and normalizations apart, as training moves them."""
    model = nest(base, sparsities, pattern=pattern)
    rng = np.random.default_rng(0)
    for layer in model.graph.layers:
        if isinstance(layer, NestedBatchNormalization):
            for variable in (layer.gamma, layer.beta, layer.moving_mean):
                old = keras.ops.convert_to_numpy(variable)
                variable.assign(old * rng.uniform(0.8, 1.25, old.shape))
    return model


@pytest.mark.usefixtures("tools")
@pytest.mark.filterwarnings(f"ignore::{PatternWarning.__module__}.PatternWarning")
@pytest.mark.parametrize("sparsities", [(0.9, 0.7, 0.0), (0.9, 0.8, 0.7)])
@pytest.mark.parametrize(("target", "core", "pattern", "optimize"), CONVERSIONS)
def test_what_convert_picks_costs_less_and_less(
    target: str,
    core: str,
    pattern: str,
    optimize: str,
    sparsities: tuple[float, ...],
    resnet_8: Any,
    tmp_path: Path,
) -> None:
    """And no level more than dense weights, or the report says so."""
    x = np.random.default_rng(0).normal(size=(4, 32, 32, 3)).astype(np.float32)
    model = nested(resnet_8, sparsities, pattern)
    tflite = convert(model, x, target=target, optimize=optimize)
    jobs, dense_jobs = [], []
    operators = nested_operators(flatbuffer.load(tflite))
    for operator, inputs in zip(operators, random_inputs(operators), strict=True):
        jobs.append(Job(operator.name, operator.blob, operator.op, inputs))
        for one in candidates(densest(operator.op)):
            dense_jobs.append(Job(operator.name, one.blob, unpack(one.blob), inputs))
    every = [*jobs, *dense_jobs]
    image = build(every, find_target(core), tmp_path)
    counted = measure(image, find_target(core), [job.name for job in every])
    dense: dict[str, int] = {}
    for job, (count,) in zip(
        dense_jobs, counted.instructions[len(jobs) :], strict=True
    ):
        dense[job.name] = min(count, dense.get(job.name, count))
    told = {entry.layer: entry.chosen or "" for entry in tflite.report.entries}
    assert len(jobs) == 9
    slower = []
    for job, counts in zip(jobs, counted.instructions, strict=False):
        for sparser, denser in itertools.pairwise(counts):
            assert sparser <= TOLERANCE * denser, (job.name, counts)
        if max(counts) > TOLERANCE * dense[job.name] + MORE_THAN_DENSE:
            slower.append(job.name)
            assert "dense weights would be faster" in told[job.name]
    # Single weights of a small matrix gain nothing on the M4, in no encoding.
    assert slower == (
        ["classes"] if (core, pattern) == ("cortex-m4", "element") else []
    )
