"""The public function: a .tflite in, a firmware folder out."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
from pathlib import Path
from typing import Any

import jinja2

from keras_nest.errors import NestError
from keras_nest.export import folder, sources
from keras_nest.export.model_array import array_rows
from keras_nest.export.model_facts import ModelFacts, facts_of
from keras_nest.export.platforms import COMMON, FORMATS

_SOURCES = "src/"


@dataclasses.dataclass(frozen=True)
class FirmwareFolder:
    """What an export wrote.

    Attributes:
        path: The folder.
        format: One of `FORMATS`.
        model: What is known of the model.
        widths: Whether the kernels are built with levels of width.
        bits: Whether they are built with levels of bits.
        files: Relative path -> size in bytes.
    """

    path: Path
    format: str
    model: ModelFacts
    widths: bool
    bits: bool
    files: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        arena = self.model.arena
        return {
            "output": str(self.path),
            "format": self.format,
            "name": self.model.name,
            "model_bytes": len(self.model.tflite),
            "arena_bytes": arena.by_core,
            "arena_measured": arena.measured,
            "host_arena_bytes": arena.host,
            "resolver_size": len(self.model.calls),
            "ops": [call.op for call in self.model.calls],
            "core": self.model.core,
            "metric": self.model.metric,
            "widths": self.widths,
            "bits": self.bits,
            "levels": [dataclasses.asdict(level) for level in self.model.levels],
            "files": self.files,
        }


def export_firmware(
    tflite: bytes,
    path: str | os.PathLike[str],
    format: str = "cmake",
    *,
    name: str | None = None,
    with_widths: bool = False,
    with_bits: bool = False,
    force: bool = False,
) -> FirmwareFolder:
    """Writes a folder with all that a firmware needs of a model, but for TFLM.

    Kernels and glue, the model as a C array, a resolver with the model's ops, an
    example that sets the level before every Invoke, and a README with the commands. Two
    exports of one file have the same bytes.

    Args:
        tflite: A nested .tflite.
        path: The folder to make. Its parent must exist; itself must not, or be empty.
        format: "cmake", "arduino", "platformio", "esp-idf" or "zephyr".
        name: The package's name, of letters, digits and underscores (others are
            replaced). None: that of the folder.
        with_widths: Build the kernels for levels of width though this model has none,
            for one that may replace it: about 3 KB of code.
        with_bits: The same for levels of bits: about 1.5 KB of code.
        force: Replace a folder that an earlier export made.

    Raises:
        NestError: If the file has no nested ops or one that TFLM cannot register, or
            the folder is refused or cannot be written.
    """
    if format not in FORMATS:
        raise NestError(
            f"Expected `format` to be one of {', '.join(FORMATS)}. Received: {format!r}"
        )
    target = Path(os.path.abspath(path))
    # Before TFLM is asked for the arena, which takes its time.
    folder.check_free(target, force)
    model = facts_of(bytes(tflite), target.name if name is None else name)
    widths, bits = model.widths or with_widths, model.bits or with_bits
    files = _files(model, format, widths, bits)
    folder.write_folder(target, files, force)
    sizes = {one: len(content) for one, content in files.items()}
    return FirmwareFolder(Path(path), format, model, widths, bits, sizes)


def _files(
    model: ModelFacts, format: str, widths: bool, bits: bool
) -> dict[str, bytes]:
    kernels = sources.kernel_files(widths, bits)
    templates = {**COMMON, **FORMATS[format]}
    names = {path.format(name=model.name): templates[path] for path in templates}
    generated = [path.removeprefix(_SOURCES) for path in names if _is_source(path)]
    facts = {
        "model": model,
        "format": format,
        "widths": widths,
        "bits": bits,
        "version": _version(),
        "compiled": sorted(sources.compiled([*kernels, *generated])),
    }
    environment = _environment()
    files = {
        path: environment.get_template(template).render(facts).encode()
        for path, template in names.items()
    }
    files |= {f"{_SOURCES}{path}": content for path, content in kernels.items()}
    files["LICENSE"] = sources.license_text()
    marker = {
        "made_by": f"keras-nest {facts['version']}",
        "format": format,
        "name": model.name,
        "model_bytes": len(model.tflite),
        "model_crc32": f"{model.crc32:08x}",
    }
    files[folder.MARKER] = (json.dumps(marker, indent=2) + "\n").encode()
    return {path: files[path] for path in sorted(files)}


def _is_source(path: str) -> bool:
    return path.startswith(_SOURCES)


def _version() -> str:
    try:
        return importlib.metadata.version("keras-nest")
    except importlib.metadata.PackageNotFoundError:
        return "0.0.0"


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("keras_nest.export"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    made.filters["array_rows"] = array_rows
    made.filters["number"] = lambda value: f"{value:,}"
    made.filters["c_float"] = _c_float
    return made


def _c_float(value: float) -> str:
    """A float32 as C++, exactly: nine digits tell all of them apart."""
    text = f"{value:.9g}"
    return f"{text}f" if any(c in text for c in ".e") else f"{text}.0f"
