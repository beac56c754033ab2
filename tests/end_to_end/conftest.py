"""The pretrained MLPerf Tiny models, loaded once."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def script(name: str) -> ModuleType:
    """A module of scripts/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def mlperf_tiny() -> dict[str, Any]:
    get_data = script("get_data")
    paths = get_data.mlperf_tiny_models(ROOT / ".cache")
    return {name: get_data.load_keras_h5(path) for name, path in paths.items()}
