"""What the package formats' documentation demands of their files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

SEMVER = r"\d+\.\d+\.\d+([-+].+)?"


def check_arduino(folder: Path) -> None:
    """https://docs.arduino.cc/arduino-cli/library-specification

    Fields and their values: the schema of arduino-lint,
    https://raw.githubusercontent.com/arduino/arduino-lint/main/etc/schemas/arduino-library-properties-schema.json
    """
    lines = (folder / "library.properties").read_text().splitlines()
    facts = dict(line.split("=", 1) for line in lines)
    assert len(facts) == len(lines)
    required = {"name", "version", "author", "maintainer", "sentence", "paragraph"}
    required |= {"category", "url", "architectures"}
    assert required <= facts.keys() <= required | {"includes", "depends", "license"}
    assert all(facts.values())
    name = facts["name"]
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}", name)
    assert not name.lower().startswith("arduino")
    assert re.fullmatch(SEMVER, facts["version"])
    assert facts["category"] in (
        *("Display", "Communication", "Signal Input/Output", "Sensors", "Timing"),
        *("Device Control", "Data Storage", "Data Processing", "Other"),
    )
    assert re.fullmatch(r"https?://\S+", facts["url"])
    for header in facts["includes"].split(","):
        assert (folder / "src" / header).is_file()
    # A sketch is named as its folder; src/ makes the builder recurse.
    sketches = list((folder / "examples").rglob("*.ino"))
    assert sketches and all(one.stem == one.parent.name for one in sketches)


def check_platformio(folder: Path) -> None:
    """https://docs.platformio.org/en/latest/manifests/library-json/index.html

    Lengths and characters: platformio/package/manifest/schema.py of
    https://github.com/platformio/platformio-core
    """
    facts = json.loads((folder / "library.json").read_text())
    known = {"name", "version", "description", "keywords", "authors", "license"}
    known |= {"frameworks", "platforms", "headers", "examples", "build"}
    assert {"name", "version"} <= facts.keys() <= known
    assert re.fullmatch(r"[^:;/,@<>]{1,100}", facts["name"])
    assert re.fullmatch(SEMVER, facts["version"]) and len(facts["version"]) <= 50
    assert 1 <= len(facts["description"]) <= 1000
    for keyword in facts["keywords"]:
        assert re.fullmatch(r"[a-z\d\-+. ]{1,50}", keyword)
    assert all(1 <= len(author["name"]) <= 50 for author in facts["authors"])
    assert facts["frameworks"] == facts["platforms"] == "*"
    build = facts["build"]
    assert build.keys() <= {"srcDir", "includeDir", "libLDFMode", "flags", "srcFilter"}
    assert build["libLDFMode"] in ("off", "chain", "deep", "chain+", "deep+")
    for header in facts["headers"]:
        assert (folder / build["includeDir"] / header).is_file()
    for example in facts["examples"]:
        assert example.keys() == {"name", "base", "files"}
        assert re.fullmatch(r"[a-zA-Z\d\-_/]{1,100}", example["name"])
        for path in example["files"]:
            assert (folder / example["base"] / path).is_file()


def check_platformio_project(folder: Path) -> None:
    """https://docs.platformio.org/en/latest/projectconf/index.html"""
    import configparser

    parsed = configparser.ConfigParser(comment_prefixes=(";",))
    parsed.read(folder / "platformio.ini")
    assert parsed.sections() == ["platformio", "env:board"]
    assert f"env:{parsed['platformio']['default_envs']}" in parsed
    environment = parsed["env:board"]
    assert {"platform", "board", "framework", "lib_deps"} <= environment.keys()
    library = environment["lib_deps"].split()[0].removeprefix("symlink://")
    assert (folder / library / "library.json").is_file()


def check_idf_component(folder: Path) -> dict[str, Any]:
    """https://docs.espressif.com/projects/idf-component-manager/en/latest/reference/manifest_file.html"""
    facts: dict[str, Any] = yaml.safe_load((folder / "idf_component.yml").read_text())
    known = {"version", "description", "license", "dependencies", "targets", "url"}
    assert facts.keys() <= known
    assert re.fullmatch(SEMVER, facts["version"])
    assert facts["license"] == "Apache-2.0"  # an SPDX identifier
    for name, asked in facts["dependencies"].items():
        assert re.fullmatch(r"[a-z0-9_-]+(/[a-z0-9_-]+)?", name)
        if isinstance(asked, str):
            asked = {"version": asked}
        assert {"version"} <= asked.keys() <= {"version", "public", "rules"}
        assert re.fullmatch(r"(\^|~|>=)\d+(\.\d+)*", asked["version"])
    return facts


def check_zephyr_module(folder: Path) -> None:
    """https://docs.zephyrproject.org/latest/develop/modules.html#module-yaml-file-description

    METADATA_SCHEMA in zephyr/scripts/zephyr_module.py.
    """
    facts = yaml.safe_load((folder / "zephyr" / "module.yml").read_text())
    assert facts.keys() <= {"name", "build", "tests", "samples", "boards", "blobs"}
    assert isinstance(facts["name"], str)
    build = facts["build"]
    assert build.keys() <= {"cmake", "kconfig", "depends", "settings"}
    assert (folder / build["cmake"] / "CMakeLists.txt").is_file()
    assert (folder / build["kconfig"]).is_file()
    assert all((folder / path).is_dir() for path in facts["samples"])


def check_zephyr_sample(folder: Path) -> None:
    """https://docs.zephyrproject.org/latest/develop/test/twister.html#test-cases"""
    facts = yaml.safe_load((folder / "sample.yaml").read_text())
    assert facts.keys() == {"sample", "common", "tests"}
    assert isinstance(facts["sample"]["name"], str)
    for name, test in facts["tests"].items():
        assert re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)+", name)
        assert test["build_only"] is True
    settings = (folder / "prj.conf").read_text().splitlines()
    assert all(re.fullmatch(r"CONFIG_[A-Z0-9_]+=(y|n|\d+)", line) for line in settings)
    assert "CONFIG_TENSORFLOW_LITE_MICRO=y" in settings
    assert "CONFIG_NEST_MODEL=y" in settings
