"""Tests in a forked process: with a limit of time and memory, and one word back."""

from __future__ import annotations

import dataclasses
import os
import resource
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

MEMORY_BYTES = 24 << 30  # of addresses: TensorFlow reserves many


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of the tests.

    Attributes:
        word: "passed", "failed", "crashed", "timeout" or "error" (no test was run).
        test: The first test that failed, if one did; else what is known.
        seconds: Wall time.
    """

    word: str
    test: str = ""
    seconds: float = 0.0

    @property
    def killed(self) -> bool:
        return self.word in ("failed", "crashed", "timeout")


class _Watch:
    """Remembers the first test that failed, and ends one that takes too long."""

    def __init__(self, limits: Mapping[str, float]) -> None:
        self.limits = limits
        self.failed = ""
        self.times: dict[str, float] = {}
        self.started = 0.0

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.started = time.process_time()
        if nodeid in self.limits:
            # Ends this process, even inside of a loop in C.
            signal.setitimer(signal.ITIMER_VIRTUAL, self.limits[nodeid])

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.times[nodeid] = time.process_time() - self.started

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed and not self.failed:
            self.failed = f"import of {report.nodeid}"


def run_pytest(
    arguments: Sequence[str], limits: Mapping[str, float]
) -> tuple[int, _Watch]:
    """pytest in this process, up to the first failure.

    Args:
        arguments: Its arguments.
        limits: Processor time in seconds that each test may take; others any.
    """
    import hypothesis
    import pytest

    # Neither examples of other mutants nor the search for the smallest one.
    hypothesis.settings.register_profile(
        "mutation",
        database=None,
        derandomize=True,
        deadline=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    hypothesis.settings.load_profile("mutation")
    watch = _Watch(limits)
    options = "-x -q --no-header --no-summary --tb=no -W ignore -p no:cacheprovider"
    status = pytest.main([*options.split(), *arguments], plugins=[watch])
    return int(status), watch


def time_of_tests(arguments: Sequence[str]) -> dict[str, float]:
    """Processor time of each test in this process, on the code as it is.

    Raises:
        RuntimeError: A test fails, so that no mutant could be told from the code.
    """
    status, watch = run_pytest(arguments, {})
    if status != 0:
        raise RuntimeError(
            "Expected the tests to pass on the code as it is. "
            f"Received: status {status} of pytest, at {watch.failed!r}."
        )
    return watch.times


def limits_of(times: Mapping[str, float]) -> dict[str, float]:
    """Seconds after which a test counts as one that would not end."""
    return {name: 2 + 4 * seconds for name, seconds in times.items()}


def run_forked(
    prepare: Callable[[], None],
    tests: Sequence[str],
    limits: Mapping[str, float],
) -> Outcome:
    """`prepare` and the tests in a child, each test within its limit."""
    reader, writer = os.pipe()
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _be_child(prepare, tests, limits, writer)
    os.close(writer)
    # A child that sleeps takes no processor time; it ends all the same.
    status = _wait(child, started + 60 + 20 * sum(limits.values()))
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode()
    seconds = round(time.monotonic() - started, 2)
    if status is None:
        return Outcome("timeout", "", seconds)
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        late = os.WTERMSIG(status) in (signal.SIGVTALRM, signal.SIGKILL)
        return Outcome("timeout" if late else "crashed", name, seconds)
    word = {0: "passed", 1: "failed", 2: "failed"}.get(os.WEXITSTATUS(status), "error")
    return Outcome(word, said, seconds)


def _be_child(
    prepare: Callable[[], None],
    tests: Sequence[str],
    limits: Mapping[str, float],
    writer: int,
) -> None:
    status = 3
    try:
        os.setsid()
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        prepare()
        status, watch = run_pytest(tests, limits)
        os.write(writer, watch.failed.encode())
    except BaseException as error:
        # A mutant that cannot even be imported is noticed.
        os.write(writer, repr(error)[:200].encode())
        status = 1
    finally:
        os._exit(status)


def _wait(child: int, until: float) -> int | None:
    """The child's wait status; None if it had to be killed."""
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        if time.monotonic() > until:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(0.02)
