"""The boards that the bench emulates, and the tools it builds and runs for them."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path

from keras_nest import targets
from keras_nest._native import sources_path
from keras_nest.errors import NestError

# command -> what installs it on Debian and Ubuntu
_PACKAGES = {
    "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "qemu-system-arm": "qemu-system-arm",
}


@dataclasses.dataclass(frozen=True)
class Target:
    """A core and the board that QEMU emulates it on.

    Attributes:
        name: The core, such as "cortex-m4".
        compiler: Command of the compiler.
        flags: The compiler's flags for the core.
        machine: QEMU's name of the board.
        script: File name of the linker script.
        timer_hz: Frequency of the board's timer.
    """

    name: str
    compiler: str
    flags: tuple[str, ...]
    machine: str
    script: str
    timer_hz: int


def find_target(name: str) -> Target:
    """The core of a name in `keras_nest.targets`, as tflm_ops/bench/cores.json has it.

    Raises:
        NestError: If the bench does not run it.
    """
    name = targets.find(name, known=targets.EMULATED).name
    facts = json.loads((sources_path() / "bench" / "cores.json").read_text())[name]
    return Target(
        name=name,
        compiler=f"{facts['compiler']}-gcc",
        flags=tuple(facts["flags"]),
        machine=facts["machine"],
        script=facts["script"],
        timer_hz=facts["timer_hz"],
    )


def find_tool(name: str) -> Path:
    """The path of a command.

    Raises:
        NestError: If it is not installed; the hint says how to get it.
    """
    path = shutil.which(name)
    if path is None:
        raise NestError(
            f"Expected the command {name}. Received: none on this machine's path",
            hint=f"On Debian and Ubuntu: apt-get install {_PACKAGES[name]}",
        )
    return Path(path)


def version_of(tool: Path) -> str:
    """The first line that a command prints of its version."""
    done = subprocess.run([tool, "--version"], capture_output=True, text=True)
    return (done.stdout.splitlines() or [tool.name])[0]
