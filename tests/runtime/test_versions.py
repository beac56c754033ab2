"""Only wheels whose structs are known are joined, and either import order works."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from keras_nest.errors import NestError
from keras_nest.runtime import litert, tflm

ROOT = Path(__file__).parents[2]


def pretend(monkeypatch: pytest.MonkeyPatch, version: str | None) -> None:
    def answer(name: str) -> str:
        if version is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(importlib.metadata, "version", answer)


@pytest.mark.parametrize(
    "version",
    ["0.dev20270101000000", "0.dev20261004000000", "0.dev20200101000000", "2"],
)
def test_an_unknown_tflite_micro(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    pretend(monkeypatch, version)
    with pytest.raises(NestError, match=f"structs are known.*{version}") as error:
        tflm.load.__wrapped__()
    assert f"tflite-micro=={tflm.PINNED}" in str(error.value)


def test_no_tflite_micro(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, None)
    with pytest.raises(NestError, match=r"tflite-micro.*Received: none") as error:
        tflm.load.__wrapped__()
    assert "keras-nest[tflm]" in str(error.value)


@pytest.mark.parametrize(
    ("version", "received"), [("2.15.0", "2.15.0"), (None, "none")]
)
def test_another_tflite_runtime(
    monkeypatch: pytest.MonkeyPatch, version: str | None, received: str
) -> None:
    pretend(monkeypatch, version)
    with pytest.raises(NestError, match=f"2.14.0.*Received: {received}"):
        litert._load.__wrapped__()


ORDERS = """
import sys
order = sys.argv[1]
if order == "before":
    import tflite_micro
import numpy as np
from keras_nest.runtime import Interpreter
from tests.runtime.test_level_memory import X, net
model = net(sticky=True)
first = Interpreter(model).run(X, 1)
import tflite_micro
theirs = tflite_micro.runtime.Interpreter.from_bytes(
    model, custom_op_registerers=["nest_register_ops_2026_02"]
)
theirs.set_input(X, 0)
theirs.set_input(np.array([1], np.int32), 1)
theirs.invoke()
again = Interpreter(model).run(X, 1)
assert (first == X * 8).all() and (again == first).all()
assert (theirs.get_output(0) == first).all()
"""


@pytest.mark.slow
@pytest.mark.parametrize("order", ["before", "after"])
def test_the_user_may_import_tflite_micro_as_well(order: str) -> None:
    if importlib.metadata.version("tflite_micro") != tflm.PINNED:
        pytest.skip("the registerer named here is that of the pinned wheel")
    result = subprocess.run(
        [sys.executable, "-c", ORDERS, order], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
