"""The channel pattern from Keras to TFLM: which ops have widths, and what they do."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_nest
from keras_nest.converter import flatbuffer
from keras_nest.converter.describe import describe
from keras_nest.converter.freeze import freeze
from keras_nest.converter.nested_file import nested_operators
from keras_nest.errors import NestError
from keras_nest.format import Segment, Widths, section_sizes
from keras_nest.prefixes import ChannelPrefix
from keras_nest.prefixes import Widths as Prefixes
from tests.converter.nets import inputs_for, on_int8_grid

SHARES = (0.25, 0.5, 0.75, 1.0)


def ds_cnn(size: tuple[int, int] = (15, 6), channels: int = 16) -> Any:
    """DS-CNN of MLPerf Tiny, (49, 10) and 64 there."""
    keras.utils.set_random_seed(0)

    def norm(x: Any) -> Any:
        return layers.ReLU()(layers.BatchNormalization()(x))

    x = inputs = keras.Input((*size, 1))
    first = layers.Conv2D(channels, (10, 4), 2, "same", use_bias=False)
    x = norm(first(x))
    for _ in range(4):
        x = norm(layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x))
        x = norm(layers.Conv2D(channels, 1, use_bias=False)(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(12, "softmax")(x))


def nested(base: Any, widths: Any, seed: int = 0) -> Any:
    """Nested with its final masks, and normalizations of its own at every level."""
    model = keras_nest.nest(base, widths)
    on_int8_grid(model.graph, seed)
    for layer in model.nested_layers:
        layer.update_mask(1.0)
    return model


def check_levels(model: Any, x: Any, target: str) -> Any:
    """Each level of the file is its plain model to the byte, and near Keras' floats."""
    tflite = keras_nest.convert(model, x, target=target)
    interpreter = keras_nest.Interpreter(tflite)
    floats = model.predict(x, verbose=0)
    for level in range(model.levels):
        plain = keras_nest.Interpreter(keras_nest.extract(tflite, level))
        found = interpreter.predict(x, level=level)
        np.testing.assert_array_equal(found, plain.predict(x))
        real = interpreter.predict(x, level=level, dequantize=True)
        spread = np.ptp(floats[f"level_{level}"])
        assert np.abs(real - floats[f"level_{level}"]).max() < 0.1 * spread
    return tflite


@pytest.mark.filterwarnings("ignore::keras_nest.converter.convert.ConversionWarning")
@pytest.mark.parametrize("target", ["generic", "cortex-m4", "cortex-m55"])
def test_ds_cnn_of_four_widths(target: str) -> None:
    base = ds_cnn()
    model = nested(base, keras_nest.channel_widths(base, SHARES))
    x = inputs_for(base, 12)
    tflite = check_levels(model, x, target)
    found = nested_operators(flatbuffer.load(tflite))
    assert len(found) == 10
    inner = [one.op for one in found[:-1]]
    assert all(op.widths.outputs == (4, 8, 12, 16) for op in inner)
    assert found[-1].op.widths.outputs == (12,) * 4
    # The multiplications of a level are those of a net of its width, and stored once.
    facts = describe(tflite)
    positions = (8 * 3, 16)
    macs = [
        positions[0] * (40 * c + 4 * (9 * c + c * c)) + 12 * c for c in (4, 8, 12, 16)
    ]
    assert facts.macs == macs
    dense = sum(one.op.weights.size for one in found)
    stored = sum(section_sizes(one.blob)["values"] for one in found)
    assert stored == dense == facts.weights
    assert all(one.block == "channel" for one in facts.ops)
    entries = tflite.report.entries
    assert all(entry.pattern == "channel" and entry.nested for entry in entries)
    assert "4, 8, 12, 16" in entries[0].reason
    instructions = tflite.report.instructions
    assert all(a < b for a, b in itertools.pairwise(instructions))


@pytest.mark.filterwarnings("ignore::keras_nest.converter.convert.ConversionWarning")
@pytest.mark.parametrize("recipe", ["us-net", "reds"])
def test_recipes_of_widths_convert_to_widths(recipe: str) -> None:
    """Asked for or not: us-net takes sparsities, reds widths."""
    base = ds_cnn()
    asked = {
        "us-net": (0.75, 0.5, 0.0),
        "reds": keras_nest.channel_widths(base, SHARES),
    }
    model = keras_nest.nest(base, asked[recipe], recipe=recipe)
    for layer in model.nested_layers:
        layer.update_mask(1.0)
    report = keras_nest.convert(model, inputs_for(base, 4), target="cortex-m4").report
    assert {entry.pattern for entry in report.entries} == {"channel"}
    instructions = report.instructions
    assert all(a < b for a, b in itertools.pairwise(instructions))


def values_between(model: Any, tflite: bytes, x: Any, level: int) -> dict[str, Any]:
    """What TFLM has in the outputs of the nested ops."""
    from keras_nest.bench.inputs import with_outputs

    found = nested_operators(flatbuffer.load(tflite))
    interpreter = keras_nest.Interpreter(
        with_outputs(tflite, [one.output for one in found])
    )
    interpreter.predict(x[:1], level=level)
    outputs = interpreter.outputs()[-len(found) :]
    return {one.name: (one.op, y) for one, y in zip(found, outputs, strict=True)}


def residual() -> Any:
    keras.utils.set_random_seed(1)
    x = inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="first")(x)
    y = layers.Conv2D(8, 3, padding="same", name="second")(x)
    x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.MaxPooling2D(2)(layers.ZeroPadding2D(1)(x))
    x = layers.Flatten()(x)
    x = layers.Dense(12, activation="relu", name="hidden")(x)
    return keras.Model(inputs, layers.Dense(3, name="last")(x))


@pytest.mark.filterwarnings("ignore::keras_nest.converter.convert.ConversionWarning")
def test_inactive_channels_hold_the_zero_point() -> None:
    """Through an addition, padding and pooling, into the sets behind a Flatten."""
    base = residual()
    model = nested(base, keras_nest.channel_widths(base, (0.5, 1.0)))
    x = inputs_for(base, 12)
    tflite = check_levels(model, x, "cortex-m4")
    between = values_between(model, tflite, x, 0)
    assert set(between) == {"first", "second", "hidden", "last"}
    for name, (op, y) in between.items():
        count = op.widths.outputs[0]
        assert count < op.geometry.out_c or name == "last"
        assert np.all(y[..., count:] == op.output_zero_point)
        assert np.any(y[..., :count] != op.output_zero_point)
    hidden = between["hidden"][0].widths
    assert hidden == Widths((6, 12), (Segment(0, (4, 8)),), 25)


def concatenated() -> Any:
    keras.utils.set_random_seed(2)
    inputs = keras.Input((6, 6, 3))
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="x")(inputs)
    y = layers.Conv2D(12, 1, activation="relu", name="y")(inputs)
    z = layers.Concatenate()([x, y])
    z = layers.Conv2D(8, 3, padding="same", name="joined")(z)
    z = layers.GlobalAveragePooling2D()(z)
    return keras.Model(inputs, layers.Dense(3, name="last")(z))


def set_masks(model: Any, name: str, inputs: Any, outputs: Any) -> None:
    layer = model.graph.get_layer(name)
    levels = np.maximum(np.asarray(inputs)[:, None], np.asarray(outputs)[None, :])
    shape = tuple(layer.kernel.shape)
    layer.level_of.assign(np.broadcast_to(levels, shape).astype("uint8"))


def segmented() -> Any:
    """A model whose concatenation has a prefix of each of its inputs."""
    base = concatenated()
    full = {"x": 3, "y": 3, "joined": 20, "last": 8}
    sizes = {"x": 8, "y": 12, "joined": 8, "last": 3}
    prefixes = {
        name: ChannelPrefix((full[name],) * 2, full[name], (size,) * 2, size)
        for name, size in sizes.items()
    }
    prefixes["x"] = ChannelPrefix((3, 3), 3, (4, 8), 8)
    model = nested(base, Prefixes(prefixes))
    set_masks(model, "x", [0] * 3, [0] * 4 + [1] * 4)
    set_masks(model, "y", [0] * 3, [0] * 5 + [1] * 7)
    joined = [0] * 4 + [1] * 4 + [0] * 5 + [1] * 7
    set_masks(model, "joined", joined, [0] * 4 + [1] * 4)
    set_masks(model, "last", [0] * 4 + [1] * 4, [0] * 3)
    return model


@pytest.mark.filterwarnings("ignore::keras_nest.converter.convert.ConversionWarning")
@pytest.mark.parametrize("target", ["generic", "cortex-m4", "cortex-m55"])
def test_a_prefix_of_each_input_of_a_concatenation(target: str) -> None:
    model = segmented()
    x = inputs_for(concatenated(), 12)
    tflite = check_levels(model, x, target)
    found = {one.name: one.op for one in nested_operators(flatbuffer.load(tflite))}
    segments = (Segment(0, (4, 8)), Segment(8, (5, 12)))
    assert found["joined"].widths == Widths((4, 8), segments)
    assert found["y"].widths.outputs == (5, 12)


def masks_of(model: Any) -> dict[str, Any]:
    return {op.name: op.widths for op in freeze(model).weighted()}


def test_masks_within_a_prefix_and_other_masks_stay_masks() -> None:
    model = segmented()
    layer = model.graph.get_layer("joined")
    level_of = np.array(ops.convert_to_numpy(layer.level_of))
    level_of[0, 0, 0, 0] = 1
    layer.level_of.assign(level_of)
    found = masks_of(model)
    assert found["joined"] is None and found["x"] is not None
    assert freeze(model).weighted()[-2].level_of is not None


def test_channels_that_another_op_reads_stay() -> None:
    """What has no weights at a level has a bias, and whoever reads it gets it."""
    model = segmented()
    set_masks(model, "joined", [0] * 20, [0] * 4 + [1] * 4)
    found = masks_of(model)
    # The bias of the four others counts: that layer keeps its masks.
    assert found["x"] is None and found["y"] is None
    assert found["joined"] == Widths((4, 8), (Segment(0, (20, 20)),))
    x = inputs_for(concatenated(), 12)
    with pytest.warns(keras_nest.converter.convert.ConversionWarning):
        tflite = keras_nest.convert(model, x)
    for level in (0, 1):
        found_y = keras_nest.Interpreter(tflite).predict(x, level=level)
        plain = keras_nest.Interpreter(keras_nest.extract(tflite, level))
        np.testing.assert_array_equal(found_y, plain.predict(x))


def test_the_larger_of_two_widths_is_added() -> None:
    keras.utils.set_random_seed(3)
    inputs = keras.Input((4, 4, 3))
    x = layers.Conv2D(8, 1, name="x")(inputs)
    y = layers.Conv2D(8, 1, name="y")(inputs)
    z = layers.Conv2D(4, 1, name="z")(layers.Add()([x, y]))
    base = keras.Model(inputs, z)
    wide, narrow = (ChannelPrefix((3, 3), 3, (n, 8), 8) for n in (6, 4))
    last = ChannelPrefix((6, 8), 8, (4, 4), 4)
    model = nested(base, Prefixes({"x": wide, "y": narrow, "z": last}))
    found = masks_of(model)
    assert found["x"].outputs == (6, 8)
    # Channels 4 and 5 are its bias there.
    assert found["y"] is None
    # It reads y's bias in channels that it has, and nothing else.
    assert found["z"].segments == (Segment(0, (6, 8)),)


def test_a_softmax_over_inactive_channels_is_refused() -> None:
    keras.utils.set_random_seed(4)
    inputs = keras.Input((4, 4, 3))
    x = layers.Softmax(name="soft")(layers.Conv2D(8, 1, name="x")(inputs))
    base = keras.Model(inputs, layers.Conv2D(4, 1, name="z")(x))
    prefixes = {
        "x": ChannelPrefix((3, 3), 3, (4, 8), 8),
        "z": ChannelPrefix((4, 8), 8, (4, 4), 4),
    }
    model = nested(base, Prefixes(prefixes))
    with pytest.raises(
        NestError, match=r"layer 'x', which has no channel 4 at level 0"
    ):
        freeze(model)


def test_masks_that_ramp_are_no_widths_yet() -> None:
    base = ds_cnn()
    model = keras_nest.nest(base, keras_nest.channel_widths(base, SHARES))
    for layer in model.nested_layers:
        layer.update_mask(0.0)
    assert set(masks_of(model).values()) == {None}


def forked() -> Any:
    """A depthwise op and another that read the same tensor."""
    keras.utils.set_random_seed(5)
    inputs = keras.Input((6, 6, 3))
    x = layers.Conv2D(8, 1, use_bias=False, name="x")(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    deep = layers.DepthwiseConv2D(3, padding="same", name="deep")(x)
    z = layers.Conv2D(4, 3, padding="same", name="z")(deep)
    return keras.Model(inputs, layers.Add()([z, layers.Conv2D(4, 1, name="whole")(x)]))


def test_a_depthwise_op_reads_what_is_zero_or_has_no_widths() -> None:
    base = forked()
    prefixes = keras_nest.channel_widths(base, {"x": [4, 8]})
    assert masks_of(nested(base, prefixes))["deep"].outputs == (4, 8)
    # Now "whole" reads all channels of "x" at all levels.
    prefixes.pop("whole")
    found = masks_of(nested(base, prefixes))
    assert found["x"] is None
    assert found["deep"] is None


def test_masks_alone_make_no_widths() -> None:
    """Which channels they leave out is chance, and firmware may be without widths."""
    base = residual()
    model = nested(base, (0.9, 0.0))
    level_of = model.graph.get_layer("second").level_of
    level_of.assign(np.where(np.arange(8)[:, None] >= 6, 1, 0) * np.ones((3, 3, 8, 8)))
    assert set(masks_of(model).values()) == {None}


def test_a_level_for_each_layer_is_refused() -> None:
    """A wide layer would leave values where the narrow one behind it has no channel."""
    base = residual()
    model = nested(base, keras_nest.channel_widths(base, (0.5, 1.0)))
    with pytest.raises(NestError, match="levels of width in first, second, hidden"):
        keras_nest.convert(model, inputs_for(base, 4), per_layer_level=True)
