"""Cost tables: what the kernels' parts take on a core, as measured in QEMU."""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

from keras_nest.converter.costs.features import runs_of
from keras_nest.converter.costs.run import Run
from keras_nest.errors import NestError

FOLDER = Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class PathCosts:
    """One path's part of a table.

    Attributes:
        coefficients: Instructions of each feature, 0 or more.
        counts: Number of measured counts that they were fitted to.
        typical_error: Median of the relative errors of the predictions.
        worst_error: The largest of them, on ops fitted to and others.
    """

    coefficients: dict[str, float]
    counts: int
    typical_error: float
    worst_error: float


@dataclasses.dataclass(frozen=True)
class CostTable:
    """The costs of one core.

    Attributes:
        core: Such as "cortex-m4", or "generic": the portable C.
        measured_on: The core that was emulated.
        simd: Which kernels it runs: "portable", "dsp" or "mve".
        compiler: Version and optimization.
        emulator: Version.
        ops: Number of ops measured.
        samples: Their fingerprint; see `keras_nest.bench.grid`.
        typical_error: Median over all counts of the predictions' relative errors.
        worst_error: The largest of them.
        paths: By name; see `keras_nest.converter.costs.features`.
    """

    core: str
    measured_on: str
    simd: str
    compiler: str
    emulator: str
    ops: int
    samples: str
    typical_error: float
    worst_error: float
    paths: dict[str, PathCosts]

    def cost(self, run: Run) -> float:
        """Instructions of one op at one level.

        Raises:
            NestError: If the table lacks its path.
        """
        path = self.paths.get(run.path)
        if path is None:
            raise NestError(
                f"Expected a cost table of {self.core} that knows {run.path!r}. "
                f"Received: one of {', '.join(self.paths)}",
                hint="Measure it again: scripts/measure_costs",
            )
        return run.unpacking + sum(
            path.coefficients.get(name, 0.0) * value
            for name, value in run.features.items()
        )

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@functools.cache
def load(core: str) -> CostTable:
    """The table of a core; see `keras_nest.targets.Target.costs`."""
    return read(FOLDER / f"{core}.json")


def read(path: Path) -> CostTable:
    """A table from its file."""
    facts = json.loads(path.read_text())
    facts["paths"] = {
        name: PathCosts(**costs) for name, costs in facts["paths"].items()
    }
    return CostTable(**facts)


def predict(blob: bytes, table: CostTable) -> list[int]:
    """Instructions of a packed op at every level.

    Args:
        blob: The packed op; trusted.
        table: The core's costs.
    """
    return [round(table.cost(run)) for run in runs_of(blob, table.simd)]
