"""The fuzz targets: what each is built of, where it starts, how it is run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
OPS = ROOT / "tflm_ops"
OUT = ROOT / "out" / "fuzz"
_SUFFIXES = {".c", ".h", ".cc", ".txt"}


@dataclass(frozen=True)
class Target:
    """A libFuzzer target.

    Attributes:
        name: The program.
        seeds: The folder of seeds that it starts from.
        longest: Of its inputs, in bytes.
        what: For the page: what goes in.
        build: `native`, or `m32` for a 32-bit size_t, as firmware has.
        program: The program where it is not the name.
    """

    name: str
    seeds: str
    longest: int
    what: str
    build: str = "native"
    program: str = ""

    @property
    def executable(self) -> str:
        return self.program or self.name


TARGETS = (
    Target("open_fuzz", "ops", 512, "packed ops, through nest_open"),
    Target(
        "open_fuzz_32",
        "ops",
        512,
        "the same, where pointers and sizes have 32 bits",
        build="m32",
        program="open_fuzz",
    ),
    Target("open_fuzz_no_widths", "ops", 512, "the same, built without widths"),
    Target("nest_fuzz_portable", "ops", 4096, "packed ops, opened and run: portable C"),
    Target("nest_fuzz_dsp", "ops", 4096, "the same: C models of the DSP kernels"),
    Target("nest_fuzz", "ops", 4096, "the same: C models of the MVE kernels"),
    Target("glue_fuzz", "glue", 1024, "an op and its tensors in TFLM, Init to Eval"),
    Target("metadata_fuzz", "metadata", 1200, "metadata, alone and in a .tflite"),
    Target("governor_fuzz", "governor", 256, "costs, settings, budgets and durations"),
)


def digest_of_sources() -> str:
    """Which C code it was that ran: of the kernels, the glue and the targets."""
    found = hashlib.sha256()
    for folder in ("include", "src", "tflm", "fuzz"):
        for path in sorted((OPS / folder).rglob("*")):
            if path.suffix in _SUFFIXES:
                found.update(path.relative_to(OPS).as_posix().encode() + b"\0")
                found.update(path.read_bytes())
    return found.hexdigest()[:12]
