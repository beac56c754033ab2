"""One change of one file."""

from __future__ import annotations

import dataclasses
import hashlib
import random
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A file with the characters from `start` to `end` replaced.

    Attributes:
        path: Path of the file in the repository.
        line: Line of the change, from 1.
        start: First character replaced.
        end: The character behind the last one replaced.
        before: What was there.
        after: What is there instead.
    """

    path: str
    line: int
    start: int
    end: int
    before: str
    after: str

    def apply(self, source: str) -> str:
        """The mutated file's text."""
        return source[: self.start] + self.after + source[self.end :]

    def key(self, source: str) -> str:
        """A name that changes when the file does."""
        digest = hashlib.sha256(source.encode()).hexdigest()[:12]
        return f"{self.path}@{digest}:{self.start}-{self.end}:{self.after}"

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.before!r} -> {self.after!r}"


def sample(mutants: Sequence[Mutant], count: int, seed: int) -> list[Mutant]:
    """`count` of them at random, each file with its share (rounded), one at least."""
    files: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        files.setdefault(mutant.path, []).append(mutant)
    chosen: list[Mutant] = []
    share = min(1.0, count / max(len(mutants), 1))
    for path, of_file in sorted(files.items()):
        rng = random.Random(f"{seed} {path}")
        chosen += rng.sample(of_file, max(1, round(share * len(of_file))))
    random.Random(seed).shuffle(chosen)
    return chosen
