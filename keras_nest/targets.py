"""The cores that models are made for: one list for training and conversion.

`nest(target=...)` takes the pattern that the core multiplies at a time,
`convert(target=...)` the cost table that was measured on it.
"""

from __future__ import annotations

import dataclasses

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
    """

    name: str
    pattern: str
    costs: str


TARGETS = {
    target.name: target
    for target in (
        Target(GENERIC, "1x2", GENERIC),
        Target("cortex-m0", "1x2", GENERIC),
        Target("cortex-m0plus", "1x2", GENERIC),
        Target("cortex-m3", "1x2", GENERIC),
        Target("cortex-m4", "1x2", "cortex-m4"),
        Target("cortex-m7", "1x2", "cortex-m7"),
        Target("cortex-m33", "1x2", "cortex-m33"),
        Target("cortex-m55", "1x16", "cortex-m55"),
        # The same instruction set as the Cortex-M55's.
        Target("cortex-m85", "1x16", "cortex-m55"),
    )
}

_PREFIX = "cortex-"
ALIASES = {name.removeprefix(_PREFIX): name for name in TARGETS if _PREFIX in name}


def find(name: str, what: str = "target") -> Target:
    """The target of a name; "m4" is short for "cortex-m4".

    Args:
        name: A key of `TARGETS` or `ALIASES`.
        what: How the caller calls it, for the error.

    Raises:
        NestError: If there is no such target.
    """
    found = TARGETS.get(ALIASES.get(name, name)) if isinstance(name, str) else None
    if found is None:
        raise NestError(
            f"Expected `{what}` to be one of {', '.join(TARGETS)} (or m4 for "
            f"cortex-m4). Received: {what}={name!r}",
            hint=f"For any other core: {GENERIC!r}, the portable C kernels.",
        )
    return found
