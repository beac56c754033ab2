"""Levels that mix widths and sparsities, from Keras to TFLM."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
import pytest

import keras_nest
from keras_nest import reference, reporting
from keras_nest.bench.inputs import with_outputs
from keras_nest.converter import flatbuffer
from keras_nest.converter.describe import describe
from keras_nest.converter.freeze import freeze
from keras_nest.converter.nested_file import nested_operators
from keras_nest.format import candidates
from keras_nest.prefixes import ChannelPrefix
from keras_nest.prefixes import Widths as Prefixes
from keras_nest.runtime import core
from tests.converter.nets import inputs_for, on_int8_grid
from tests.converter.test_width_levels import (
    check_levels,
    concatenated,
    ds_cnn,
    residual,
    values_between,
)

WIDTHS = (0.25, 0.5, 1.0)
SPARSITIES = (0.5, 0.75, 0.0)

pytestmark = pytest.mark.filterwarnings(
    "ignore::keras_nest.converter.convert.ConversionWarning"
)


def nested(base: Any, sparsities: Any = SPARSITIES, **options: Any) -> Any:
    """Nested with its final masks, and normalizations of its own at every level."""
    options = {"widths": WIDTHS, **options}
    model = keras_nest.nest(base, sparsities, **options)
    on_int8_grid(model.graph, 0)
    for layer in model.nested_layers:
        layer.update_mask(1.0)
    return model


@pytest.mark.parametrize(
    ("target", "pattern"),
    [("generic", "element"), ("cortex-m4", "1x2"), ("cortex-m55", "1x4")],
)
def test_ds_cnn_of_mixed_levels(target: str, pattern: str) -> None:
    base = ds_cnn()
    model = nested(base, pattern=pattern)
    tflite = check_levels(model, inputs_for(base, 12), target)
    found = {one.name: one.op for one in nested_operators(flatbuffer.load(tflite))}
    wide = [op.widths.outputs for op in found.values() if op.widths is not None]
    assert wide == [(4, 8, 16)] * 5  # the first convolution and the depthwise ones
    facts = describe(tflite)
    assert len({one.block for one in facts.ops}) == 2
    kept = [
        sum(layer.active(level).sum() for layer in model.nested_layers)
        for level in range(3)
    ]
    depthwise = [4 * 9 * c for c in (4, 8, 16)]
    kept = [a + b for a, b in zip(kept, depthwise, strict=True)]
    assert facts.nonzeros == pytest.approx(kept, rel=0.01)  # but for zeros
    instructions = tflite.report.instructions
    assert all(a < b for a, b in itertools.pairwise(instructions))


def ends(tflite: bytes, x: Any, level: int) -> list[tuple[Any, Any, Any]]:
    """Each nested op with what TFLM has in its input and output."""
    nested = nested_operators(flatbuffer.load(tflite))
    tensors = [index for one in nested for index in (one.source, one.output)]
    interpreter = keras_nest.Interpreter(with_outputs(tflite, tensors))
    interpreter.predict(x[:1], level=level)
    values = interpreter.outputs()[-len(tensors) :]
    return list(zip([one.op for one in nested], values[::2], values[1::2], strict=True))


@pytest.mark.parametrize("build", [residual, concatenated, ds_cnn])
@pytest.mark.parametrize("seed", range(2))
def test_random_mixes_are_exact_in_every_encoding(build: Any, seed: int) -> None:
    """TFLM == the plain model of the level, and of each op == numpy == C."""
    rng = np.random.default_rng(seed)
    base = build()
    widths = np.sort(rng.choice(np.arange(2, 9), 3, replace=False)) / 8
    shares = np.sort(rng.uniform(0.2, 0.9, 3)) * widths**2  # of a kernel
    sparsities = tuple(1 - shares / widths**2)
    pattern = str(rng.choice(["element", "1x2", "1x4"]))
    model = nested(base, sparsities, widths=tuple(widths), pattern=pattern)
    x = inputs_for(base, 4)
    tflite = check_levels(model, x, "cortex-m4")
    encodings = set()
    for level in range(3):
        for op, source, output in ends(tflite, x, level):
            g = op.geometry
            given = source.reshape(-1, g.in_h, g.in_w, g.in_c)
            if g.op == "fully_connected":
                given = source.reshape(-1, g.in_c)
            found = reference.run(op, given, level)
            np.testing.assert_array_equal(found.ravel(), output.ravel())
            for packed in candidates(op):
                encodings.add(packed.encoding)
                found = core.run(packed.blob, given, level)
                np.testing.assert_array_equal(found.ravel(), output.ravel())
    assert encodings >= {"blocks", "lists", "offsets", "vectors"}


def test_inactive_channels_hold_the_zero_point() -> None:
    """Rows without weights have no bias either; rows that have a channel keep it."""
    base = residual()
    model = nested(base, widths=(0.5, 0.75, 1.0))
    x = inputs_for(base, 12)
    tflite = check_levels(model, x, "cortex-m4")
    between = values_between(model, tflite, x, 0)
    for name, (op, y) in between.items():
        count = model.graph.get_layer(name).prefix.outputs[0]
        assert (op.widths is None) == (name != "first")
        assert count < op.geometry.out_c or name == "last"
        assert np.all(y[..., count:] == op.output_zero_point)
        assert np.any(y[..., :count] != op.output_zero_point)


def test_masks_that_ramp_convert_as_masks() -> None:
    model = nested(ds_cnn())
    for layer in model.nested_layers:
        layer.update_mask(0.5)
    assert all(op.channels is None for op in freeze(model).weighted())


def test_a_channel_that_happens_to_have_no_weights_is_no_width() -> None:
    """Depthwise ops go by the channels of the level, not by what masks leave."""
    model = nested(ds_cnn())
    layer = next(one for one in model.nested_layers if one.prefix.within)
    level_of = np.array(keras.ops.convert_to_numpy(layer.level_of))
    level_of[..., :2, :] = 255  # a block
    layer.level_of.assign(level_of)
    widths = [op.widths for op in freeze(model).weighted()]
    assert sum(one is not None for one in widths) == 5
    check_levels(model, inputs_for(ds_cnn(), 4), "cortex-m4")


def test_a_softmax_over_inactive_channels_is_refused() -> None:
    keras.utils.set_random_seed(4)
    inputs = keras.Input((4, 4, 3))
    x = keras.layers.Conv2D(8, 1, name="x")(inputs)
    z = keras.layers.Conv2D(4, 1, name="z")(keras.layers.Softmax()(x))
    prefixes = Prefixes(
        {
            "x": ChannelPrefix((3, 3), 3, (4, 8), 8),
            "z": ChannelPrefix((4, 8), 8, (4, 4), 4),
        }
    )
    asked = {"x": (0.5, 0.0), "z": (0.5, 0.0)}
    with pytest.warns(keras_nest.ConversionWarning, match="no channel 4 at level 0"):
        keras_nest.nest(keras.Model(inputs, z), asked, widths=prefixes)


def test_thirty_two_levels(capsys: pytest.CaptureFixture[str]) -> None:
    """Eight widths of four sparsities: what their tables take, private and shared."""
    base = ds_cnn((7, 4))
    widths = np.repeat(np.arange(1, 9) / 8, 4)
    sparsities = 1 - np.linspace(0.2, 1, 32)
    x = inputs_for(base, 4)
    tables = {}
    for batch_norm in ("private", "shared"):
        model = nested(base, sparsities, widths=widths, batch_norm=batch_norm)
        assert model.levels == 32
        tflite = keras_nest.convert(model, x, target="cortex-m4")
        interpreter = keras_nest.Interpreter(tflite)
        for level in (0, 1, 13, 31):
            plain = keras_nest.Interpreter(keras_nest.extract(tflite, level))
            found = interpreter.predict(x, level=level)
            np.testing.assert_array_equal(found, plain.predict(x))
        facts = describe(tflite)
        assert facts.levels == 32
        tables[batch_norm] = [one.sections["tables"] for one in facts.ops]
        assert all(a <= b for a, b in itertools.pairwise(facts.macs))
        reporting.print_facts("mixed", facts)
        assert f"{sum(tables[batch_norm]):,} : 1,404" in capsys.readouterr().out
    # 9 bytes for a channel and a table: one for each level, or each width. Those of
    # dense ops have one where levels share all, as their own channels are all they do.
    assert tables["private"] == [9 * 16 * 32] * 9 + [9 * 12]
    assert tables["shared"] == [9 * 16] * 2 + [9 * 16 * 8, 9 * 16] * 3 + [
        9 * 16 * 8,
        9 * 12,
    ]
