"""What the process that has tfmot is asked for, and what it leaves."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from reproduce.runs import Run

from keras_nest.files import write_atomic

SAMPLES = 500  # that the ranges of the int8 model are measured on


@dataclasses.dataclass(frozen=True)
class Request:
    """One level: a net that is pruned to one sparsity.

    Attributes:
        run: Its network, data, sparsity (0: trained dense, without tfmot), epochs and
            seed; its variant is a name out of `SCHEDULES`.
        pruned: Names of the layers to prune.
        batch_size, learning_rate: Of Adam, which falls along half a cosine.
        begin, end: Progress of training, from 0 to 1, at which pruning begins and the
            sparsity is reached.
    """

    run: Run
    pruned: tuple[str, ...]
    batch_size: int
    learning_rate: float
    begin: float
    end: float

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Request:
        """The request that `dataclasses.asdict` made these facts of."""
        run = Run.of(facts["run"])
        return cls(**{**facts, "run": run, "pruned": tuple(facts["pruned"])})


# variants: PolynomialDecay (its cubic default) or ConstantSparsity of tfmot
SCHEDULES = {"": "PolynomialDecay", "constant": "ConstantSparsity"}


@dataclasses.dataclass(frozen=True)
class Files:
    """The files of one level in a folder. The facts are written last.

    Attributes:
        folder: Of all levels.
        name: Of the level's run.
    """

    folder: Path
    name: str

    @property
    def tflite(self) -> Path:
        return self.folder / f"{self.name}.tflite"

    @property
    def _facts(self) -> Path:
        return self.folder / f"{self.name}.trained.json"

    def load(self, request: Request) -> dict[str, Any] | None:
        """The facts, or None where the level is not trained, or for another request."""
        if not (self._facts.exists() and self.tflite.exists()):
            return None
        facts: dict[str, Any] = json.loads(self._facts.read_text())
        return facts if Request.of(facts["request"]) == request else None

    def save(self, request: Request, tflite: bytes, facts: dict[str, Any]) -> None:
        """Writes both files."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._facts.unlink(missing_ok=True)
        write_atomic(self.tflite, tflite)
        text = json.dumps({"request": dataclasses.asdict(request), **facts}, indent=1)
        write_atomic(self._facts, f"{text}\n".encode())
