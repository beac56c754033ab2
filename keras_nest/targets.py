"""The cores that models are made for: one list for training, conversion and bench.

`nest(target=...)` takes the pattern that the core multiplies at a time,
`convert(target=...)` the cost table that was measured on it, `bench(target=...)` the
board that QEMU emulates it on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from keras_nest.errors import NestError

GENERIC = "generic"


@dataclasses.dataclass(frozen=True)
class Target:
    """A core as the user names it.

    Attributes:
        name: Such as "cortex-m4".
        pattern: The block that a core multiplies at a time: two weights with 16-bit
            SIMD, sixteen with Helium.
        costs: Whose cost table predicts its instructions; "generic" is the portable C.
        emulated: Whether the bench runs it; tflm_ops/bench/cores.json then has its
            compiler flags and its board.
    """

    name: str
    pattern: str
    costs: str
    emulated: bool = False


TARGETS = {
    target.name: target
    for target in (
        Target(GENERIC, "1x2", GENERIC),
        Target("cortex-m0", "1x2", GENERIC),
        Target("cortex-m0plus", "1x2", GENERIC),
        Target("cortex-m3", "1x2", GENERIC, emulated=True),
        Target("cortex-m4", "1x2", "cortex-m4", emulated=True),
        Target("cortex-m7", "1x2", "cortex-m7", emulated=True),
        Target("cortex-m33", "1x2", "cortex-m33", emulated=True),
        Target("cortex-m55", "1x16", "cortex-m55", emulated=True),
        # The same instruction set as the Cortex-M55's.
        Target("cortex-m85", "1x16", "cortex-m55"),
    )
}

EMULATED = {name: target for name, target in TARGETS.items() if target.emulated}

_PREFIX = "cortex-"
ALIASES = {name.removeprefix(_PREFIX): name for name in TARGETS if _PREFIX in name}


def find(
    name: str, what: str = "target", known: Mapping[str, Target] = TARGETS
) -> Target:
    """The target of a name; "m4" is short for "cortex-m4".

    Args:
        name: A key of `known`, or one of `ALIASES`.
        what: How the caller calls it, for the error.
        known: `TARGETS`, or `EMULATED`.

    Raises:
        NestError: If there is no such target among those known.
    """
    found = known.get(ALIASES.get(name, name)) if isinstance(name, str) else None
    if found is None:
        hint = None
        if GENERIC in known:
            hint = f"For any other core: {GENERIC!r}, the portable C kernels."
        raise NestError(
            f"Expected `{what}` to be one of {', '.join(known)} (or m4 for "
            f"cortex-m4). Received: {what}={name!r}",
            hint=hint,
        )
    return found
