"""The kernels and the glue, as they go into a firmware folder.

One include path reaches all of it: `nest/` has the C contracts, `kernels/` the C99
sources, `tflm/` the glue. Every model gets all kernels, so that the next one can
replace it; what a model does not use is not linked. Levels of width and of bits run in
the kernels of dense weights, where no linker sees that they are not used: switches in
`nest/config.h` leave them out.
"""

from __future__ import annotations

from keras_nest._native import sources_path
from keras_nest.errors import NestError

_KERNELS = (".c", ".h", ".S")
_CONFIG = "nest/config.h"


def kernel_files(widths: bool, bits: bool) -> dict[str, bytes]:
    """Path within the folder's `src/` -> content, sorted by path.

    Args:
        widths: Whether they are built with levels of width.
        bits: Whether they are built with levels of bits.

    Raises:
        NestError: If the package has no C sources, or not all.
    """
    root = sources_path()
    found = {
        f"nest/{path.name}": path for path in (root / "include" / "nest").glob("*.h")
    }
    for path in (root / "src").rglob("*"):
        if path.suffix in _KERNELS:
            found[f"kernels/{path.relative_to(root / 'src').as_posix()}"] = path
    for path in (root / "tflm").iterdir():
        if path.suffix in (".h", ".cc"):
            # Older Arduino builders take no other suffix of C++.
            found[f"tflm/{path.stem}{path.suffix.replace('.cc', '.cpp')}"] = path
    try:
        files = {name: found[name].read_bytes() for name in sorted(found)}
        for name, built in (("NEST_WIDTHS", widths), ("NEST_BITS", bits)):
            if not built:
                files[_CONFIG] = _without(name, files.get(_CONFIG, b""))
        return files
    except OSError as error:
        raise NestError(
            f"Expected the package's C sources in {root}. Received: {error}",
            hint="Install again: `pip install --force-reinstall keras-nest`.",
        ) from error


def _without(switch: str, config: bytes) -> bytes:
    on = f"#define {switch} 1\n".encode()
    if config.count(on) != 1:
        raise NestError(
            f"Expected {_CONFIG} to switch {switch} on. Received: another file",
            hint="Install again: `pip install --force-reinstall keras-nest`.",
        )
    return config.replace(on, f"#define {switch} 0\n".encode())


def compiled(files: list[str]) -> list[str]:
    """Those that a compiler takes."""
    return [name for name in files if name.endswith((".c", ".cpp", ".S"))]


def license_text() -> bytes:
    """The licence of the kernels, which their copies need.

    Raises:
        NestError: If the package lacks it.
    """
    root = sources_path()
    for path in (root / "LICENSE", root.parent / "LICENSE"):
        if path.is_file():
            return path.read_bytes()
    raise NestError(
        f"Expected the package's licence in {root}. Received: no such file",
        hint="Install again: `pip install --force-reinstall keras-nest`.",
    )
