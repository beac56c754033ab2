"""Least squares with coefficients of 0 or more: a part of a kernel costs no less."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def fit(features: Array, counts: Array) -> Array:
    """Coefficients that minimize the relative errors of `features @ coefficients`.

    Args:
        features: `[measurements, features]`, 0 or more.
        counts: `[measurements]`, above 0.
    """
    relative = features / counts[:, None]
    # Of about the same size, or the tolerance below would mean something else for each.
    scale = np.maximum(np.linalg.norm(relative, axis=0), np.finfo(float).tiny)
    found: Array = non_negative(relative / scale, np.ones(len(counts))) / scale
    return found


def non_negative(matrix: Array, target: Array) -> Array:
    """argmin |matrix x - target| over x >= 0, by Lawson and Hanson's active sets."""
    x = np.zeros(matrix.shape[1])
    passive = np.zeros(matrix.shape[1], bool)
    for _ in range(10 * matrix.shape[1]):
        gradient = matrix.T @ (target - matrix @ x)
        gradient[passive] = -np.inf
        best = int(np.argmax(gradient))
        if gradient[best] <= 1e-10 * len(target):
            break
        passive[best] = True
        x = _solve_inside(matrix, target, x, passive)
    return x


def _solve_inside(matrix: Array, target: Array, x: Array, passive: Mask) -> Array:
    """The best `x` on the passive set, going no further than where one reaches 0."""
    while True:
        trial = np.zeros_like(x)
        trial[passive] = np.linalg.lstsq(matrix[:, passive], target, rcond=None)[0]
        blocked = passive & (trial <= 0)
        if not blocked.any():
            return trial
        steps = x[blocked] / (x[blocked] - trial[blocked])
        x = x + float(steps.min()) * (trial - x)
        passive &= x > 1e-14
        x[~passive] = 0
