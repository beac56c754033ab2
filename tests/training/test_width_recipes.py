"""Recipes whose levels are widths: which they are, what they cost, how they train."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_nest
from keras_nest.errors import NestError
from keras_nest.layers import NestedDepthwiseConv2D
from keras_nest.model import nest
from keras_nest.prefixes import Widths
from keras_nest.recipes import LCS, UsNet
from keras_nest.summary import layer_facts
from keras_nest.training.sampling import OneLevel, Sandwich
from keras_nest.training.schedules import ConstantSparsity, LinearRamp

LOSS = "sparse_categorical_crossentropy"


def network() -> Any:
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(16, 3, padding="same", name="first")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(layers.ReLU()(x))
    x = layers.Conv2D(32, 1, name="pointwise")(x)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return keras.Model(inputs, layers.Dense(3, "softmax", name="last")(x))


def data(count: int = 24) -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    y = np.arange(count) % 3
    x = generator.normal(size=(count, 8, 8, 3)) * 0.5
    x[np.arange(count), :, :, y] += 1.5
    return x.astype("float32"), y


def weights_of(first: int, pointwise: int) -> int:
    """Kernel weights of the network at these widths."""
    return 27 * first + 9 * first + first * pointwise + 3 * pointwise


def test_a_channel_pattern_takes_the_widths_nearest_to_the_sparsities() -> None:
    model = nest(network(), (0.9, 0.6, 0.0), pattern="channel")
    facts = {fact.name: fact for fact in layer_facts(model.graph, 3)}
    total = weights_of(16, 32)
    # All shares of a sixteenth or a thirty-second, by trying.
    shares = [n / 32 for n in range(1, 33)]
    for level, sparsity in enumerate((0.9, 0.6, 0.0)):
        sizes = [(max(1, round(16 * s)), round(32 * s)) for s in shares]
        distances = [abs(weights_of(*size) - (1 - sparsity) * total) for size in sizes]
        first, pointwise = sizes[int(np.argmin(distances))]
        kept = {name: fact.nonzeros[level] for name, fact in facts.items()}
        assert kept == {
            "first": 27 * first,
            "depthwise": 9 * first,
            "pointwise": first * pointwise,
            "last": 3 * pointwise,
        }
    assert {fact.pattern for fact in facts.values()} == {"channel"}


def test_the_summary_counts_depthwise_layers_at_their_width() -> None:
    model = nest(network(), (0.9, 0.6, 0.0), pattern="channel")
    depthwise = model.graph.get_layer("depthwise")
    first = model.graph.get_layer("first")
    assert depthwise.widths == first.prefix.outputs
    fact = {fact.name: fact for fact in layer_facts(model.graph, 3)}["depthwise"]
    assert fact.nonzeros == tuple(9 * width for width in depthwise.widths)
    assert fact.macs == tuple(64 * count for count in fact.nonzeros)
    assert fact.achieved == fact.asked == tuple(1 - w / 16 for w in depthwise.widths)
    text: list[str] = []
    model.summary(print_fn=text.append)
    row = next(line for line in text[0].splitlines() if "DepthwiseConv2D" in line)
    assert "channel" in row
    total = sum(one.macs[0] for one in layer_facts(model.graph, 3))
    assert f"{total:,}" in text[0]
    # They are its channels: another level's plain model has them, saving keeps them.
    again = NestedDepthwiseConv2D.from_config(depthwise.get_config())
    assert again.widths == depthwise.widths
    dense = nest(network(), (0.9, 0.0))
    assert dense.graph.get_layer("depthwise").widths is None


def test_us_net_is_one_call() -> None:
    model = nest(network(), (0.9, 0.6, 0.0), recipe="us-net", target="cortex-m4")
    assert [v.prefix is not None for v in model.nested_layers] == [True] * 3
    assert model.graph.get_layer("norm").gamma.shape == (3, 16)
    assert isinstance(model.schedule, ConstantSparsity)
    x, y = data()
    # Three levels: all of them are in every step.
    assert set(model(x[:2], training=True)) == set(model.level_names)
    model.compile(keras.optimizers.Adam(0.02), LOSS, metrics=["accuracy"])
    model.fit(x, y, batch_size=8, epochs=10, verbose=0)
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    # Guessing gives a third.
    assert all(logs[f"level_{level}_accuracy"] > 0.6 for level in range(3)), logs
    many = nest(network(), (0.9, 0.8, 0.6, 0.3, 0.0), recipe=UsNet)
    drawn = many(x[:2], training=True)["levels"]
    assert drawn.shape == (4,) and drawn[0] == 0 and drawn[3] == 4


def test_widths_by_hand_go_with_a_recipe() -> None:
    base = network()
    widths = keras_nest.channel_widths(base, (0.25, 1.0))
    assert widths.depthwise == {"depthwise": (4, 16)}
    model = nest(base, widths, recipe="us-net")
    assert model.graph.get_layer("pointwise").prefix.outputs == (8, 32)
    copied = Widths(widths, depthwise=widths.depthwise)
    assert copied == widths and copied.depthwise == widths.depthwise


@pytest.mark.parametrize("per_step", [None, 4])
def test_with_distillation_only_the_densest_level_alone_sees_the_labels(
    per_step: int | None,
) -> None:
    sparsities = (0.9, 0.8, 0.6, 0.3, 0.0)
    recipe = UsNet(levels_per_step=per_step)
    model = nest(network(), sparsities, recipe=recipe, seed=1)
    model.compile("sgd", LOSS)
    x, y = data(6)
    outputs = model(x, training=True)
    found = [float(model.compute_loss(x, label, outputs)) for label in (y, 2 - y)]
    names = model.level_names if per_step is None else [f"slot_{i}" for i in range(4)]
    ours = [ops.convert_to_numpy(outputs[name]) for name in names]
    for label, loss in zip((y, 2 - y), found, strict=True):
        densest = ours[-1]
        terms = [np.mean(-np.log(densest[np.arange(6), label]))]
        terms += [
            np.mean(np.sum(densest * np.log(densest / other), axis=-1))
            for other in ours[:-1]
        ]
        # Levels of equal weight; their sum is 1.
        assert loss == pytest.approx(np.mean(terms), rel=1e-4)
    again = type(model).from_config(model.get_config())
    assert again.get_config()["distillation"] == "only"


def test_lcs_structured_draws_four_widths() -> None:
    recipe = LCS(kind="structured")
    assert isinstance(recipe.levels_per_step, Sandwich)
    model = nest(network(), (0.9, 0.8, 0.6, 0.3, 0.0), recipe=recipe)
    assert [v.prefix is not None for v in model.nested_layers] == [True] * 3
    assert model.distillation == 0.0 and model.level_weights == pytest.approx([0.2] * 5)
    assert isinstance(model.schedule, ConstantSparsity)
    x, y = data()
    assert len(model(x[:2], training=True)) == 4 + 1
    model.compile(keras.optimizers.Adam(0.02), LOSS, metrics=["accuracy"])
    model.fit(x, y, batch_size=8, epochs=10, verbose=0)
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    assert all(logs[f"level_{level}_accuracy"] > 0.6 for level in range(5)), logs


def test_options_of_lcs_follow_from_its_kind_unless_given() -> None:
    given = LCS(kind="structured", levels_per_step=None, schedule=LinearRamp())
    assert given.levels_per_step is None and isinstance(given.schedule, LinearRamp)
    assert given.pattern == "channel"
    point = LCS()
    assert point.pattern == "element" and isinstance(point.levels_per_step, OneLevel)
    assert isinstance(point.schedule, LinearRamp)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LCS(kind="channels"), "`kind` to be one of.*kind='channels'"),
        (
            lambda: LCS(kind="structured", variant="line"),
            "variant='point' for levels that are no sparsities.*'structured'",
        ),
        (
            lambda: nest(network(), (0.9, 0.899), recipe="us-net"),
            "0.9 and 0.899, for which levels 0 and 1 have the same widths",
        ),
        (
            lambda: nest(network(), {"pointwise": (0.5, 0.0)}, recipe="us-net"),
            "with pattern 'channel'. Received: sparsities by layer, dict",
        ),
        (lambda: nest(network(), (0.2, 0.5), recipe="us-net"), "fall from level"),
        (
            lambda: nest(network(), recipe="us-net", distillation="all"),
            "at least 0, or 'only'",
        ),
        (
            lambda: NestedDepthwiseConv2D(3, levels=2, widths=(1, 2, 3)),
            r"Expected 2 widths.*\(1, 2, 3\)",
        ),
    ],
)
def test_bad_options_are_refused(make: Any, message: str) -> None:
    with pytest.raises(NestError, match=message):
        make()
