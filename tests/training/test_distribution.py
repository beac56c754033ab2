"""Training on several devices gives what training on one does."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from keras_nest.errors import NestError
from keras_nest.training.replicas import check_strategy

ROOT = Path(__file__).parents[2]
BACKENDS = {"mirrored": "tensorflow", "data parallel": "jax"}


@functools.cache
def trained(kind: str) -> Any:
    """The cases of `two_devices`, each trained on one device and on two."""
    if importlib.util.find_spec(BACKENDS[kind]) is None:
        pytest.skip(f"{BACKENDS[kind]} is not installed")
    result = subprocess.run(
        [sys.executable, "-m", "tests.training.two_devices", kind],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "KERAS_BACKEND": BACKENDS[kind],
            "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        },
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        ("mirrored", "all levels"),
        ("mirrored", "some levels a step"),
        ("mirrored", "line"),
        ("mirrored", "synchronized norm"),
        ("data parallel", "some levels a step"),
        ("data parallel", "norm"),
    ],
)
def test_two_devices_have_the_losses_of_one(kind: str, case: str) -> None:
    found = trained(kind)[case]
    assert found["same_masks"]
    assert {"loss", "level_0_loss", "val_level_2_loss"} <= set(found["one"])
    for name, values in found["one"].items():
        # Sums in another order, float32: 8 steps of losses near 1.
        assert found["two"][name] == pytest.approx(values, abs=1e-5), name


def test_each_replica_normalizes_by_its_own_part_of_the_batch() -> None:
    found = trained("mirrored")["norm"]
    one, two = found["one"]["loss"], found["two"]["loss"]
    # Of 12 samples in place of 24: another loss, but not a wrong one.
    assert one != pytest.approx(two, abs=1e-5)
    assert one == pytest.approx(two, rel=0.1)


@pytest.mark.parametrize("kind", list(BACKENDS))
def test_statistics_are_those_of_all_data_in_the_end(kind: str) -> None:
    # One batch of all samples; moments in float32, of values near 1.
    assert trained(kind)["norm"]["statistics"] == pytest.approx([0, 0], abs=1e-4)


def test_several_workers_are_refused() -> None:
    class Cluster:
        def __init__(self, *workers: str):
            self._workers = workers

        def as_dict(self) -> dict[str, list[str]]:
            return {"worker": list(self._workers)} if self._workers else {}

    def strategy(*workers: str) -> Any:
        resolver = SimpleNamespace(cluster_spec=lambda: Cluster(*workers))
        return SimpleNamespace(cluster_resolver=resolver)

    for one in (None, SimpleNamespace(), strategy(), strategy("a:1")):
        check_strategy(one)
    with pytest.raises(NestError, match=r"one machine.*2 workers.*20585") as error:
        check_strategy(strategy("a:1", "b:1"))
    assert "MirroredStrategy" in str(error.value)
