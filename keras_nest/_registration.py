"""Makes Keras know the nested classes as soon as both packages are imported.

`keras.saving.load_model` finds classes by their registered names only, and registering
them takes Keras, which this package does not import until it is needed.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType

REGISTERING = "keras_nest.qat"


def register_with_keras() -> None:
    """Registers the classes now if Keras is there, else right after its import."""
    if sys.modules.get("keras") is not None:
        importlib.import_module(REGISTERING)
    else:
        sys.meta_path.insert(0, _Watcher())


class _Watcher(importlib.abc.MetaPathFinder):
    """Sees Keras and this package's modules being imported, until it has registered.

    Where one of our modules is what imports Keras, the classes cannot be registered
    before it is loaded itself: they may need it.
    """

    def __init__(self) -> None:
        self._loading = 0

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "keras" and not fullname.startswith("keras_nest."):
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        for finder in others:
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _WatchedLoader(spec.loader, self)
                return spec
        return None

    def started(self) -> None:
        self._loading += 1

    def ended(self, succeeded: bool) -> None:
        self._loading -= 1
        if not succeeded:
            return
        # None: what is put there so that an import fails.
        there = sys.modules.get("keras") is not None
        if self._loading == 0 and there and self in sys.meta_path:
            sys.meta_path.remove(self)
            importlib.import_module(REGISTERING)


class _WatchedLoader(importlib.abc.Loader):
    """Loads a module as its own loader does, and tells the watcher."""

    def __init__(self, loader: importlib.abc.Loader, watcher: _Watcher):
        self._loader = loader
        self._watcher = watcher

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._watcher.started()
        succeeded = False
        try:
            self._loader.exec_module(module)
            succeeded = True
        finally:
            self._watcher.ended(succeeded)

    def __getattr__(self, name: str) -> object:
        # Reading a module's source or resources goes through its loader.
        return getattr(self._loader, name)
