"""Every example of the README and the docs runs, in their order, in one folder."""

from __future__ import annotations

import re
import shlex
import shutil
import socketserver
import warnings
import webbrowser
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import keras_nest
from keras_nest import cli

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Without a cross compiler and QEMU this one says what to install, and ends with 1.
NEEDS_TOOLS = "bench"
# A page, and how many examples it has at least.
PAGES = [("README.md", 15), ("docs/convert.md", 1), ("docs/training.md", 1)]


def plain_model() -> keras.Model:
    inputs = keras.Input((8, 8, 2))
    x = layers.Conv2D(8, 3, padding="same", name="stem")(inputs)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Conv2D(16, 3, padding="same", name="conv")(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(3, "softmax", name="classes")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def names() -> dict[str, Any]:
    """What the examples take as given."""
    y = np.arange(96) % 3
    x = np.random.default_rng(0).normal(size=(96, 8, 8, 2)).astype("float32")
    x[..., 0] += y[:, None, None]
    return {
        "keras": keras,
        "keras_nest": keras_nest,
        "np": np,
        "my_keras_model": plain_model(),
        "base": plain_model(),
        "x": x,
        "y": y,
        "x_test": x[:12],
        "y_test": y[:12],
    }


def interrupt(server: Any) -> None:
    """What Ctrl-C does to an example that would wait for it."""
    raise KeyboardInterrupt


def commands(block: str) -> list[list[str]]:
    """The arguments of each `keras-nest` in a block of shell."""
    lines = [shlex.split(line, comments=True) for line in block.splitlines()]
    return [words[1:] for words in lines if words[:1] == ["keras-nest"]]


def run(page: Path, given: dict[str, Any]) -> int:
    """Runs a page's examples; returns how many there were.

    `model` is a trained one at the start of each.
    """
    count = 0
    trained = given["model"]
    for kind, block in BLOCK.findall(page.read_text()):
        if kind == "python":
            given["model"] = trained
            exec(compile(block, f"{page.name}: {block[:40]}", "exec"), given)
            count += 1
            continue
        for arguments in commands(block):
            if NEEDS_TOOLS in arguments and shutil.which("qemu-system-arm") is None:
                continue
            with pytest.raises(SystemExit) as ended:
                cli.main(arguments)
            assert not ended.value.code, (page.name, arguments)
            count += 1
    return count


@pytest.mark.parametrize(("page", "least"), PAGES)
def test_examples_run(
    page: str, least: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socketserver.BaseServer, "serve_forever", interrupt)
    monkeypatch.setattr(webbrowser, "open", str)
    keras.utils.set_random_seed(1)
    given = names()
    np.save("samples.npy", given["x"])
    given["model"] = keras_nest.nest(given["base"], (0.9, 0.7, 0.0))
    given["model"].compile("adam", "sparse_categorical_crossentropy")
    given["model"].fit(given["x"], given["y"], verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so small a net gains nothing
        assert run(ROOT / page, given) >= least
