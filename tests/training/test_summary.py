"""The summary: counts by hand, bytes by the packer, patterns as they came out."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_nest.model import nest
from keras_nest.summary import layer_facts

SPARSITIES = (0.75, 0.5, 0.0)


def network() -> Any:
    x = inputs = keras.Input((8, 8, 4))
    x = layers.Conv2D(4, 3, name="stem")(x)  # 6 x 6
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = shared = layers.Conv2D(8, 1, use_bias=False, name="conv")(x)
    x = layers.BatchNormalization()(x)
    twice = layers.Conv2D(8, 3, padding="same", name="twice")
    x = twice(twice(x))
    x = layers.Add()([x, shared])
    x = layers.Reshape((36, 8))(x)
    x = layers.Conv1D(4, 5, strides=2, name="conv_1d")(x)  # 16 steps
    x = layers.Dense(6, name="dense")(x)
    return keras.Model(inputs, x, name="net")


def facts(**arguments: Any) -> dict[str, Any]:
    model = nest(network(), SPARSITIES, **arguments)
    return {layer.name: layer for layer in layer_facts(model.graph, model.levels)}


def test_counts() -> None:
    found = facts()
    assert list(found) == ["stem", "depthwise", "conv", "twice", "conv_1d", "dense"]
    weights = {name: layer.weights for name, layer in found.items()}
    assert weights == {
        "stem": 9 * 4 * 4,
        "depthwise": 9 * 4,
        "conv": 4 * 8,
        "twice": 9 * 8 * 8,
        "conv_1d": 5 * 8 * 4,
        "dense": 4 * 6,
    }
    positions = {"stem": 36, "depthwise": 36, "conv": 36, "twice": 72}
    positions |= {"conv_1d": 16, "dense": 16}
    for name, layer in found.items():
        densities = (1, 1, 1) if name in ("stem", "depthwise") else (0.25, 0.5, 1)
        assert layer.nonzeros == tuple(d * layer.weights for d in densities)
        assert layer.macs == tuple(positions[name] * n for n in layer.nonzeros)
        assert layer.achieved == pytest.approx([1 - d for d in densities])
        channels = {"stem": 4, "depthwise": 4, "conv": 8, "twice": 8}.get(name)
        channels = channels or {"conv_1d": 4, "dense": 6}[name]
        assert layer.dense_bytes == layer.weights + 4 * channels


def test_packed_bytes() -> None:
    found = facts()
    # Left as it is: the same at all levels.
    assert found["stem"].packed_bytes == (found["stem"].dense_bytes,) * 3
    for name in ("conv", "twice", "conv_1d", "dense"):
        packed = found[name].packed_bytes
        assert packed[0] < packed[1] < packed[2]
        assert packed[2] > found[name].weights
    # The tables of private BatchNormalization are stored for each level.
    shared = facts(batch_norm="shared")
    assert shared["conv"].packed_bytes[2] < found["conv"].packed_bytes[2]
    assert shared["twice"].packed_bytes == found["twice"].packed_bytes


def test_a_sparser_densest_level_takes_fewer_bytes() -> None:
    inputs = keras.Input((64,))
    base = keras.Model(inputs, layers.Dense(64)(inputs))
    totals = []
    for sparsities in ((0.9, 0.7, 0.0), (0.9, 0.8, 0.7)):
        graph = nest(base, sparsities).graph
        totals.append(layer_facts(graph, 3)[0].packed_bytes[2])
    assert totals[1] < 0.6 * totals[0]


def test_patterns_that_fell_are_shown() -> None:
    model = nest(network(), SPARSITIES, pattern="4x16", name="patterns")
    text: list[str] = []
    model.summary(print_fn=text.append)
    assert len(text) == 1
    assert "patterns: 3 levels" in text[0]
    assert "NestedConv2D, 4x4 (asked 4x16)" in text[0]
    assert "Conv2D, dense" in text[0]
    for level, sparsity in enumerate(("75% asked", "50% asked", "0% asked")):
        assert f"level {level}" in text[0] and sparsity in text[0]
    total = sum(layer.macs[0] for layer in layer_facts(model.graph, 3))
    assert f"{total:,}" in text[0]


@pytest.mark.parametrize(("width", "stacked"), [(80, True), (220, False)])
def test_the_summary_fits_the_terminal(
    width: int, stacked: bool, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    nest(network(), SPARSITIES).summary()
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    assert any("per level" in line for line in lines) == stacked
    assert not any("…" in line for line in lines)


def test_facts_follow_the_masks() -> None:
    model = nest(network(), SPARSITIES)
    layer = model.graph.get_layer("twice")
    layer.update_mask(0.0)
    found = {f.name: f for f in layer_facts(model.graph, 3)}["twice"]
    assert found.nonzeros == (576,) * 3
    assert found.achieved == (0.0,) * 3 and found.asked == SPARSITIES
    assert np.all(ops.convert_to_numpy(layer.level_of) == 0)
