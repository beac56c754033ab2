"""What the ops refuse when TFLM prepares them, each with its reason in the error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from keras_nest import reference
from keras_nest.errors import NestError
from keras_nest.format import pack
from keras_nest.runtime import Interpreter, base
from tests.runtime.flatbuffer_graph import Graph
from tests.runtime.one_op import NESTED, Case, nested_model
from tests.runtime.random_ops import random_case, random_input


@pytest.fixture(autouse=True)
def _unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switches off Python's own look at the header, to see what the C code does."""
    read = base.read_interface

    def lenient(model: bytes) -> object:
        with monkeypatch.context() as patch:
            patch.setattr(
                "keras_nest.runtime.interface.Header.parse",
                lambda blob: type("Header", (), {"levels": 1}),
            )
            return read(model)

    monkeypatch.setattr(base, "read_interface", lenient)


def case_of(kind: str, seed: int = 3) -> Case:
    return replace(random_case(np.random.default_rng(seed), kind), batch=1)


KINDS = tuple(NESTED)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b"NOPE" + b[4:], "not a packed"),
        (lambda b: b[:4] + b"\x63" + b[5:], "version"),
        (lambda b: b[:-4], "bytes"),
        (lambda b: b + b"\0" * 4, "bytes"),
        (lambda b: b[:100], ""),
        (lambda b: b"", ""),
        (lambda b: b[:7] + b"\0" + b[8:], ""),
    ],
)
def test_packed_weights_that_are_none(kind: str, change: object, message: str) -> None:
    case = case_of(kind)
    model = nested_model(case, packed=change(pack(case.op)))  # type: ignore[operator]
    with pytest.raises(NestError, match=f"{NESTED[kind]}: .*{message}"):
        Interpreter(model)


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bytes_give_an_error_or_a_run(kind: str) -> None:
    rng = np.random.default_rng(11)
    refused = ran = 0
    for _ in range(250):
        case = replace(random_case(rng, kind), batch=1)
        blob = bytearray(case.packed())
        tables = 128 + 9 * case.op.levels * case.op.geometry.out_c
        for _ in range(int(rng.integers(1, 4))):
            # A third in the header, the rest anywhere.
            end = 128 if rng.random() < 0.3 else min(len(blob), tables + 400)
            blob[rng.integers(end)] ^= 1 << rng.integers(8)
        try:
            interpreter = Interpreter(nested_model(case, packed=bytes(blob)))
            for level in range(case.op.levels):
                interpreter.run(random_input(rng, case), level)
            ran += 1
        except NestError:
            refused += 1
    assert refused > 20
    assert ran > 20


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", ["input", "output"])
def test_a_zero_point_that_is_not_the_packed_one(kind: str, point: str) -> None:
    case = case_of(kind)
    blob = pack(case.op)
    name = f"{point}_zero_point"
    other = replace(case.op, **{name: (getattr(case.op, name) + 129) % 256 - 128})
    with pytest.raises(NestError, match=f"{point} zero point is not"):
        Interpreter(nested_model(replace(case, op=other), packed=blob))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", ["in_c", "out_c", "in_w", "out_w"])
def test_a_shape_that_is_not_the_packed_one(kind: str, size: str) -> None:
    case = case_of(kind)
    blob = pack(case.op)
    geometry = case.op.geometry
    wrong = replace(geometry, **{size: getattr(geometry, size) + 1})
    other = replace(case, op=replace(case.op, geometry=wrong))
    with pytest.raises(NestError, match="shape is not the packed one"):
        Interpreter(nested_model(other, packed=blob))


def test_weights_of_another_kind_of_op() -> None:
    blob = pack(case_of("fully_connected").op)
    with pytest.raises(NestError, match="NESTED_CONV_2D: "):
        Interpreter(nested_model(case_of("conv_2d"), packed=blob))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": np.uint8}, "must be int8"),
        ({"y": np.uint8}, "must be int8"),
        ({"level": np.float32}, "one int32"),
        ({"level_shape": (2,)}, "one int32"),
        ({"constant": False}, "constant uint8"),
        ({"images": 2}, "batch size"),
    ],
)
def test_tensors_that_do_not_fit(changes: dict[str, object], message: str) -> None:
    with pytest.raises(NestError, match=f"NESTED_CONV_2D: .*{message}"):
        Interpreter(one_op_model(**changes))


def test_a_level_without_dimensions_is_one_level() -> None:
    case = case_of("conv_2d")
    x = random_input(np.random.default_rng(0), case)
    y = Interpreter(one_op_model(level_shape=())).run(x, 0)
    np.testing.assert_array_equal(y, reference.run(case.op, x, 0))


def one_op_model(
    x: object = np.int8,
    y: object = np.int8,
    level: object = np.int32,
    level_shape: tuple[int, ...] = (1,),
    constant: bool = True,
    images: int = 1,
) -> bytes:
    """A conv 2D model with something wrong about its tensors."""
    case = case_of("conv_2d")
    blob, op, graph = pack(case.op), case.op, Graph()
    source = graph.tensor("x", case.input_shape, x, case.s_in, op.input_zero_point)
    switch = graph.tensor("level", level_shape, level)
    data = blob if constant else None
    packed = graph.tensor("packed", (len(blob),), np.uint8, data=data)
    shape = (images, *case.output_shape[1:])
    out = graph.tensor("y", shape, y, case.s_out, op.output_zero_point)
    graph.op("NESTED_CONV_2D", [source, switch, packed], out)
    return graph.build([source, switch] + [packed] * (not constant), [out])
