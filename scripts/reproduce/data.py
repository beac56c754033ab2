"""The data sets as float32 arrays, with a part of the training data held out."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Split = tuple[Array, Array]

VALIDATION = 5000
QUICK = (512, 128)  # samples for training, and for validation and test


@dataclasses.dataclass(frozen=True)
class Data:
    """Samples, float32 [samples, height, width, channels], and classes."""

    train: Split
    validation: Split
    test: Split


def load(
    name: str,
    cache: Path,
    *,
    validation: int = VALIDATION,
    train_samples: int | None = None,
    quick: bool = False,
) -> Data:
    """A data set.

    Args:
        name: "fashion_mnist", "cifar10" or "spoken_digits".
        cache: Folder of what is fetched.
        validation: So many of the training samples are held out, the last ones.
            Everything that is chosen is chosen on them, never on test data.
        train_samples: Train on so many of the others, the first ones; None for all.
        quick: A few samples of each, to try the code.
    """
    (x, y), (x_test, y_test) = _fetch(name, cache)
    held_out = len(x) - validation
    train = x[:held_out][:train_samples], y[:held_out][:train_samples]
    parts: list[Split] = [train, (x[held_out:], y[held_out:]), (x_test, y_test)]
    if quick:
        sizes = (QUICK[0], QUICK[1], QUICK[1])
        parts = [(a[:n], b[:n]) for (a, b), n in zip(parts, sizes, strict=True)]
    return Data(*((_images(a), _classes(b)) for a, b in parts))


def _fetch(name: str, cache: Path) -> tuple[Split, Split]:
    import get_data
    from spoken_digits import spoken_digits

    fetch = {
        "fashion_mnist": get_data.fashion_mnist,
        "cifar10": get_data.cifar10,
        "spoken_digits": spoken_digits,
    }
    return fetch[name](cache)


def _images(x: Array) -> Array:
    """With an axis of channels; bytes become shares of 255."""
    x = x if x.ndim == 4 else x[..., None]
    return x.astype(np.float32) / 255 if x.dtype == np.uint8 else x


def _classes(y: Array) -> Array:
    return y.reshape(len(y)).astype(np.int32)
