"""The packaging files: against the formats' documentation, and complete."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from keras_nest.export import FORMATS, FirmwareFolder, export_firmware
from keras_nest.export.model_facts import package_name
from tests.export import schemas
from tests.export.conftest import EXAMPLES, need


def test_arduino(folders: dict[str, FirmwareFolder]) -> None:
    schemas.check_arduino(folders["arduino"].path)


def test_platformio(folders: dict[str, FirmwareFolder]) -> None:
    schemas.check_platformio(folders["platformio"].path)
    schemas.check_platformio_project(folders["platformio"].path / "examples" / "basic")


def test_esp_idf(folders: dict[str, FirmwareFolder]) -> None:
    folder = folders["esp-idf"].path
    facts = schemas.check_idf_component(folder)
    assert facts["dependencies"]["espressif/esp-tflite-micro"]["public"] is True
    project = folder / "examples" / "basic"
    lists = (project / "CMakeLists.txt").read_text()
    (component,) = re.findall(r'EXTRA_COMPONENT_DIRS "(.+)"', lists)
    assert (project / component).resolve() == folder.resolve()
    main = (project / "main" / "CMakeLists.txt").read_text()
    assert "idf_component_register(" in main


def test_zephyr(folders: dict[str, FirmwareFolder]) -> None:
    folder = folders["zephyr"].path
    schemas.check_zephyr_module(folder)
    schemas.check_zephyr_sample(folder / "samples" / "basic")
    kconfig = (folder / "Kconfig").read_text()
    assert kconfig.startswith("config NEST_MODEL\n")
    assert all(re.match("\t|config |$", line) for line in kconfig.split("\n"))


@pytest.mark.parametrize("kind", ["cmake", "esp-idf", "zephyr"])
def test_lists_of_sources_are_complete(
    folders: dict[str, FirmwareFolder], kind: str
) -> None:
    folder = folders[kind].path
    text = (folder / "CMakeLists.txt").read_text()
    listed = re.findall(r"^\s+\"?(src/\S+\.(?:c|cpp|S))\b", text, re.MULTILINE)
    present = {
        str(path.relative_to(folder))
        for path in (folder / "src").rglob("*")
        if path.suffix in (".c", ".cpp", ".S")
    }
    assert len(listed) == len(present)
    assert set(listed) == present


def test_nothing_of_host_bench_or_tests(folders: dict[str, FirmwareFolder]) -> None:
    for folder in folders.values():
        names = "\n".join(folder.files)
        assert not re.search("host|bench|fuzz|plugin|test", names)
        assert "LICENSE" in folder.files


@pytest.mark.parametrize("kind", FORMATS)
def test_readme_says_what_holds(folders: dict[str, FirmwareFolder], kind: str) -> None:
    folder = folders[kind]
    text = (folder.path / "README.md").read_text()
    for path in re.findall(r"`((?:src|examples?|samples)/[\w./-]+)`", text):
        assert (folder.path / path).exists(), path
    for call in folder.model.calls:
        assert call.op in text
    for level in folder.model.levels:
        assert f"{level.macs:,}" in text
    for bytes_ in folder.model.arena.by_core.values():
        assert f"{bytes_:,}" in text
    assert "TensorFlow Lite Micro" in text
    assert "{{" not in text and "{%" not in text
    main = (folder.path / EXAMPLES[kind]).read_text()
    assert "nest_governor_before(&governor" in main


def test_cmake_names_what_is_missing(
    folders: dict[str, FirmwareFolder], tmp_path: Path
) -> None:
    need("cmake")
    folder = folders["cmake"].path
    for option, words in (
        ("", "NEST_TFLM_TARGET. Received: neither"),
        (f"-DNEST_TFLM_DIR={tmp_path}", f"Received: {tmp_path}"),
    ):
        command = ["cmake", "-S", str(folder), "-B", str(tmp_path / "build")]
        done = subprocess.run(
            [*command, *filter(None, [option])], capture_output=True, text=True
        )
        assert done.returncode != 0
        assert words in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("gesture-net v2", "gesture_net_v2"),
        ("2nd", "model_2nd"),
        ("...", "model"),
        ("Arduino net", "model_Arduino_net"),
        ("x" * 70, "x" * 50),
    ],
)
def test_package_name(text: str, name: str) -> None:
    assert package_name(text) == name


def test_name_goes_where_it_belongs(small_model: bytes, tmp_path: Path) -> None:
    made = export_firmware(small_model, tmp_path / "gesture-net", "arduino")
    assert made.model.name == "gesture_net"
    schemas.check_arduino(made.path)
    assert (made.path / "examples" / "gesture_net" / "gesture_net.ino").is_file()
    marker = json.loads((made.path / "keras_nest_export.json").read_text())
    assert marker["name"] == "gesture_net"
