"""The governor takes next to nothing beside an Invoke: counted on the M4."""

from __future__ import annotations

from pathlib import Path

from keras_nest._native import sources_path
from keras_nest.bench import emulator, image
from keras_nest.bench.targets import find_target
from tests.bench import firmware

# 163, 121, 115 and 311 by GCC 12.2 -O2: room for another compiler.
LIMITS = {"stay": 220, "learn": 170, "switch": 160, "relearn": 420}
SHIFT = 8
TARGET = find_target("cortex-m4")


def test_governor_takes_hundreds_of_instructions(tools: None, tmp_path: Path) -> None:
    sources = sources_path()
    bench = sources / "bench"
    files = [Path(__file__).with_name("governor_main.c")]
    files += [bench / f"{name}.c" for name in ("semihosting", "startup_arm", "timer")]
    files += [bench / "syscalls.c", *sorted((sources / "src/governor").glob("*.c"))]
    files += sorted((sources / "src/metadata").glob("*.c"))
    options = [*image.options_for(TARGET), "-Wl,--no-warn-rwx-segments"]
    firmware.link(TARGET, tmp_path / "governor.elf", *options, *files)
    lines = emulator._run(tmp_path / "governor.elf", TARGET, SHIFT)
    assert "done" in lines
    ticks = {name: int(value) for name, value in (line.split() for line in lines[:5])}
    empty = ticks.pop("empty")
    per_tick = 1e9 / TARGET.timer_hz / 2**SHIFT
    counts = {name: round((n - empty) * per_tick) for name, n in ticks.items()}
    assert counts.keys() == LIMITS.keys()
    assert all(0 < counts[name] <= limit for name, limit in LIMITS.items()), counts
