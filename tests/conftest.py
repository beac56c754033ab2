"""Fixtures and rules that all tests share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from typing import Any

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

# What a CI machine may lack; anything else that is skipped there is a failure, or a
# missing tool would pass for a passing test.
MAY_SKIP_IN_CI = ("PyTorch", "accelerator")


@pytest.fixture
def tools() -> None:
    """What the bench runs; skips where it is not installed."""
    for name in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, None]:
    outcome = yield
    report = outcome.get_result()
    if os.environ.get("CI") != "true" or not report.skipped:
        return
    reason = str(report.longrepr[-1] if report.longrepr else "")
    if not any(word in reason for word in MAY_SKIP_IN_CI):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, which CI forbids: {reason}"
