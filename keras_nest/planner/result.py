"""What the planner gives back: sparsities by layer, and a table that says why."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from keras_nest.masks import Pattern
from keras_nest.planner.candidates import Choices

_WIDTH = 1000  # columns: nothing is cut


@dataclasses.dataclass(frozen=True, eq=False)
class Plan(Mapping[str, tuple[float, ...]]):
    """Layer name -> sparsity at each level; `nest` takes it as it is.

    Printed, it is a table of what each layer keeps and costs at each level.

    Attributes:
        choices: What every layer could choose from, those that stay dense among them.
        chosen: By level, the number of the choice of each layer that is planned.
        budgets: As asked for.
        dense_cost: Cost of the dense model.
        pattern: The pattern that the plan is made for.
        gap: Relative distance at most between this plan and the best one.
        unit: What costs are counted in.
    """

    choices: Sequence[Choices]
    chosen: Sequence[Sequence[int]]
    budgets: tuple[float, ...]
    dense_cost: float
    pattern: Pattern
    gap: float
    unit: str

    @property
    def planned(self) -> list[Choices]:
        """The layers that have masks, in the order of `chosen`."""
        return [one for one in self.choices if one.layer.pattern is not None]

    def __getitem__(self, name: str) -> tuple[float, ...]:
        for number, one in enumerate(self.planned):
            if one.layer.name == name:
                kept = (one.densities[level[number]] for level in self.chosen)
                return tuple(1.0 - float(value) for value in kept)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter([one.layer.name for one in self.planned])

    def __len__(self) -> int:
        return len(self.planned)

    @property
    def costs(self) -> tuple[float, ...]:
        """What each level costs."""
        return tuple(
            sum(float(one.costs[index]) for one, index in self._of_level(level))
            for level in range(len(self.budgets))
        )

    def by_layer(self) -> list[tuple[Choices, list[int]]]:
        """Every layer and the number of its choice at each level."""
        per_level = [self._of_level(level) for level in range(len(self.budgets))]
        return [
            (of_levels[0][0], [number for _, number in of_levels])
            for of_levels in zip(*per_level, strict=True)
        ]

    def _of_level(self, level: int) -> list[tuple[Choices, int]]:
        """Every layer and the number of its choice at a level."""
        numbers = iter(self.chosen[level])
        return [
            (one, level if one.layer.pattern is None else next(numbers))
            for one in self.choices
        ]

    def table(self) -> Table:
        """What was chosen and why, as a rich table."""
        table = Table(
            title=f"Plan for {len(self.budgets)} levels",
            caption="kept: share of the layer's importance. The layers whose "
            f"{self.unit} carry the most of it keep the most.",
        )
        table.add_column("layer", overflow="fold")
        table.add_column("pattern")
        table.add_column(f"{self.unit}\ndense", justify="right", no_wrap=True)
        for level, budget in enumerate(self.budgets):
            for text in (f"level {level}\n{budget:.1%} asked\nsparsity", "\n\nkept"):
                table.add_column(text, justify="right", no_wrap=True)
        per_level = [self._of_level(level) for level in range(len(self.budgets))]
        for of_levels in zip(*per_level, strict=True):
            layer = of_levels[0][0].layer
            dense = f"{float(of_levels[0][0].costs[-1]):,.0f}"
            cells = [cell for one, index in of_levels for cell in _cells(one, index)]
            table.add_row(layer.name, str(layer.pattern or "dense"), dense, *cells)
        table.add_section()
        costs = [
            cell
            for cost in self.costs
            for cell in (f"{cost:,.0f}", f"{cost / self.dense_cost:.2%}")
        ]
        table.add_row(f"total {self.unit}", "", f"{self.dense_cost:,.0f}", *costs)
        return table

    def __str__(self) -> str:
        console = Console(width=_WIDTH, file=io.StringIO(), color_system=None)
        with console.capture() as capture:
            console.print(self.table())
        return capture.get()


def _cells(one: Choices, index: int) -> tuple[str, str]:
    """The sparsity and the kept share of the importance."""
    sparsity = f"{1 - float(one.densities[index]):.1%}"
    if one.layer.pattern is None:
        return sparsity, ""
    return sparsity, f"{float(one.kept[index]):.1%}"
