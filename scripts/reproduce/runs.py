"""What a run is, and the files it leaves."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from keras_nest.files import write_atomic
from reproduce.data import VALIDATION


@dataclasses.dataclass(frozen=True)
class Run:
    """One training of one column of a table.

    Attributes:
        network, data: Names out of `networks.NETWORKS` and of `data.load`.
        column: Name out of `columns.COLUMNS`.
        levels: What the levels are asked to be, the cheapest first: sparsities
            (falling), or shares of the dense multiply-accumulates (rising).
        unit: "sparsity" or "macs".
        seed: Of the weights, the order of the samples and drawn levels.
        epochs: Passes over the training data, of every level.
        variant: Name out of `ablations.VARIANTS`, "" for none.
        train_samples, validation, quick: See `data.load`.
    """

    network: str
    data: str
    column: str
    levels: tuple[float, ...]
    unit: str = "sparsity"
    seed: int = 1
    epochs: int = 6
    variant: str = ""
    train_samples: int | None = None
    validation: int = VALIDATION
    quick: bool = False

    @property
    def name(self) -> str:
        """The name of its files, without ending."""
        levels = "-".join(f"{level:g}" for level in self.levels)
        column = f"{self.column}.{self.variant}" if self.variant else self.column
        parts = (self.data, self.network, column, levels, f"seed{self.seed}")
        return "_".join(parts)

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Run:
        """The run of what `dataclasses.asdict` made of one, or of its result."""
        names = [field.name for field in dataclasses.fields(cls)]
        values = {name: facts[name] for name in names if name in facts}
        return cls(**{**values, "levels": tuple(values["levels"])})


def result_path(run: Run, folder: Path) -> Path:
    return folder / f"{run.name}.json"


def is_done(run: Run, folder: Path) -> bool:
    """Whether the folder has the result of this very run.

    Raises:
        ValueError: If it has one of the same name with other settings.
    """
    path = result_path(run, folder)
    if not path.exists():
        return False
    found = Run.of(json.loads(path.read_text()))
    if found != run:
        raise ValueError(
            f"Expected {path} to be the result of {run}. Received: that of {found}. "
            "Remove it, or name another folder for the results."
        )
    return True


def save_result(run: Run, facts: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**dataclasses.asdict(run), **facts}, indent=1)
    write_atomic(result_path(run, folder), f"{text}\n".encode())


def load_results(folder: Path) -> list[dict[str, Any]]:
    """All results of a folder, by name."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
