"""Levels that mix: sparsities between the channels of each level."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_nest
from keras_nest.errors import NestError
from keras_nest.masks import Pattern, rows_of_kernel
from keras_nest.mixed_masks import level_of_mixed
from keras_nest.prefixes import ChannelPrefix
from tests.training.test_widths import LOSS, data, network

WIDTHS = (0.5, 0.75, 1.0)
SPARSITIES = (0.5, 0.75, 0.25)


def channels_of(inputs: Any, outputs: Any) -> Any:
    """The lowest level of each weight's channels, [rows, columns]."""
    prefix = ChannelPrefix(inputs, inputs[-1], outputs, outputs[-1])
    return rows_of_kernel(prefix.level_of((2, inputs[-1], outputs[-1])))


@pytest.mark.parametrize("pattern", ["element", "1x2", "4x4", "1x4-balanced"])
def test_levels_are_the_largest_between_their_channels(pattern: str) -> None:
    rng = np.random.default_rng(0)
    channels = channels_of((8, 16, 16), (4, 10, 12))
    scores = rng.random(channels.shape)
    block = Pattern.parse(pattern)
    found = level_of_mixed(scores, channels, SPARSITIES, block)
    assert np.all(found >= channels)
    # Level 1 has no more room than what level 0 keeps where its own share is less.
    for level, sparsity in enumerate(SPARSITIES):
        between = channels <= level
        if block.rows == 1:
            kept = np.mean(found[between] <= level)
            assert kept == pytest.approx(1 - sparsity, abs=0.1)
    first = found[:4, :8]
    if pattern == "element":
        best = np.sort(scores[channels == 0])[-np.sum(found == 0) :]
        np.testing.assert_array_equal(np.sort(scores[found == 0]), best)
    assert np.any(first == 0)
    assert np.all((found[:, ::2] == found[:, 1::2]) | (block.cols == 1))


def test_a_level_keeps_what_the_one_below_does() -> None:
    """Also where it has no place for more, or leaves out a larger share."""
    rng = np.random.default_rng(1)
    channels = channels_of((4, 8), (4, 8))
    scores = rng.random(channels.shape)
    found = level_of_mixed(scores, channels, (0.0, 0.9), Pattern())
    # 32 of 128 weights are more than a tenth of them.
    np.testing.assert_array_equal(found == 0, channels == 0)
    assert not np.any(found == 1)


def test_what_was_held_goes_first() -> None:
    rng = np.random.default_rng(2)
    channels = channels_of((4, 8), (4, 8))
    scores = rng.random(channels.shape)
    held = level_of_mixed(scores, channels, (0.5, 0.5), Pattern())
    found = level_of_mixed(
        rng.random(channels.shape), channels, (0.75, 0.75), Pattern()
    )
    assert np.any((found == 0) & (held > 0))
    found = level_of_mixed(
        rng.random(channels.shape), channels, (0.75, 0.75), Pattern(), held
    )
    assert not np.any((found == 0) & (held > 0))
    assert not np.any((found <= 1) & (held > 1))


def mixed(**options: Any) -> Any:
    return keras_nest.nest(network(), SPARSITIES, widths=WIDTHS, **options)


def test_nest_takes_widths_and_sparsities() -> None:
    model = mixed()
    graph = model.graph
    widths = keras_nest.channel_widths(network(), WIDTHS)
    first = graph.get_layer("first")  # exempt: its channels alone
    assert first.prefix == widths["first"] and first.prefix.within == ()
    # Half of half its inputs are as many as a third of three quarters.
    assert graph.get_layer("last").prefix.within == pytest.approx((0.5, 2 / 3, 0.25))
    for name in ("a", "b", "hidden", "last"):
        layer = graph.get_layer(name)
        assert name == "last" or layer.prefix.within == SPARSITIES
        assert layer.prefix.outputs == widths[name].outputs
        level_of = ops.convert_to_numpy(layer.level_of)
        assert np.all(level_of >= layer.prefix.level_of(level_of.shape))
        sizes = [np.sum(level_of <= level) for level in range(3)]
        assert sizes == sorted(sizes) and sizes[0] > 0
        achieved = [1 - size / level_of.size for size in sizes]
        assert achieved == pytest.approx(layer.sparsities, abs=0.06)
    assert graph.get_layer("depthwise").widths == (4, 6, 8)
    assert model.sparsities[0] > 0.82 > model.sparsities[1] > model.sparsities[2] > 0.2
    facts = {one.name: one for one in keras_nest.summary.layer_facts(graph, 3)}
    assert facts["b"].pattern == "channel, 1x2" and facts["first"].pattern == "channel"


def test_widths_may_repeat() -> None:
    model = keras_nest.nest(network(), (0.9, 0.5, 0.0), widths=(0.5, 0.5, 1.0))
    prefix = model.graph.get_layer("b").prefix
    assert prefix.outputs == (6, 6, 12) and prefix.within == (0.9, 0.5, 0.0)


def test_sparsities_by_layer_and_widths_by_layer() -> None:
    widths = keras_nest.channel_widths(network(), {"a": (6, 9, 12)})
    asked = {"b": (0.9, 0.5, 0.0), "first": (0.5, 0.25, 0.0)}
    model = keras_nest.nest(network(), asked, widths=widths, pattern="element")
    prefixes = {
        name: model.graph.get_layer(name).prefix for name in ("first", "a", "b")
    }
    assert prefixes["a"].within == () and prefixes["b"].within == asked["b"]
    # No width of its own: all channels, of which some weights are left out.
    assert prefixes["first"].outputs == (8, 8, 8)
    assert model.graph.get_layer("depthwise").widths is None


def test_no_sparsities_are_widths_alone() -> None:
    model = keras_nest.nest(network(), (0.0, 0.0, 0.0), widths=WIDTHS)
    alone = keras_nest.nest(network(), keras_nest.channel_widths(network(), WIDTHS))
    for one, other in zip(model.nested_layers, alone.nested_layers, strict=True):
        assert one.get_config() == other.get_config()


def test_mixed_levels_train_save_and_load(tmp_path: Path) -> None:
    model = mixed(schedule=keras_nest.CubicRamp(updates=3))
    x, y = data()
    model.compile(keras.optimizers.Adam(0.01), LOSS, metrics=["accuracy"])
    model.fit(x, y, batch_size=8, epochs=6, verbose=0)
    scores = model.evaluate(x, y, verbose=0, return_dict=True)
    assert all(scores[f"level_{level}_accuracy"] > 0.6 for level in range(3)), scores
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.graph.get_layer("b").prefix == model.graph.get_layer("b").prefix
    outputs, again = model.predict(x, verbose=0), loaded.predict(x, verbose=0)
    for name, values in outputs.items():
        np.testing.assert_allclose(again[name], values, atol=1e-6)
    # A plain model of one level has its channels and no others.
    kernel = ops.convert_to_numpy(model.level(0).get_layer("b").kernel)
    assert not np.any(kernel[:, :, 6:]) and not np.any(kernel[..., 6:])


@pytest.mark.parametrize(
    ("sparsities", "options", "message"),
    [
        ((0.5, 0.0), {}, "as many sparsities as widths, 3. Received: 2 for layer"),
        ((0.5, 1.0, 0.0), {}, r"at least 0 and below 1. Received: \(0.5, 1.0, 0.0\)"),
        ({"c": (0.5, 0.5, 0.0)}, {}, r"name convolutions.*\['c'\]"),
        (SPARSITIES, {"pattern": "channel"}, "Received: pattern='channel'"),
        (SPARSITIES, {"recipe": "us-net"}, "Received: pattern='channel'"),
        (keras_nest.BitWidths((4, 6, 8)), {}, "Received: BitWidths"),
        (SPARSITIES, {"widths": (0.5, 0.25, 1.0)}, "that rise from level to level"),
        ((0.0, 0.9, 0.9), {"widths": (1.0, 1.0, 1.0)}, "levels 0 and 1 to differ"),
    ],
)
def test_bad_levels_are_refused(sparsities: Any, options: Any, message: str) -> None:
    with pytest.raises(NestError, match=message):
        keras_nest.nest(network(), sparsities, **{"widths": WIDTHS, **options})
