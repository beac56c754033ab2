"""What earlier versions wrote is read, and runs as it did then."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import keras_nest
from keras_nest import reference
from keras_nest.converter import flatbuffer
from keras_nest.converter.nested_file import nested_operators
from keras_nest.errors import NestError
from keras_nest.format import unpack, variant_of
from keras_nest.runtime import core
from tests.kernels.random_ops import random_input

FILES = sorted(Path(__file__).parent.glob("format_*/*.tflite"))


def test_there_are_files() -> None:
    assert len(FILES) == 14


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_outputs_are_those_of_then(path: Path) -> None:
    then = np.load(path.with_suffix(".npz"))
    tflite = path.read_bytes()
    interpreter = keras_nest.Interpreter(tflite)
    assert len(then["outputs"]) == interpreter.levels
    for level, outputs in enumerate(then["outputs"]):
        np.testing.assert_array_equal(
            interpreter.predict(then["x"], level=level), outputs
        )
        # The plain model of the level is the oracle, then as now.
        plain = keras_nest.extract(tflite, level)
        np.testing.assert_array_equal(
            keras_nest.Interpreter(plain).predict(then["x"]), outputs
        )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_ops_are_read_by_python_and_c(path: Path) -> None:
    rng = np.random.default_rng(0)
    nested = nested_operators(flatbuffer.load(path.read_bytes()))
    assert nested
    for operator in nested:
        x = random_input(rng, operator.op.geometry)
        for level in range(operator.op.levels):
            np.testing.assert_array_equal(
                core.run(operator.blob, x, level), reference.run(operator.op, x, level)
            )


def test_all_encodings_are_there() -> None:
    variants = {
        variant_of(operator.blob)
        for path in FILES
        for operator in nested_operators(flatbuffer.load(path.read_bytes()))
    }
    found = {variant.split()[0].split("-")[0] for variant in variants}
    assert found >= set(keras_nest.format.ENCODINGS)
    assert variants >= {"dense bits", "folded dense bits"}


def test_a_newer_format_is_refused() -> None:
    nested = nested_operators(flatbuffer.load(FILES[0].read_bytes()))
    blob = bytearray(nested[0].blob)
    blob[4] += 1
    with pytest.raises(NestError, match=r"version 1\. Received: 2") as caught:
        unpack(bytes(blob))
    assert "newer" in str(caught.value)
