"""A file as a C array: the same bytes always give the same text."""

from __future__ import annotations

_PER_LINE = 12


def array_rows(data: bytes) -> str:
    """The values of an array, twelve a line, without the braces.

    Args:
        data: The bytes; at least one.
    """
    lines = (data[at : at + _PER_LINE] for at in range(0, len(data), _PER_LINE))
    return ",\n".join(
        "    " + ", ".join(f"0x{byte:02x}" for byte in line) for line in lines
    )
