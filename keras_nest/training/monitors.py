"""What callbacks watch: whether a level's figure is to fall or to rise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


class MonitorModes(keras.callbacks.Callback):
    """Sets mode="auto" of callbacks that watch a level, which Keras does not know.

    Keras knows the mode of "loss" and of the names of metrics, not of "level_0_loss"
    and "level_0_accuracy", and raises an error. Goes before the callbacks it is for.

    Args:
        callbacks: Those of the user.
        names: The names of the levels.
    """

    def __init__(self, callbacks: Sequence[Any], names: Sequence[str]):
        super().__init__()
        self._callbacks = callbacks
        self._names = names

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        for callback in self._callbacks:
            watched = str(getattr(callback, "monitor", "")).removeprefix("val_")
            name = next((n for n in self._names if watched.startswith(f"{n}_")), None)
            if name is None or getattr(callback, "mode", None) != "auto":
                continue
            mode = self._mode(watched.removeprefix(f"{name}_"))
            if mode is not None:
                callback.mode = mode

    def _mode(self, figure: str) -> str | None:
        if figure == "loss":
            return "min"
        for container in self.model.metrics:
            for metric in getattr(container, "metrics", [container]):
                if metric.name == figure and hasattr(metric, "_direction"):
                    return "max" if metric._direction == "up" else "min"
        return None
