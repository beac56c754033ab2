"""scripts/compare_tfmot on a few images: what it leaves, and what it does not redo."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from keras_nest.errors import NestError

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
VARIABLE = "KERAS_NEST_TFMOT_PYTHON"
LEVELS = (0.9, 0.0)
SPARSE, DENSE = (f"fashion_mnist_quickstart_tfmot_{s}_seed1" for s in ("0.9", "0"))
JOINT = "fashion_mnist_quickstart_best_0.9-0_seed1"


def compare(work: Path, *arguments: str, python: str | None) -> Any:
    """Calls the command on a few images, without the tools that count."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SCRIPTS), *PATHS])}
    environment.pop(VARIABLE, None)
    if python is not None:
        environment[VARIABLE] = python
    command = [sys.executable, "-m", "compare_pruned", "--quick", "--no-instructions"]
    places = [f"--work={work}", f"--cache={ROOT / '.cache'}"]
    return subprocess.run(
        [*command, *places, *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


PATHS = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of the work, and what was printed."""
    if VARIABLE not in os.environ:
        pytest.skip(f"{VARIABLE} does not name a Python with tfmot")
    work = tmp_path_factory.mktemp("compare_tfmot")
    done = compare(work, python=os.environ[VARIABLE])
    assert done.returncode == 0, done.stderr
    return work / "quick", done.stdout


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.syspath_prepend(SCRIPTS)
    names = ("request", "table", "tfmot", "counts", "__main__")
    found = {n: importlib.import_module(f"compare_pruned.{n}") for n in names}
    runs = importlib.import_module("reproduce.runs")
    gather = importlib.import_module("reproduce.gather")
    return SimpleNamespace(**found, runs=runs, gather=gather)


def result_of(work: Path, name: str) -> dict[str, Any]:
    path = work / "results" / "runs" / "tfmot" / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_levels_are_pruned_as_asked(compared: tuple[Path, str]) -> None:
    work = compared[0]
    sparse, dense = (result_of(work, name) for name in (SPARSE, DENSE))
    # Every layer that nesting prunes, and neither the first convolution nor less.
    assert len(sparse["sparsities"]) == 6 and "stem" not in sparse["sparsities"]
    for layer, zeros in sparse["sparsities"].items():
        # tfmot rounds to whole weights; the smallest layer has 320.
        assert zeros == pytest.approx(0.9, abs=0.5 / 320), layer
    assert max(dense["sparsities"].values()) == 0.0
    # Zeros are stored, but an archive has no need to.
    assert sparse["file"]["tflite_bytes"] > 0.99 * dense["file"]["tflite_bytes"]
    assert sparse["file"]["gzip_bytes"] < 0.5 * dense["file"]["gzip_bytes"]
    assert sparse["results"][0]["macs"] == dense["results"][0]["macs"]


def test_one_nested_file_holds_all_levels(compared: tuple[Path, str]) -> None:
    work = compared[0]
    joint = result_of(work, JOINT)
    assert [level["asked"] for level in joint["results"]] == list(LEVELS)
    alone = [result_of(work, name)["file"]["tflite_bytes"] for name in (SPARSE, DENSE)]
    file = work / f"{JOINT}.tflite"
    assert joint["file"]["tflite_bytes"] == file.stat().st_size < sum(alone)


def test_int8_keeps_the_float_accuracy(compared: tuple[Path, str]) -> None:
    for name in (SPARSE, DENSE, JOINT):
        for level in result_of(compared[0], name)["results"]:
            # 128 images; nets of one short epoch are near ties on many of them.
            assert abs(level["int8"] - level["test"]) <= 0.1, name


def test_tflm_agrees_with_tensorflow_lite(compared: tuple[Path, str]) -> None:
    for name in (SPARSE, DENSE):
        check = result_of(compared[0], name)["int8_by"]
        assert check["samples"] == 128
        # Nets of one short epoch: near ties, in which a rounding decides.
        assert check["same_class_in_tflm"] >= 120, name
    assert result_of(compared[0], JOINT)["int8_by"]["runtime"].endswith("Micro")


def test_results_fill_the_column_of_the_tables(
    compared: tuple[Path, str], modules: SimpleNamespace
) -> None:
    results = [result_of(compared[0], name) for name in (DENSE, SPARSE)]
    (column,) = modules.gather.columns_of(results, LEVELS, ["tfmot"])
    assert column.seeds == (1,)
    test = [result["results"][0]["test"] for result in results[::-1]]
    assert [column.values(level, "test") for level in (0, 1)] == [[t] for t in test]
    total = sum(result["file"]["tflite_bytes"] for result in results)
    assert column.whole("file", "tflite_bytes") == [total]
    assert column.whole("training", "cpu_seconds")[0] > 0


def test_prints_the_table_it_writes(compared: tuple[Path, str]) -> None:
    work, printed = compared
    page = (work / "results" / "tfmot_quickstart_seed1.md").read_text()
    assert page.endswith(f"\n\n{printed}")
    assert "scripts/compare_tfmot --quick" in page.splitlines()[0]
    assert "tensorflow-model-optimization 0.8" in page


def test_finished_levels_are_not_trained_again(compared: tuple[Path, str]) -> None:
    """Without the environment of tfmot: nothing is left to do that needs it."""
    work = compared[0]
    before = result_of(work, SPARSE)
    (work / "results" / "runs" / "tfmot" / f"{SPARSE}.json").unlink()
    done = compare(work.parent, "--only-tfmot", python=None)
    assert done.returncode == 0, done.stderr
    again = result_of(work, SPARSE)
    for facts in ("results", "file", "training", "sparsities"):
        assert again[facts] == before[facts]


@pytest.mark.parametrize(
    ("python", "message"),
    [
        ("", "Expected KERAS_NEST_TFMOT_PYTHON to name (.|\n)*scripts/compare_tfmot"),
        (shutil.which("false"), "tfmot's process to train 1 levels.*exit status 1"),
    ],
)
def test_failures_of_the_other_process_are_told(
    modules: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    capfd: Any,
    tmp_path: Path,
    python: str,
    message: str,
) -> None:
    monkeypatch.setenv(VARIABLE, python)
    with capfd.disabled(), pytest.raises(NestError, match=message):
        modules.tfmot.train([request_of(modules)], tmp_path, tmp_path / "new")


def request_of(modules: SimpleNamespace) -> Any:
    run = modules.runs.Run("quickstart", "fashion_mnist", "tfmot", (0.9,))
    return modules.request.Request(run, ("classes",), 128, 4e-3, 0.05, 0.5)


def test_other_settings_are_trained_anew(
    modules: SimpleNamespace, tmp_path: Path
) -> None:
    request = request_of(modules)
    run = request.run
    files = modules.request.Files(tmp_path / "new", run.name)
    assert files.load(request) is None
    files.save(request, b"model", {"test": 0.5})
    assert files.tflite.read_bytes() == b"model"
    assert files.load(request)["test"] == 0.5
    for other in (
        dataclasses.replace(request, run=dataclasses.replace(run, epochs=7)),
        dataclasses.replace(request, end=0.6),
    ):
        assert files.load(other) is None


def test_table(modules: SimpleNamespace) -> None:
    def level(asked: float, test: float, instructions: int | None) -> dict[str, Any]:
        facts = {"asked": asked, "test": test, "int8": test - 0.01}
        return {**facts, "instructions": instructions}

    def result(levels: list[Any], size: int, seconds: float) -> dict[str, Any]:
        file = {"tflite_bytes": size, "gzip_bytes": size // 2}
        return {"results": levels, "file": file, "training": {"cpu_seconds": seconds}}

    alone = [
        result([level(0.9, 0.8, 4000)], 1000, 10.4),
        result([level(0.0, 0.9, None)], 2000, 20.4),
    ]
    joint = result([level(0.9, 0.85, 700), level(0.0, 0.89, 2000)], 1500, 25.0)
    text = modules.table.comparison(alone, joint)
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
    ]
    scores = ["80.00 %", "85.00 %", "79.00 %", "84.00 %"]
    assert rows[2][:7] == ["0.9", *scores, "4,000", "700"]
    assert rows[2][7:] == ["1,000", "", "500", "", "10", ""]
    assert rows[3][5:7] == ["not counted", "2,000"]
    assert rows[4] == ["all", *[""] * 6, "3,000", "1,500", "1,500", "750", "31", "25"]
    assert len(rows[0]) == len(rows[4])


def test_arguments(modules: SimpleNamespace) -> None:
    parse = modules.__main__.parse
    assert parse([]).levels == (0.9, 0.7, 0.0)
    assert parse(["--network=resnet8"]).levels == (0.9, 0.8, 0.7)
    assert parse(["--levels", "0.5"]).levels == (0.5,)
    assert parse([]).out == Path("docs/results")
    quick = parse(["--quick", "--work=w"])
    assert (quick.epochs, quick.levels) == (1, (0.9, 0.0))
    assert quick.out == Path("w/quick/results")  # never among the real ones


def test_instructions_are_those_of_cmsis_nn(
    tools: None, compared: tuple[Path, str], modules: SimpleNamespace
) -> None:
    if importlib.util.find_spec("bakenn") is None:
        pytest.skip("bakenn, which has CMSIS-NN's sources, is not installed")
    work = compared[0]
    (count,) = modules.counts.instructions((work / f"{DENSE}.tflite").read_bytes())
    # CMSIS-NN takes 1 to 3 instructions for a multiply-accumulate on the M4.
    macs = result_of(work, DENSE)["results"][0]["macs"]
    assert macs < count < 3 * macs
    sparse = (work / f"{SPARSE}.tflite").read_bytes()
    assert modules.counts.instructions(sparse) == [count]
