"""Whether a plan fits a device's flash and RAM, and how it is to be packed for that."""

from __future__ import annotations

from typing import Any

from keras_nest.converter.choose import TOLERANCE
from keras_nest.errors import NestError
from keras_nest.planner.footprint import Footprint, footprint
from keras_nest.planner.result import Plan


def within(
    model: Any, plan: Plan, target: str, max_flash: int | None, max_ram: int | None
) -> tuple[str, Footprint]:
    """Packs a plan for speed or, where that takes too much, for size.

    Args:
        model: The model that was planned for.
        plan: Its plan.
        target: A core of `keras_nest.targets`.
        max_flash: Bytes that weights, indices and tables may take; None for any.
        max_ram: Bytes that activations and working memory may take; None for any.

    Returns:
        What to give `convert` as `optimize`, and what the plan then takes.

    Raises:
        NestError: If neither way fits; says the least that would do.
    """
    tried: list[Footprint] = []
    for optimize in ("speed", "size"):
        found = footprint(model, plan, target, optimize)
        tried.append(found)
        flash_left = max_flash is None or found.packed_bytes <= max_flash
        ram_left = max_ram is None or found.arena_bytes <= max_ram
        slower = optimize == "size" and _over_budget(plan, found)
        if flash_left and ram_left and not slower:
            return optimize, found
    flash = min(one.packed_bytes for one in tried)
    ram = min(one.arena_bytes for one in tried)
    wrong = []
    if max_flash is not None and flash > max_flash:
        wrong.append(f"{max_flash:,} bytes of flash, where {flash:,} are the least")
    if max_ram is not None and ram > max_ram:
        wrong.append(f"{max_ram:,} bytes of RAM, where {ram:,} are the least")
    raise NestError(
        "Expected limits that the plan fits. Received: "
        + (" and ".join(wrong) or "limits that only encodings fit which take more")
        + ("" if wrong else f" instructions than the budgets {plan.budgets}"),
        hint="Allow more, or give a smaller budget to the densest level, which holds "
        "the weights of all; RAM goes with the sizes of activations.",
    )


def _over_budget(plan: Plan, found: Footprint) -> bool:
    limits = [share * plan.dense_cost for share in plan.budgets]
    pairs = zip(found.instructions, limits, strict=True)
    return any(count > TOLERANCE * limit for count, limit in pairs)
