"""Representative data: every accepted form, and what is said about bad data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_nest import NestError
from keras_nest.converter.representative import load

SHAPE = (1, 4, 4, 2)
X = np.random.default_rng(0).normal(size=(20, 4, 4, 2)).astype(np.float32)
Y = np.arange(20)


def test_array_is_taken_whole_up_to_the_limit() -> None:
    np.testing.assert_array_equal(load(X, SHAPE), X)
    np.testing.assert_array_equal(load(X, SHAPE, samples=20), X)


def test_samples_are_spread_over_the_array() -> None:
    np.testing.assert_array_equal(load(X, SHAPE, samples=2), X[[0, 19]])
    assert len(load(X, SHAPE, samples=7)) == 7


def test_files(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    np.savez(tmp_path / "one.npz", images=X)
    np.savez(tmp_path / "two.npz", x=X, y=Y)
    for name in ("x.npy", "one.npz", "two.npz"):
        np.testing.assert_array_equal(load(tmp_path / name, SHAPE), X)
        np.testing.assert_array_equal(load(str(tmp_path / name), SHAPE), X)


@pytest.mark.parametrize(
    "source",
    [
        lambda: (row for row in X),
        lambda: ((row, label) for row, label in zip(X, Y, strict=True)),
        lambda: iter([X[:8], X[8:16], X[16:]]),
        lambda: [(X[:8], Y[:8]), (X[8:], Y[8:])],
        lambda: list(X),
    ],
    ids=["samples", "pairs", "batches", "batches of pairs", "list"],
)
def test_iterables(source: Any) -> None:
    np.testing.assert_array_equal(load(source(), SHAPE), X)
    np.testing.assert_array_equal(load(source(), SHAPE, samples=10), X[:10])


def test_endless_generator_stops_at_the_limit() -> None:
    def endless() -> Any:
        while True:
            yield X[:3]

    assert len(load(endless(), SHAPE, samples=50)) == 50


def test_tf_data() -> None:
    tensorflow = pytest.importorskip("tensorflow")
    data = tensorflow.data.Dataset.from_tensor_slices((X, Y)).batch(6)
    np.testing.assert_array_equal(load(data, SHAPE), X)


def test_integers_become_floats() -> None:
    loaded = load(np.ones((2, 4, 4, 2), np.uint8), SHAPE)
    assert loaded.dtype == np.float32


NAN = X.copy()
NAN[3, 0, 0, 0] = np.nan

BAD: dict[str, tuple[Any, str]] = {
    "wrong shape": (X[:, :3], r"shape \(samples, 4, 4, 2\). Received: shape=\(20, 3,"),
    "one sample": (X[0], r"Received: shape=\(4, 4, 2\)"),
    "empty": (X[:0], r"at least one sample.*Received: shape=\(0, 4, 4, 2\)"),
    "empty iterable": (iter([]), "Received: an empty iterable"),
    "text": (np.full((2, 4, 4, 2), "a"), "Expected numbers.*dtype=<U1"),
    "objects": (np.full((2, 4, 4, 2), None), "Expected numbers.*dtype=object"),
    "complex": (X.astype(complex), "Expected numbers.*dtype=complex128"),
    "nan": (NAN, "NaN or infinity in 1 of 20 samples"),
    "infinite": (np.where(np.isnan(NAN), np.inf, NAN), "NaN or infinity in 1 of 20"),
    "bad second item": (iter([X[:2], X[:2, :3]]), "item 1 of the data"),
    "none": (None, "Received: NoneType"),
    "number": (3.5, "Received: float"),
    "dictionary": ({"x": X}, "Received: dict"),
    "list of numbers": ([1.0, 2.0], "Received: shape="),
    "wrong suffix": ("data.csv", "Expected a .npy or .npz file. Received: data.csv"),
    "missing file": ("nowhere.npy", "No such file"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_data_is_named(name: str) -> None:
    source, message = BAD[name]
    with pytest.raises(NestError, match=message):
        load(source, SHAPE)


def test_missing_channel_axis_is_hinted_at() -> None:
    with pytest.raises(NestError) as caught:
        load(np.zeros((5, 4, 4)), (1, 4, 4, 1))
    assert "x[..., None]" in (caught.value.hint or "")


def test_samples_may_be_a_numpy_integer() -> None:
    data = np.zeros((7, 4), np.float32)
    assert len(load(data, (1, 4), np.int64(5))) == 5
    assert len(load(iter(data), (1, 4), np.uint8(5))) == 5


@pytest.mark.parametrize("samples", [0, -1, 2.5, True])
def test_samples_must_be_a_positive_integer(samples: Any) -> None:
    with pytest.raises(NestError, match="`samples` to be a positive integer"):
        load(X, SHAPE, samples=samples)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(b"no numpy file")
    np.savez(tmp_path / "many.npz", a=X, b=X)
    np.savez(tmp_path / "cut.npz", x=X)
    cut = (tmp_path / "cut.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(cut[: len(cut) // 2])
    np.save(tmp_path / "pickled.npy", np.array([{"a": 1}]), allow_pickle=True)
    for name in ("cut.npz", "pickled.npy"):
        with pytest.raises(NestError, match="as a numpy file"):
            load(tmp_path / name, SHAPE)
    with pytest.raises(NestError, match=r"a file that numpy wrote.*starts with b'no n"):
        load(tmp_path / "x.npy", SHAPE)
    with pytest.raises(NestError, match=r"array named 'x'.*\['a', 'b'\]"):
        load(tmp_path / "many.npz", SHAPE)
