"""Makes Keras know the nested classes as soon as both packages are imported.

`keras.saving.load_model` finds classes by their registered names only, and registering
them takes Keras, which this package does not import until it is needed.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType

REGISTERING = "keras_nest.training.nested_model"


def register_with_keras() -> None:
    """Registers the classes now if Keras is there, else right after its import."""
    if sys.modules.get("keras") is not None:
        importlib.import_module(REGISTERING)
    else:
        sys.meta_path.insert(0, _AfterKeras())


class _AfterKeras(importlib.abc.MetaPathFinder):
    """Steps in once, when `keras` is looked for."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _RegisteringLoader(spec.loader)
        return spec


class _RegisteringLoader(importlib.abc.Loader):
    """Loads Keras as its own loader does, then registers the classes."""

    def __init__(self, loader: importlib.abc.Loader):
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        importlib.import_module(REGISTERING)

    def __getattr__(self, name: str) -> object:
        # Reading resources of Keras goes through its loader.
        return getattr(self._loader, name)
