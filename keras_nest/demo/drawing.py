"""What the page draws of an array: pixels, or curves."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

MAX_CURVES = 12  # more than that in one picture cannot be told apart
MAX_TILES = 16


def drawing(x: Array, low: float, high: float) -> dict[str, Any]:
    """One sample or output, as the page takes it.

    Args:
        x: Without the batch. [height, width, 1 or 3] is a picture; [steps, channels]
            are curves, or with many channels a picture of steps from left to right;
            other channels of an image stand side by side; anything else is one curve.
        low: The value that is black; the lower edge of curves.
        high: The value that is white; the upper edge.

    Returns:
        {"kind": "picture", "width", "height", "rgb"}: base64 of 3 bytes a pixel, rows
        from the top. Or {"kind": "curves", "low", "high", "curves"}: lists of numbers,
        one for each channel.
    """
    if x.ndim == 3 and 1 in x.shape[:2]:
        x = x.reshape(-1, x.shape[2])  # one line of pixels: a signal
    if x.ndim == 2 and len(x) > 1 and x.shape[1] > MAX_CURVES:
        x = x.T[::-1, :, None]  # as spectrograms are drawn: low channels at the bottom
    if x.ndim == 3:
        return _picture(_tiles(x), low, high)
    curves = x if x.ndim == 2 and len(x) > 1 else x.reshape(-1, 1)
    return {
        "kind": "curves",
        "low": low,
        "high": high,
        "curves": [[_short(v) for v in one] for one in curves.T.tolist()],
    }


def span(x: Array) -> tuple[float, float]:
    """The lowest and highest finite value; never the same."""
    finite = x[np.isfinite(x)] if x.dtype.kind == "f" else x
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0)
    return low, high if high > low else low + 1.0


def _short(value: float) -> float | None:
    """Five digits; None for what JSON has no number for."""
    return float(f"{value:.5g}") if math.isfinite(value) else None


def _tiles(x: Array) -> Array:
    """[height, width, 1 or 3], of an image with any number of channels."""
    if x.shape[2] in (1, 3):
        return x
    edge = np.full((x.shape[0], 1), x.min(), x.dtype)
    parts: list[Array] = []
    for channel in range(min(x.shape[2], MAX_TILES)):
        parts += [edge, x[..., channel]]
    return np.concatenate(parts[1:], axis=1)[..., None]


def _picture(x: Array, low: float, high: float) -> dict[str, Any]:
    shares = np.clip((x.astype(np.float64) - low) / (high - low), 0.0, 1.0)
    pixels = np.round(255 * np.nan_to_num(shares)).astype(np.uint8)
    rgb = np.broadcast_to(pixels, (*x.shape[:2], 3)).tobytes()
    return {
        "kind": "picture",
        "width": x.shape[1],
        "height": x.shape[0],
        "rgb": base64.b64encode(rgb).decode("ascii"),
    }
