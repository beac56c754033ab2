"""Recipes: what each one decides, what goes before it, and what it refuses."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_nest.converter.convert import convert
from keras_nest.errors import NestError
from keras_nest.layers import LineConv2D, NestedConv2D
from keras_nest.model import nest
from keras_nest.recipes import LCS, RECIPES, Dress, NestedSparse, Recipe, recipe_of
from keras_nest.summary import layer_facts
from keras_nest.training.losses import line_penalty
from keras_nest.training.schedules import CubicRamp, LinearRamp
from tests.training.small import LOSS, three_classes

ROOT = Path(__file__).parents[2]
SPARSITIES = (0.8, 0.5, 0.25)


def network() -> Any:
    x = inputs = keras.Input((6, 6, 2))
    x = layers.Conv2D(8, 3, name="stem")(x)
    x = layers.BatchNormalization(name="stem_norm")(x)
    x = layers.Conv2D(16, 3, name="conv")(layers.ReLU()(x))
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return keras.Model(inputs, layers.Dense(3, "softmax", name="classes")(x))


def kept(model: Any, name: str = "conv") -> Any:
    """[levels, output channels]: how many weights each row keeps."""
    layer = model.graph.get_layer(name)
    active = np.stack([layer.active(level) for level in range(model.levels)])
    return active.reshape(model.levels, -1, active.shape[-1]).sum(axis=1)


def test_dress_keeps_as_many_weights_in_every_row() -> None:
    model = nest(network(), SPARSITIES, recipe="dress")
    assert [layer.name for layer in model.nested_layers] == ["conv"]  # ends are dense
    counts = kept(model)
    assert np.all(counts == np.round([14.4, 36, 54])[:, None])
    assert model.level_weights == pytest.approx(
        np.sqrt([0.2, 0.5, 0.75]) / np.sqrt([0.2, 0.5, 0.75]).sum()
    )
    assert model.distillation == 0.0
    assert isinstance(model.schedule, CubicRamp)


def test_nested_sparse_routes_to_owners_and_distills() -> None:
    model = nest(network(), (0.9, 0.8, 0.7), recipe="nested_sparse")
    assert [layer.name for layer in model.nested_layers] == ["conv", "classes"]
    for layer in model.nested_layers:
        assert layer.routing == "owner" and str(layer.pattern) in ("1x2", "element")
    assert str(model.graph.get_layer("conv").pattern) == "1x2"
    assert model.level_weights == pytest.approx([1 / 3] * 3)
    assert model.distillation == 1.0


def test_lcs_draws_one_level_and_anneals() -> None:
    model = nest(network(), SPARSITIES, recipe="LCS")
    assert [layer.name for layer in model.nested_layers] == ["conv"]
    assert str(model.graph.get_layer("conv").pattern) == "element"
    x, _ = three_classes(2)
    assert set(model(x, training=True)) == {"slot_0", "levels"}
    assert model.distillation == 0.0
    schedule = model.schedule
    assert isinstance(schedule, LinearRamp) and schedule.regrow
    factors = [schedule.factor(p) for p in (0, 0.2, 0.4, 0.8, 1)]
    assert factors == pytest.approx([0, 0.25, 0.5, 1, 1])
    later = LinearRamp(warmup=0.8, full=0.8)
    assert [later.factor(p) for p in (0, 0.79, 0.8, 1)] == [0, 0, 1, 1]


def test_group_normalization_replaces_every_batch_normalization() -> None:
    base = network()
    base.get_layer("norm").gamma.assign(np.linspace(0.5, 2, 16))
    model = nest(base, SPARSITIES, recipe=LCS(batch_norm="group"))
    kinds = {v.name: v for v in model.graph.layers if "norm" in v.name}
    assert {type(v) for v in kinds.values()} == {layers.GroupNormalization}
    assert kinds["stem_norm"].groups == 8 and kinds["norm"].groups == 16
    np.testing.assert_array_equal(kinds["norm"].gamma, base.get_layer("norm").gamma)
    x, _ = three_classes(3)
    outputs = model(x)
    for level in range(3):
        np.testing.assert_allclose(
            model.level(level)(x), outputs[f"level_{level}"], rtol=1e-4, atol=1e-5
        )
    with pytest.raises(NestError, match="GroupNormalization") as error:
        convert(model, x)
    assert "BatchNormalization" in str(error.value.hint)


def test_groups_divide_the_channels() -> None:
    inputs = keras.Input((44,))
    x = layers.BatchNormalization(name="norm", center=False)(layers.Dense(44)(inputs))
    base = keras.Model(inputs, layers.Dense(3)(x))
    norm = nest(base, SPARSITIES, batch_norm="group").graph.get_layer("norm")
    assert norm.groups == 22 and norm.beta is None


def test_what_is_given_goes_before_the_recipe() -> None:
    model = nest(
        network(),
        SPARSITIES,
        recipe="dress",
        pattern="1x4",
        exempt=None,
        batch_norm="shared",
        routing="owner",
        level_weights="uniform",
        distillation=0.5,
        schedule=LinearRamp(0.1),
        levels_per_step=2,
    )
    conv = model.graph.get_layer("conv")
    assert str(conv.pattern) == "1x4" and conv.routing == "owner"
    assert len(model.nested_layers) == 3
    assert model.graph.get_layer("norm").gamma.shape == (16,)
    assert model.level_weights == pytest.approx([1 / 3] * 3)
    assert model.distillation == 0.5 and model.schedule.warmup == 0.1
    assert len(model(three_classes(1)[0], training=True)) == 3
    model = nest(network(), recipe="dress", target="cortex-m4")
    assert str(model.nested_layers[0].pattern) == "1x2"


def test_without_a_recipe_the_defaults_stay() -> None:
    assert recipe_of(None) == Recipe()
    default = nest(network(), SPARSITIES)
    assert default.level_weights == [0.5, 0.25, 0.25] and default.distillation == 1.0
    assert str(default.graph.get_layer("conv").pattern) == "1x2"
    assert [v.name for v in default.nested_layers] == ["conv", "classes"]
    assert default.nested_layers[0].routing == "sum"
    assert default.graph.get_layer("norm").gamma.shape == (3, 16)


def test_recipes_are_objects_with_options() -> None:
    assert recipe_of("Nested Sparse") == recipe_of("nested-sparse") == NestedSparse()
    assert recipe_of(Dress) == Dress()
    changed = Dress(routing="owner", distillation=0.5)
    assert recipe_of(changed) is changed
    model = nest(network(), SPARSITIES, recipe=changed)
    assert model.nested_layers[0].routing == "owner" and model.distillation == 0.5
    assert all(
        dataclasses.is_dataclass(cls) and cls.__doc__ for cls in RECIPES.values()
    )


@pytest.mark.parametrize(
    ("recipe", "message", "hint"),
    [
        ("dres", "one of.*'dress'.*recipe='dres'", "Did you mean 'dress'?"),
        ("nested_sparce", "recipe='nested_sparce'", "Did you mean 'nested-sparse'?"),
        ("zzzz", "recipe='zzzz'", None),
        (3, "recipe=3", "Write your own"),
    ],
)
def test_unknown_recipes_are_refused(recipe: Any, message: str, hint: Any) -> None:
    with pytest.raises(NestError, match=message) as error:
        nest(network(), recipe=recipe)
    assert (error.value.hint or "").startswith(hint or "")
    assert (error.value.hint is None) == (hint is None)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LCS(variant="plane"), "`variant` to be one of.*'plane'"),
        (lambda: LCS(penalty=-1.0), "`penalty` to be a finite weight.*-1"),
        (lambda: nest(network(), recipe=LCS(distillation=1.0)), "distillation=0 where"),
        (lambda: LinearRamp(0.5, 0.4), "`warmup` <= `full` <= `end`"),
        (
            lambda: nest(network(), recipe=LCS(variant="line", routing="owner")),
            "routing='sum' where levels lie on a line.*'owner'",
        ),
    ],
)
def test_bad_options_are_refused(make: Any, message: str) -> None:
    with pytest.raises(NestError, match=message):
        make()


def line_model(**options: Any) -> Any:
    keras.utils.set_random_seed(2)
    return nest(network(), SPARSITIES, recipe=LCS(variant="line", **options))


def test_levels_of_a_line_are_between_its_ends() -> None:
    model = line_model()
    (layer,) = model.nested_layers
    assert type(layer) is LineConv2D and layer.level_of is None
    first, last = (
        ops.convert_to_numpy(end) for end in (layer.kernel_sparse, layer.kernel)
    )
    assert not np.allclose(first, last)  # random numbers of their own
    for level, sparsity in enumerate(SPARSITIES):
        whole = sparsity * first + (1 - sparsity) * last
        found = ops.convert_to_numpy(layer.level_kernel(level))
        active = layer.active(level)
        np.testing.assert_allclose(found, np.where(active, whole, 0), rtol=1e-5)
        assert np.mean(active) == pytest.approx(1 - sparsity, abs=1e-3)
        # The largest of the level's own weights.
        assert np.abs(whole[active]).min() >= np.abs(whole[~active]).max()
    # Not nested: a sparse level keeps weights that a denser one does not.
    assert np.any(layer.active(0) & ~layer.active(1))


def test_a_line_loses_weights_and_takes_none_back_without_regrowth() -> None:
    (layer,) = line_model().nested_layers
    layer.update_mask(0.5)
    before = [layer.active(level) for level in range(3)]
    generator = np.random.default_rng(0)
    layer.kernel.assign(generator.normal(size=layer.kernel.shape))
    layer.update_mask(1.0, regrow=False)
    for level in range(3):
        assert not np.any(layer.active(level) & ~before[level])
        assert np.mean(layer.active(level)) == pytest.approx(
            1 - SPARSITIES[level], abs=1e-3
        )
    layer.update_mask(1.0, regrow=True)
    assert any(np.any(layer.active(i) & ~before[i]) for i in range(3))


def test_the_penalty_is_the_squared_cosine() -> None:
    a, b = np.array([[3.0, 0.0]]), np.array([[4.0, 3.0]])
    assert float(line_penalty([(a, b)])) == pytest.approx(0.8**2, rel=1e-5)
    # Products of all layers are added first.
    c = np.array([5.0])
    by_hand = (12 - 25) ** 2 / ((9 + 25) * (25 + 25))
    assert float(line_penalty([(a, b), (c, -c)])) == pytest.approx(by_hand, rel=1e-5)
    x, y = three_classes(12)
    losses = []
    for weight in (0.0, 2.0):
        model = line_model(penalty=weight, levels_per_step=None)
        model.compile("sgd", LOSS)
        losses.append(float(model.compute_loss(x, y, model(x), training=True)))
    (layer,) = model.nested_layers
    penalty = float(line_penalty([(layer.kernel_sparse, layer.kernel)]))
    assert losses[1] - losses[0] == pytest.approx(2 * penalty, abs=1e-5)


def test_a_line_is_summed_up_and_not_converted() -> None:
    model = line_model()
    x, _ = three_classes(4)
    facts = {f.name: f for f in layer_facts(model.graph, 3)}["conv"]
    assert facts.achieved == pytest.approx(SPARSITIES, abs=1e-3)
    assert facts.pattern == "element" and facts.asked == SPARSITIES
    assert facts.packed_bytes[0] == 2 * facts.weights + 4 * 16
    with pytest.raises(NestError, match="levels on a line") as error:
        convert(model, x)
    assert "variant='point'" in error.value.hint and "level(0)" in error.value.hint
    # One level by itself is a plain model.
    assert convert(model.level(0), x) is not None


def test_a_line_needs_sparsities() -> None:
    with pytest.raises(NestError, match="Expected sparsities and routing='sum'"):
        LineConv2D(4, 3)
    assert issubclass(LineConv2D, NestedConv2D)


@pytest.mark.parametrize(
    "make", [lambda: keras.Input((8, 4)), lambda: keras.Input((8,))]
)
def test_lines_of_other_layers(make: Any) -> None:
    inputs = make()
    kind = layers.Conv1D if len(inputs.shape) == 3 else layers.Dense
    arguments = {"kernel_size": 3} if kind is layers.Conv1D else {}
    outputs = kind(8, name="one", **arguments)(inputs)
    base = keras.Model(inputs, outputs)
    recipe = LCS(variant="line", exempt=None)
    model = nest(base, SPARSITIES, recipe=recipe)
    x = np.random.default_rng(0).normal(size=(2, *inputs.shape[1:])).astype("float32")
    found = model(x)
    for level in range(3):
        np.testing.assert_allclose(
            model.level(level)(x), found[f"level_{level}"], rtol=1e-4, atol=1e-5
        )


TRAINING = """
import json, sys, tempfile
sys.path.insert(0, {tests!r})
import keras, numpy as np
import test_recipes
from keras_nest.model import nest
from keras_nest import BitWidths
from keras_nest.recipes import LCS

assert keras.backend.backend() == sys.argv[1]
x, y = test_recipes.three_classes(48)
recipes = {{
    "nested-sparse": "nested-sparse",
    "dress": "dress",
    "best": "best",
    "lcs": "lcs",
    "group": LCS(batch_norm="group"),
    "line": LCS(variant="line"),
    "us-net": "us-net",
    "bits": LCS(kind="bits"),
}}
scores = {{}}


def train(recipe):
    keras.utils.set_random_seed(5)
    base = test_recipes.network()
    is_bits = getattr(recipe, "kind", None) == "bits"
    levels = BitWidths((3, 4, 8)) if is_bits else test_recipes.SPARSITIES
    model = nest(base, levels, recipe=recipe, seed=1)
    optimizer = keras.optimizers.Adam(0.02)
    jit = sys.argv[1] == "jax"  # TensorFlow takes longer to compile than to train
    model.compile(
        optimizer, test_recipes.LOSS, metrics=["accuracy"], jit_compile=jit
    )
    logs = model.fit(x, y, batch_size=12, epochs=10, verbose=0)
    return model, logs.history["loss"]


for name, recipe in recipes.items():
    model, losses = train(recipe)
    again = train(recipe)[1] if name == "lcs" else losses
    np.testing.assert_allclose(losses, again, rtol=1e-4)
    result = model.evaluate(x, y, verbose=0, return_dict=True)
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{{folder}}/model.keras")
        loaded = keras.saving.load_model(f"{{folder}}/model.keras")
    ours, theirs = model.predict(x[:8], verbose=0), loaded.predict(x[:8], verbose=0)
    for level, output in ours.items():
        np.testing.assert_allclose(theirs[level], output, atol=1e-5)
    scores[name] = [result[f"level_{{level}}_accuracy"] for level in range(3)]
print(json.dumps(scores))
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_every_recipe_trains_saves_and_repeats(backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    code = TRAINING.format(tests=str(Path(__file__).parent))
    result = subprocess.run(
        [sys.executable, "-c", code, backend],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": backend},
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout.splitlines()[-1])
    sparse = {"nested-sparse", "dress", "best", "lcs", "group", "line"}
    assert set(found) == sparse | {"us-net", "bits"}
    for name, accuracies in found.items():
        # Guessing gives a third.
        assert all(value > 0.6 for value in accuracies), (name, accuracies)
