"""The folder: whole or not at all, the same each time, and never someone else's."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import keras_nest
from keras_nest import NestError, describe, targets
from keras_nest._native import sources_path
from keras_nest.converter import flatbuffer
from keras_nest.converter.annotate import levels_metadata
from keras_nest.converter.nested_file import nested_operators
from keras_nest.export import FORMATS, export_firmware, folder
from keras_nest.export.arena import arena_of
from keras_nest.metadata import NAME, pack
from keras_nest.runtime import Interpreter
from tests.bench.conftest import model_for
from tests.cli.conftest import Result, command  # noqa: F401  (a fixture)
from tests.runtime.flatbuffer_graph import Graph


def content(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("kind", FORMATS)
def test_two_exports_are_equal(small_model: bytes, tmp_path: Path, kind: str) -> None:
    first = export_firmware(small_model, tmp_path / "first", kind, name="net")
    second = export_firmware(small_model, tmp_path / "second", kind, name="net")
    assert content(first.path) == content(second.path)
    assert {n: len(b) for n, b in content(first.path).items()} == first.files
    assert sorted(os.listdir(tmp_path)) == ["first", "second"]


def test_array_is_the_file(small_model: bytes, tmp_path: Path) -> None:
    root = export_firmware(small_model, tmp_path / "net").path
    text = (root / "src" / "nest_model_data.cpp").read_text()
    values = re.findall(r"0x([0-9a-f]{2})", text)
    assert bytes.fromhex("".join(values)) == small_model
    assert "alignas(16) const unsigned char kData[kDataBytes]" in text


def test_full_folder_is_refused(small_model: bytes, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.mkdir()
    (target / "precious.txt").write_text("mine")
    for force in (False, True):
        with pytest.raises(NestError, match=r"Received: .*mine, which has"):
            export_firmware(small_model, target, force=force)
    assert content(target) == {"precious.txt": b"mine"}
    assert os.listdir(tmp_path) == ["mine"]


def test_force_replaces_an_export_as_a_whole(
    small_model: bytes, tmp_path: Path
) -> None:
    target = tmp_path / "net"
    export_firmware(small_model, target, "arduino")
    (target / "note.txt").write_text("added by hand")
    with pytest.raises(NestError, match="an earlier export") as caught:
        export_firmware(small_model, target, "cmake")
    assert "--force" in str(caught.value)
    made = export_firmware(small_model, target, "cmake", force=True)
    assert content(target).keys() == made.files.keys()
    assert os.listdir(tmp_path) == ["net"]


def test_empty_folder_is_filled(small_model: bytes, tmp_path: Path) -> None:
    target = tmp_path / "net"
    target.mkdir(mode=0o750)
    export_firmware(small_model, target)
    assert (target / "CMakeLists.txt").is_file()
    assert target.stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("earlier", [False, True])
def test_interruption_leaves_what_was_there(
    small_model: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: bool
) -> None:
    target = tmp_path / "net"
    if earlier:
        export_firmware(small_model, target, "arduino")
    before = content(tmp_path)
    swap, calls = os.replace, []

    def interrupted(source: Path, to: Path) -> None:
        calls.append(to)
        if to == target and len(calls) <= 2:
            raise KeyboardInterrupt
        swap(source, to)

    monkeypatch.setattr(folder.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export_firmware(small_model, target, "cmake", force=True)
    assert content(tmp_path) == before
    assert os.listdir(tmp_path) == (["net"] if earlier else [])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda root: root / "missing" / "net", "a folder that exists"),
        (lambda root: root / "file", "which is a file"),
        (lambda root: root / "link", "which is a link"),
    ],
)
def test_path_that_is_no_folder(
    small_model: bytes, tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(NestError, match=words):
        export_firmware(small_model, make(tmp_path), force=True)


def test_format_and_model_are_checked(small_model: bytes, tmp_path: Path) -> None:
    with pytest.raises(NestError, match="Received: 'make'"):
        export_firmware(small_model, tmp_path / "net", "make")
    plain = Graph()
    ends = [plain.tensor(name, (1, 4), np.int8, 1.0) for name in "xy"]
    plain.op(schema.BuiltinOperator.RELU, ends[:1], ends[1])
    with pytest.raises(NestError, match="with nested ops"):
        export_firmware(plain.build(ends[:1], ends[1:]), tmp_path / "net")
    with pytest.raises(NestError, match=r"Expected a complete \.tflite"):
        export_firmware(small_model[:-100], tmp_path / "net")
    assert not os.listdir(tmp_path)


def test_arena_is_enough_here_and_bounds_what_is_not_measured(
    small_model: bytes, no_tflm: None
) -> None:
    model = flatbuffer.load(small_model)
    nested = nested_operators(model)
    unmeasured = arena_of(small_model, model, nested)
    assert (unmeasured.measured, unmeasured.host) == (False, None)
    used = Interpreter(small_model).arena_bytes
    assert all(size % 16 == 0 for size in unmeasured.by_core.values())
    assert min(unmeasured.by_core.values()) >= used


def test_arena_is_measured(small_model: bytes) -> None:
    model = flatbuffer.load(small_model)
    measured = arena_of(small_model, model, nested_operators(model))
    assert measured.measured
    assert measured.host == Interpreter(small_model).arena_bytes
    least = min(measured.by_core.values())
    assert measured.host < least
    Interpreter(small_model, arena_size=least)  # else it raises


def test_cost_table_of_the_file_is_shown(tmp_path: Path) -> None:
    model = flatbuffer.load(model_for("cortex-m4"))
    metadata = levels_metadata(model, targets.find("m4").name)
    assert metadata is not None
    writer = flatbuffer.ModelWriter(model)
    writer.metadata(NAME, pack(metadata.with_scores("accuracy", [0.5, 0.6, 0.7], 10)))
    tflite = writer.finish("test")
    made = export_firmware(tflite, tmp_path / "net")
    assert made.model.core == "cortex-m4"
    readme = (made.path / "README.md").read_text()
    counts = metadata.instructions["cortex-m4"]
    scores = ("0.5000", "0.6000", "0.7000")
    for level, score in zip(made.model.levels, scores, strict=True):
        assert level.instructions in counts
        assert f"| {level.instructions:,} | {score} |" in readme


def test_levels_of_width_and_bits_are_built_where_there_are_any(
    small_model: bytes, tmp_path: Path
) -> None:
    def config(tflite: bytes, name: str, **options: Any) -> tuple[bool, bool, bytes]:
        made = export_firmware(tflite, tmp_path / name, **options)
        found = (made.path / "src" / "nest" / "config.h").read_bytes()
        return made.widths, made.bits, found

    def source(widths: int, bits: int) -> bytes:
        text = (sources_path() / "include" / "nest" / "config.h").read_text()
        for name, value in (("WIDTHS", widths), ("BITS", bits)):
            assert text.count(f"#define NEST_{name} 1\n") == 1
            text = text.replace(f"NEST_{name} 1", f"NEST_{name} {value}")
        return text.encode()

    convolutions = [keras.layers.Conv2D(8, 3), keras.layers.Conv2D(4, 1)]
    base = keras.Sequential([keras.Input((4, 4, 4)), *convolutions])
    x = np.random.default_rng(0).normal(size=(4, 4, 4, 4)).astype("float32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is not trained
        widths, bits = (
            bytes(keras_nest.convert(keras_nest.nest(base, levels), x))
            for levels in (
                keras_nest.channel_widths(base, (0.5, 1.0)),
                keras_nest.BitWidths((4, 8), "planes"),
            )
        )
    assert config(widths, "widths") == (True, False, source(1, 0))
    assert config(bits, "bits") == (False, True, source(0, 1))
    assert config(small_model, "none") == (False, False, source(0, 0))
    asked = {"with_widths": True, "with_bits": True}
    assert config(small_model, "asked", **asked) == (True, True, source(1, 1))
    assert config(bits, "more", with_widths=True) == (True, True, source(1, 1))


def test_command(
    command: Callable[..., Result],  # noqa: F811
    small_model: bytes,
    tmp_path: Path,
) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(small_model)
    target = tmp_path / "firmware"
    result: Result = command("export", path, "--format", "arduino", "-o", target)
    assert result.code == 0, result.err
    assert "RESHAPE" in result.out and "README.md" in result.err
    result = command("export", path, "-o", target, "--json", "--force")
    facts = result.json
    assert facts["format"] == "cmake"
    assert facts["model_bytes"] == len(small_model)
    assert sorted(facts["ops"]) == sorted(describe(small_model).operators)
    assert facts["resolver_size"] == len(facts["ops"])
    assert facts["files"] == {n: len(b) for n, b in content(target).items()}
    assert facts["arena_bytes"].keys() == {"portable", "dsp", "mve"}
    refused = command("export", path, "-o", target)
    assert refused.code == 1 and "an earlier export" in refused.err
    assert command("export", path, "-o", path).code == 1
    assert command("export", path, "--format", "make", "-o", target).code == 2
