"""Small nested models that the demo runs, and a server in this process."""

from __future__ import annotations

import dataclasses
import json
import threading
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest

import keras_nest
from keras_nest.demo import DemoServer, Session

LEVELS = 3
SAMPLES = 24


@dataclasses.dataclass(frozen=True)
class Example:
    tflite: Any
    x: np.ndarray
    y: np.ndarray


@pytest.fixture(scope="session")
def example() -> Example:
    """Images of three channels, five classes."""
    keras.utils.set_random_seed(1)
    x = np.random.default_rng(0).normal(size=(SAMPLES, 8, 8, 3)).astype("float32")
    y = np.arange(SAMPLES) % 5
    inputs = keras.Input((8, 8, 3))
    h = keras.layers.Conv2D(8, 3, activation="relu", name="first")(inputs)
    h = keras.layers.Conv2D(16, 3, activation="relu", name="second")(h)
    h = keras.layers.GlobalAveragePooling2D()(h)
    plain = keras.Model(inputs, keras.layers.Dense(5, "softmax", name="classes")(h))
    return Example(nested(plain, (0.9, 0.7, 0.0), x), x, y)


def nested(plain: keras.Model, sparsities: tuple[float, ...], x: np.ndarray) -> Any:
    """A .tflite of largest weights, untrained: what it says matters less than that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = keras_nest.nest(plain, sparsities)
        return keras_nest.convert(model, x, target="cortex-m4")


@pytest.fixture(scope="session")
def session(example: Example) -> Session:
    return Session(example.tflite, example.x, example.y, "model.tflite")


@pytest.fixture(scope="session")
def server(session: Session) -> Iterator[DemoServer]:
    with DemoServer(session) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def ask(server: DemoServer, path: str, **options: Any) -> tuple[int, Any]:
    """Status and answer of a request; JSON is read, what else comes is text."""
    request = urllib.request.Request(server.url.rstrip("/") + path, **options)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            status, content, kind = response.status, response.read(), response.headers
    except urllib.error.HTTPError as error:
        status, content, kind = error.code, error.read(), error.headers
    text = content.decode()
    return status, json.loads(text) if "json" in kind["Content-Type"] else text
