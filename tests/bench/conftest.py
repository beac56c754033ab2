"""A small nested model, written without Keras, and the tools that the bench needs."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from keras_nest import _native
from keras_nest.bench import image, targets
from keras_nest.format import NEVER, Geometry, NestedOp, pack
from tests.kernels.random_ops import random_tables
from tests.runtime.flatbuffer_graph import Graph

LEVELS = 3
DENSITIES = (0.1, 0.3, 1.0)
CONV = Geometry("conv_2d", 8, 8, 8, 8, 8, 16, 3, 3, 1, 1, 1, 1, 1, 1)
DEPTHWISE = Geometry("depthwise_conv_2d", 8, 8, 16, 4, 4, 16, 3, 3, 2, 2)
DENSE = Geometry("fully_connected", 1, 1, 256, 1, 1, 10)


def nested_op(geometry: Geometry, seed: int, block: tuple[int, int]) -> NestedOp:
    """An op whose levels keep 10, 30 and 100 % of each row, where it is sparse."""
    rng = np.random.default_rng(seed)
    level_of = None
    if geometry.op != "depthwise_conv_2d":
        blocks = geometry.columns // block[1]
        bounds = np.cumsum(
            [0, *(round(d * blocks) for d in np.diff(DENSITIES, prepend=0))]
        )
        ranks = rng.permuted(np.tile(np.arange(blocks), (geometry.out_c, 1)), axis=1)
        grid = np.searchsorted(bounds[1:], ranks, side="right")
        level_of = np.where(grid < LEVELS, grid, NEVER).astype(np.uint8)
        level_of = level_of.repeat(block[1], axis=1)
    op = random_tables(rng, geometry, LEVELS, level_of, block)
    op.input_zero_point, op.output_zero_point = 3, 3
    op.act_min, op.act_max = -128, 127
    return op


OPS = {
    "conv": nested_op(CONV, 1, (1, 2)),
    "depthwise": nested_op(DEPTHWISE, 2, (1, 1)),
    "dense": nested_op(DENSE, 3, (1, 4)),
}


@pytest.fixture(scope="session")
def tflite() -> bytes:
    """The model in the encodings for size, which all cores run."""
    encodings = {"conv": "auto", "depthwise": "auto", "dense": "blocks"}
    return model({name: pack(op, encodings[name]) for name, op in OPS.items()})


def model_for(target: str) -> bytes:
    """The model in the encodings for speed on a core."""
    encoding = {"cortex-m3": "blocks", "cortex-m55": "vectors"}.get(target, "offsets")
    folded = target == "cortex-m55"
    return model(
        {
            name: pack(op, "dense", folded=folded)
            if op.level_of is None
            else pack(op, encoding)
            for name, op in OPS.items()
        }
    )


def model(blobs: dict[str, bytes]) -> bytes:
    """x -> conv -> depthwise -> RESHAPE -> dense -> y, by the packed `OPS`."""
    graph = Graph()
    # Equal zero points and scales: what the tensors mean does not matter here.
    quantization = (np.int8, 1.0, 3)
    x = graph.tensor("x", (1, 8, 8, 8), *quantization)
    level = graph.tensor("level", (1,), np.int32)
    shapes = {"conv": (1, 8, 8, 16), "depthwise": (1, 4, 4, 16), "dense": (1, 10)}
    source = x
    for name, op in OPS.items():
        blob = blobs[name]
        packed = graph.tensor(f"{name}/packed", (len(blob),), np.uint8, data=blob)
        target = graph.tensor(name, shapes[name], *quantization)
        kind = f"NESTED_{op.geometry.op.upper()}"
        graph.op(kind, [source, level, packed], target)
        source = target
        if name == "depthwise":
            flat = graph.tensor("flat", (1, 256), *quantization)
            shape = np.array([1, 256], np.int32)
            wanted = graph.tensor("shape", (2,), np.int32, data=shape)
            code = schema.BuiltinOperator.RESHAPE
            graph.op(code, [source, wanted], flat, schema.ReshapeOptionsT())
            source = flat
    return graph.build([x, level], [source])


@pytest.fixture
def own_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the C sources, to be changed, that the bench builds from."""
    copy = tmp_path / "sources"
    shutil.copytree(_native.sources_path(), copy)
    for module in (image, targets):
        monkeypatch.setattr(module, "sources_path", lambda: copy)
    return copy
