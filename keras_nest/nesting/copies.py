"""Copies of the layers of a model, for building another one out of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras


class Copies:
    """New layers for old ones: one for each, however often it is called."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._new: dict[int, tuple[Any, Any]] = {}
        self._name_of: dict[int, str] = {}
        self._names = set(names)

    def of(self, old: Any, cls: type, **changes: Any) -> Any:
        """The copy of a layer or operation, made at its first call."""
        return self.of_config(old, cls, {**_config_as(old, cls), **changes})

    def of_config(self, old: Any, cls: Any, config: dict[str, Any]) -> Any:
        """As `of`, from a config that is not the old layer's."""
        if id(old) not in self._new:
            new = cls.from_config({**config, "name": self.name_of(old)})
            self._new[id(old)] = (old, new)
        return self._new[id(old)][1]

    def pairs(self) -> list[tuple[Any, Any]]:
        """The (old, new) layers that have weights."""
        return [(old, new) for old, new in self._new.values() if _weights(old)]

    def name_of(self, old: Any) -> str:
        """The name of the copy, given away when it is first asked for."""
        if id(old) not in self._name_of:
            # Layers of different submodels may have the same name.
            candidate, number = old.name, 1
            while candidate in self._names:
                candidate, number = f"{old.name}_{number}", number + 1
            self._names.add(candidate)
            self._name_of[id(old)] = candidate
        return self._name_of[id(old)]


def _weights(operation: Any) -> list[Any]:
    return operation.weights if isinstance(operation, keras.layers.Layer) else []


def _config_as(old: Any, cls: Any) -> dict[str, Any]:
    """The part of a layer's config that `cls`, its own or a parent class, knows."""
    source = cls if isinstance(old, cls) else type(old)
    return source.get_config(old)
