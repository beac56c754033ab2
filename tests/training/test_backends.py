"""The same training on every Keras backend."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TRAINING = """
import json, sys, tempfile
import keras, numpy as np
from keras import layers
from keras_nest import model as models

assert keras.backend.backend() == sys.argv[1]
keras.utils.set_random_seed(1)
x = inputs = keras.Input((6, 6, 2))
x = layers.Conv2D(4, 3, name="stem")(x)
x = layers.Conv2D(8, 3, padding="same", name="conv")(x)
x = layers.BatchNormalization()(x)
x = layers.DepthwiseConv2D(3)(layers.ReLU()(x))
x = layers.BatchNormalization()(x)
x = layers.Flatten()(x)
base = keras.Model(inputs, layers.Dense(3, "softmax")(x))
rng = np.random.default_rng(0)
y = np.arange(96) % 3
x = (rng.normal(size=(96, 6, 6, 2)) * 0.5 + y[:, None, None, None]).astype("float32")
scores = {}
for routing in ("sum", "owner"):
    model = models.nest(base, (0.8, 0.5, 0.0), routing=routing)
    model.compile(
        keras.optimizers.Adam(0.01),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=json.loads(sys.argv[2]),
    )
    model.fit(x, y, batch_size=16, epochs=5, verbose=0)
    scores[routing] = model.evaluate(x, y, verbose=0, return_dict=True)
with tempfile.TemporaryDirectory() as folder:
    model.save(f"{folder}/model.keras")
    loaded = keras.saving.load_model(f"{folder}/model.keras")
outputs = model.predict(x[:8], verbose=0)
for level in range(3):
    for other in (loaded.predict(x[:8], verbose=0)[f"level_{level}"],
                  model.level(level).predict(x[:8], verbose=0)):
        np.testing.assert_allclose(other, outputs[f"level_{level}"], atol=1e-5)
lowest = keras.ops.convert_to_numpy(model.graph.get_layer("conv").level_of)
print(json.dumps({"scores": scores, "sparsity": float(np.mean(lowest > 0))}))
"""


@pytest.mark.parametrize(
    ("backend", "jit"), [("tensorflow", True), ("jax", True), ("torch", False)]
)
def test_every_level_trains(backend: str, jit: bool) -> None:
    if importlib.util.find_spec(backend) is None:
        name = "PyTorch" if backend == "torch" else backend
        pytest.skip(f"{name} is not installed")
    result = subprocess.run(
        [sys.executable, "-c", TRAINING, backend, json.dumps(jit)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": backend},
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout.splitlines()[-1])
    assert found["sparsity"] == pytest.approx(0.8, abs=0.01)
    for scores in found["scores"].values():
        # Guessing gives a third; the classes differ by two standard deviations.
        assert all(scores[f"level_{level}_accuracy"] > 0.7 for level in range(3))
