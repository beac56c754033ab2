"""The integer arithmetic of shared weights, and its limits."""

from __future__ import annotations

import math
from typing import Any
from unittest import mock

import keras
import numpy as np
import pytest

from keras_nest import NestError, convert, extract
from keras_nest.converter import calibrate, quantize
from keras_nest.converter.arithmetic import (
    activation_bounds,
    effective_scale,
    quantize_multiplier,
    same_padding,
    unambiguous_scale,
)
from keras_nest.converter.freeze import freeze
from keras_nest.converter.graph import Graph, Weighted
from keras_nest.converter.packing import nested_op
from keras_nest.format import pack
from keras_nest.model import nest
from keras_nest.runtime import Interpreter
from tests.converter.nets import inputs_for, nested_random_net, random_net

L = keras.layers


def test_quantize_multiplier_by_hand() -> None:
    multiplier, shift = quantize_multiplier(
        np.array([1.0, 0.5, 0.75, 3.0, 0.0, 2.0**-40, 1 - 2.0**-33, 2.0**-32])
    )
    half, three_quarters = 1 << 30, 3 << 29
    # 1 - 2**-33 rounds up to 1; under 2**-32 nothing is left, as in TFLite.
    expected = [half, half, three_quarters, three_quarters, 0, 0, half, half]
    assert multiplier.tolist() == expected
    assert shift.tolist() == [1, 0, 0, 2, 0, 0, 1, -31]


def test_quantize_multiplier_keeps_31_bits() -> None:
    values = 10.0 ** np.random.default_rng(0).uniform(-8, 4, 1000)
    multiplier, shift = quantize_multiplier(values)
    assert np.all((multiplier >= 1 << 30) & (multiplier <= (1 << 31) - 1))
    back = multiplier * 2.0 ** (shift - 31.0)
    np.testing.assert_allclose(back, values, rtol=2.0**-31)


def test_lone_dense_output_multiplies_in_float32() -> None:
    scale = np.array([0.1], np.float32)
    wide = effective_scale(0.3, scale, 0.7)
    narrow = effective_scale(0.3, scale, 0.7, single=True)
    exact = float(np.float32(0.3)) * float(np.float32(0.1)) / float(np.float32(0.7))
    assert wide[0] == exact
    assert narrow[0] != exact
    assert narrow[0] == pytest.approx(exact, rel=1e-6)


def test_unambiguous_scales_make_both_products_agree() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        source, out = rng.uniform(1e-3, 1, 2).astype(np.float32)
        scales = rng.uniform(1e-4, 1e-1, 3).astype(np.float32)
        found = unambiguous_scale(source, scales, out)
        np.testing.assert_allclose(found, scales, rtol=2.0**-12)
        wide = quantize_multiplier(effective_scale(source, found, out))
        narrow = quantize_multiplier(effective_scale(source, found, out, single=True))
        np.testing.assert_array_equal(wide, narrow)


def test_lone_dense_output_has_the_multiplier_that_tflm_computes() -> None:
    inputs = keras.Input((9,), name="x")
    for seed in range(10):
        keras.utils.set_random_seed(seed)
        model = keras.Model(inputs, L.Dense(1, name="y")(inputs))
        graph = freeze(model)
        ranges = calibrate.ranges(graph, inputs_for(model, 10, seed))
        quantized = quantize.quantize(graph, ranges)
        op = quantized.weighted["y"]
        factor = effective_scale(
            quantized.tensors["x"].scale,
            op.weight_scale,
            quantized.tensors["y"].scale,
            single=True,
        )
        np.testing.assert_array_equal(
            (op.multiplier, op.shift), quantize_multiplier(factor)
        )


def test_activation_bounds_by_hand() -> None:
    assert activation_bounds("linear", 0.1, 5) == (-128, 127)
    assert activation_bounds("relu", 0.1, 5) == (5, 127)
    assert activation_bounds("relu6", 0.1, 5) == (5, 65)
    assert activation_bounds("relu6", 6 / 255, -128) == (-128, 127)


def test_same_padding_puts_the_odd_one_behind() -> None:
    assert same_padding(7, 3, 2, 1) == (4, 1, 1)
    assert same_padding(6, 3, 2, 1) == (3, 0, 1)
    assert same_padding(6, 1, 2, 1) == (3, 0, 0)
    assert same_padding(8, 3, 1, 2) == (8, 2, 2)


@pytest.mark.parametrize(
    ("low", "high", "zero_point"),
    [(0, 6, -128), (-1, 1, 0), (2, 5, -128), (-5, -2, 127), (0, 0, -128)],
)
def test_activation_ranges_hold_zero_exactly(low: float, high: float, zero_point: int):
    parameters = quantize.activation_quantization(low, high)
    assert parameters.zero_point == pytest.approx(zero_point, abs=1)
    assert parameters.scale == np.float32(parameters.scale)
    span = max(high, 0) - min(low, 0)
    assert parameters.scale == (np.float32(span / 255) if span else 1.0)


def quantized_net(seed: int) -> quantize.QuantizedGraph:
    graph = freeze(nested_random_net(seed, "element", exempt=None))
    x = inputs_for(random_net(seed), 20)
    return quantize.quantize(graph, calibrate.ranges(graph, x))


@pytest.mark.parametrize("seed", range(4))
def test_one_int8_kernel_and_a_scale_per_level(seed: int) -> None:
    quantized = quantized_net(seed)
    negative = private = 0
    for op in quantized.weighted.values():
        axes = tuple(i for i in range(op.weights.ndim) if i != op.op.channel_axis)
        # The largest weight of each row of the densest level is +-127, or all are 0.
        assert set(np.abs(op.weights.astype(int)).max(axis=axes)) <= {127, 0}
        if op.op.level_of is not None:
            assert not np.any(op.weights[op.op.level_of == 255])
        np.testing.assert_array_equal(op.sign < 0, op.op.scale < 0)
        assert np.all(op.multiplier >= 1 << 30)
        negative += int(np.sum(op.sign < 0))
        private += int(np.any(op.weight_scale != op.weight_scale[0]))
        # What the integers stand for is the float layer, up to half a weight step.
        steps = op.weight_scale[-1] * op.sign[-1]
        alive = np.abs(op.op.scale[-1]) > 1e-3
        restored = op.weights * op.op.per_channel(steps.astype(float))
        level = op.op.scale.shape[0] - 1
        exact = op.op.masked(level) * op.op.per_channel(op.op.scale[-1])
        error = np.abs(restored - exact) * op.op.per_channel(alive)
        assert np.all(error <= op.op.per_channel(op.weight_scale[-1]) * 0.501)
    # seed 3 has one level only
    assert negative and (private or seed == 3)


def test_dead_channels_keep_a_multiplier_and_a_bias_that_fits() -> None:
    graph = dense_graph(scale=[[1.0, 1e-12, 0.0, 0.0]], bias=[[0.1, 5.0, -3.0, 0.0]])
    ranges = {"x": (-1.0, 1.0), "y": (-4.0, 6.0)}
    op = quantize.quantize(graph, ranges).weighted["y"]
    assert np.all(np.abs(op.bias) <= 2**29 + 64)
    assert np.all(op.multiplier > 0)
    # What the kernels in SIMD requantize in six instructions.
    assert np.all((op.shift >= -23) & (op.shift <= -1))
    out = quantize.activation_quantization(-4, 6)
    factor = op.multiplier[0] * 2.0 ** (op.shift[0] - 31.0)
    outputs = op.bias[0] * factor * out.scale
    # Half a step of the output, as for any channel.
    np.testing.assert_allclose(outputs, graph.weighted()[0].bias[0], atol=out.scale / 2)


def test_bias_of_an_empty_row_keeps_its_digits() -> None:
    """The inputs' scale of 1 must not become that of a bias without weights."""
    inputs = keras.Input((2, 2, 1))
    layer = L.Dense(4)
    model = keras.Model(inputs, layer(L.Flatten()(inputs)))
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(4, 4)) * 0.001
    kernel[:, 1] = 0
    layer.kernel.assign(kernel)
    layer.bias.assign([0.1, 0.3, 0.0, -0.1])
    x = rng.uniform(0, 255, (200, 2, 2, 1)).astype(np.float32)
    assert float_error(convert(model, x), model, x) <= 1.5


def test_bias_of_a_row_that_is_never_active_keeps_its_digits() -> None:
    inputs = keras.Input((2, 2, 1))
    rng = np.random.default_rng(0)
    plain = keras.Model(inputs, L.Dense(4, name="d")(L.Flatten()(inputs)))
    model = nest(plain, (0.5, 0.0), pattern="element", exempt=None)
    layer = next(layer for layer in model.graph.layers if layer.name == "d")
    layer.kernel.assign(rng.normal(size=(4, 4)) * 0.001)
    layer.bias.assign([0.1, 0.3, 0.0, -0.1])
    level_of = np.array(layer.level_of)
    level_of[:, 1] = 255
    layer.level_of.assign(level_of)
    x = rng.uniform(0, 255, (200, 2, 2, 1)).astype(np.float32)
    tflite = convert(model, x)
    for level in range(2):
        assert float_error(tflite, model.level(level), x, level) <= 1.5
        nested = Interpreter(tflite).predict(x, level=level)
        extracted = Interpreter(extract(tflite, level)).predict(x)
        np.testing.assert_array_equal(nested, extracted)


def float_error(tflite: bytes, model: Any, x: Any, level: int | None = None) -> float:
    """Largest error in steps of the output.

    Weights that are rounded to int8 and the output's rounding take about one step.
    """
    interpreter = Interpreter(tflite)
    got = interpreter.predict(x, level=level, dequantize=True)
    difference = np.abs(got - np.asarray(model(x)))
    return float(np.max(difference) / interpreter.output_details[0].scale)


def test_accumulator_overflow_is_refused_by_name() -> None:
    graph = dense_graph(scale=[[1.0, 1.0, 1.0, 1.0]], bias=[[0.0, 0.0, 0.0, 0.0]])
    ranges = {"x": (-1.0, 1.0), "y": (-1e-7, 1e-7)}
    with pytest.raises(
        NestError, match=r"accumulator of layer 'y'.*channel \d at level"
    ):
        quantize.quantize(graph, ranges)


def test_accumulator_limit_is_that_of_the_format() -> None:
    """What passes here packs, and what the format refuses is refused here by name."""
    rng = np.random.default_rng(0)
    packed = 0
    for _ in range(40):
        graph = dense_graph([rng.normal(1, 1, 4)], [rng.normal(0, 1, 4)])
        span = 10.0 ** rng.uniform(-7.5, -4.5)
        ranges = {"x": (-1.0, 1.0), "y": (-span, span)}
        try:
            quantized = quantize.quantize(graph, ranges)
        except NestError:
            with mock.patch.object(quantize, "_check_accumulator"):
                quantized = quantize.quantize(graph, ranges)
            with pytest.raises(NestError, match="accumulators below"):
                pack(nested_op(quantized, quantized.weighted["y"]))
        else:
            pack(nested_op(quantized, quantized.weighted["y"]))
            packed += 1
    assert 5 < packed < 35


@pytest.mark.parametrize("fused", [True, False])
def test_relu6_far_above_a_tiny_range_still_runs(fused: bool) -> None:
    inputs = keras.Input((5, 5, 3))
    x = L.DepthwiseConv2D(3, depthwise_initializer="ones")(inputs)
    x = L.ReLU(6.0)(x if fused else L.MaxPooling2D(1)(x))
    model = keras.Model(inputs, x)
    data = 1e-12 * inputs_for(model, 10)
    interpreter = Interpreter(convert(model, data))
    got = interpreter.predict(data, dequantize=True)
    step = interpreter.output_details[0].scale
    # Rounding 9 inputs by half a step each; inputs and outputs have similar steps.
    np.testing.assert_allclose(got, model.predict(data, verbose=0), atol=5 * step)


def test_softmax_of_a_tiny_range_still_runs() -> None:
    """TFLM's own Prepare aborts the whole process below a step of 2**-26."""
    inputs = keras.Input((6,))
    model = keras.Model(inputs, L.Softmax()(inputs))
    data = 1e-12 * inputs_for(model, 10)
    got = Interpreter(convert(model, data)).predict(data, dequantize=True)
    np.testing.assert_allclose(got, 1 / 6, atol=1 / 256)


def test_sum_that_cancels_still_runs() -> None:
    """TFLM's own Prepare aborts where a sum's step is a millionth of its inputs'."""
    inputs = keras.Input((4, 4, 2))
    almost = L.Rescaling(-1 + 1e-7)(inputs)
    model = keras.Model(inputs, L.ReLU(6.0)(L.Add()([inputs, almost])))
    data = inputs_for(model, 10)
    interpreter = Interpreter(convert(model, data))
    got = interpreter.predict(data, dequantize=True)
    np.testing.assert_allclose(got, 0, atol=2 * interpreter.input_details[0].scale)


def dense_graph(scale: Any, bias: Any) -> Graph:
    kernel = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    op = Weighted("y", ["x"], "y", "fully_connected", kernel, None,
                  np.array(scale), np.array(bias))  # fmt: skip
    shapes = {"x": (1, 8), "y": (1, 4)}
    return Graph("g", 1, None, "x", "y", (1, 8), (1, 4), shapes, [op])


def test_ranges_are_the_union_over_levels_and_samples() -> None:
    model = nested_random_net(1, "element")
    x = inputs_for(random_net(1), 150)
    graph = freeze(model)
    found = calibrate.ranges(graph, x)
    for level in range(graph.levels):
        for name, values in calibrate.run(graph, x, level).items():
            assert found[name][0] <= values.min() + 1e-5
            assert found[name][1] >= values.max() - 1e-5
    highs = [
        calibrate.run(graph, x, i)[graph.output].max() for i in range(graph.levels)
    ]
    assert math.isclose(found[graph.output][1], max(highs), rel_tol=1e-5)


def test_ties_share_one_scale() -> None:
    inputs = keras.Input((6, 6, 2), name="x")
    a = L.Conv2D(2, 1, name="a")(inputs)
    pooled = L.MaxPooling2D(1, name="pooled")(a)
    wide = L.Rescaling(40.0, name="wide")(inputs)
    joined = L.Concatenate(name="joined")([pooled, wide])
    padded = L.ZeroPadding2D(1, name="padded")(joined)
    flat = L.Flatten(name="flat")(padded)
    model = keras.Model(inputs, L.Dense(3, name="out")(flat))
    graph = freeze(model)
    groups = [set(group) for group in calibrate.ties(graph) if len(group) > 1]
    assert groups == [{"a", "pooled", "wide", "joined", "padded", "flat"}]
    ranges = calibrate.ranges(graph, inputs_for(model, 10))
    assert len({ranges[name] for name in groups[0]}) == 1
    quantized = quantize.quantize(graph, ranges)
    assert len({quantized.tensors[name] for name in groups[0]}) == 1


def test_softmax_inside_a_net_is_not_tied_to_its_readers() -> None:
    inputs = keras.Input((4,), name="x")
    soft = L.Softmax(name="soft")(inputs)
    model = keras.Model(inputs, L.Concatenate()([soft, inputs]))
    graph = freeze(model)
    quantized = quantize.quantize(graph, calibrate.ranges(graph, inputs_for(model, 10)))
    assert quantized.tensors["soft"] == quantize.Quantization(1 / 256, -128)
    assert quantized.tensors[graph.output] == quantized.tensors["x"]
    assert quantized.tensors["x"] != quantized.tensors["soft"]
