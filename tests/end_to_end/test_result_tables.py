"""The comparison's pages: their figures, and that the docs have what the runs gave."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"
LEVELS = (0.9, 0.7)


@pytest.fixture
def reproduce(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    names = ("ablation_page", "gather", "pages", "plans", "plot", "report", "tables")
    return SimpleNamespace(
        **{name: importlib.import_module(f"reproduce.{name}") for name in names}
    )


def result(column: str, levels: Any, int8: Any, seed: int = 1, **more: Any) -> Any:
    return {
        "network": "resnet8",
        "data": "fashion_mnist",
        "column": column,
        "levels": list(levels),
        "unit": "sparsity",
        "seed": seed,
        "epochs": 6,
        "variant": "",
        "validation": 5000,
        "results": [
            {
                "asked": level,
                "validation": value,
                "test": value + 0.01,
                "int8": value,
                "macs": 1000 * (number + 1),
                "instructions": 3000 * (number + 1),
            }
            for number, (level, value) in enumerate(zip(levels, int8, strict=True))
        ],
        "file": {"packed_bytes": 500, "tflite_bytes": 600},
        "training": {
            "seconds": 80.0,
            "cpu_seconds": 60.0,
            "peak_megabytes": 900,
            "samples": 55_000,
        },
        "made_by": {
            "command": "scripts/reproduce_fashion_mnist --jobs 2",
            "versions": {"keras": "3.15.1", "tensorflow": "2.21.0"},
        },
        **more,
    }


@pytest.fixture
def results() -> list[Any]:
    return [
        result("best", LEVELS, (0.88, 0.90), seed=1),
        result("best", LEVELS, (0.89, 0.92), seed=2),
        result("separate", (0.9,), (0.87,), seed=1),
        result("separate", (0.9,), (0.88,), seed=2),
        result("separate", (0.7,), (0.91,), seed=1),
        result("separate", (0.7,), (0.93,), seed=2),
        result("dress", LEVELS, (0.86, 0.89)),
        result("dense", (0.0,), (0.93,)),
    ]


def lines_of(page: str, start: str) -> list[list[str]]:
    """The cells of the lines of a page's tables that begin so."""
    lines = [line for line in page.splitlines() if line.startswith(f"| {start}")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def test_cells_are_means_and_deviations_over_seeds(
    reproduce: SimpleNamespace, results: list[Any]
) -> None:
    page = reproduce.pages.comparison(results, "fashion_mnist", "Title")
    header, *_ = lines_of(page, "sparsity")
    # "dense" and "tfmot" have no result at these levels.
    assert header == ["sparsity", "ours, each alone", "Dress", "Best"]
    int8, in_float, macs, instructions, difference = lines_of(page, "0.9 ")
    assert int8 == ["0.9", "87.50 ± 0.71", "86.00", "88.50 ± 0.71"]
    assert in_float == ["0.9", "88.50 ± 0.71", "87.00", "89.50 ± 0.71"]
    assert macs == ["0.9", "1,000", "1,000", "1,000"]
    assert instructions == ["0.9", "3,000", "3,000", "3,000"]
    assert difference == ["0.9", "+1.00", "+1.00", "1.00"]
    assert lines_of(page, "0.7 ")[-1] == ["0.7", "-1.00", "-1.00", "2.00"]


def test_what_is_claimed_stands_beside_what_it_is_claimed_over(
    reproduce: SimpleNamespace, results: list[Any]
) -> None:
    rival = result("lcs", LEVELS, (0.85, 0.9))
    for level in rival["results"]:
        level["instructions"] = 4000
    page = reproduce.pages.comparison([*results, rival], "fashion_mnist", "Title")
    _, _, table = page.partition("Dress beside LCS")
    assert lines_of(table, "0.9 ")[0] == ["0.9", "+1.00", "+1.00", "0.75"]
    assert "beside US-Net" not in page


def test_what_is_trained_level_by_level_is_summed(
    reproduce: SimpleNamespace, results: list[Any]
) -> None:
    page = reproduce.pages.comparison(results, "fashion_mnist", "Title")
    alone = lines_of(page, "ours, each alone")[0]
    assert alone == ["ours, each alone", "2", "1,000", "1,200", "160", "120", "900"]
    assert lines_of(page, "Best")[-1] == ["Best", "2", "500", "600", "80", "60", "900"]
    assert "One joint training took 0.50 of the processor time" in page


def test_the_plain_model_stands_above_the_tables(
    reproduce: SimpleNamespace, results: list[Any]
) -> None:
    page = reproduce.pages.comparison(results, "x", "Title")
    assert "The plain model, trained alone (seed 1): 93.00 % in int8" in page
    without = [one for one in results if one["column"] != "dense"]
    assert "The plain model" not in reproduce.pages.comparison(without, "x", "Title")


def test_a_seed_counts_when_all_its_levels_are_there(
    reproduce: SimpleNamespace, results: list[Any]
) -> None:
    missing = [r for r in results if not (r["levels"] == [0.7] and r["seed"] == 2)]
    (column,) = reproduce.gather.columns_of(missing, LEVELS, ["separate"])
    assert column.seeds == (1,)
    assert column.values(0, "int8") == [0.87]
    assert reproduce.gather.spread(column.values(0, "int8")) is None


def test_a_figure_that_a_run_lacks_is_left_out(reproduce: SimpleNamespace) -> None:
    without = result("best", LEVELS, (0.8, 0.9))
    without["results"][0]["int8"] = None
    columns = reproduce.gather.columns_of([without], LEVELS, ["best"])
    table = reproduce.report.by_level(columns, "sparsity", "int8", True)
    assert lines_of(table, "0.9") == [["0.9", ""]]
    assert lines_of(table, "0.7") == [["0.7", "90.00"]]


def test_csv_has_a_line_for_each_level(
    reproduce: SimpleNamespace, results: list[Any]
) -> None:
    header, *lines = reproduce.report.as_csv(results).splitlines()
    assert header.startswith("data,network,column,variant,levels,seed,epochs,level")
    assert len(lines) == 3 * 2 + 5
    assert lines[1].startswith("fashion_mnist,resnet8,best,,0.9 0.7,1,6,1,0.7,0.9,")


def test_ablations_are_differences_of_the_same_seeds(
    reproduce: SimpleNamespace,
) -> None:
    runs = [
        result("ablation", LEVELS, (0.80, 0.85), seed=1, variant="base"),
        result("ablation", LEVELS, (0.82, 0.86), seed=2, variant="base"),
        result("ablation", LEVELS, (0.81, 0.84), seed=1, variant="owner"),
        result("ablation", LEVELS, (0.85, 0.85), seed=2, variant="owner"),
        result("ablation", LEVELS, (0.99, 0.99), seed=3, variant="owner"),
    ]
    page = reproduce.ablation_page.page(runs, "Ablations")
    base, owner = lines_of(page, "Best")[0], lines_of(page, "routing")[0]
    assert base[2:6] == ["2", "81.00 ± 1.00", "85.50 ± 0.50", "83.25 ± 0.75"]
    assert owner[:6] == [
        *("routing", "owner", "2"),
        *("+2.00 ± 1.00", "-1.00 ± 0.00", "+0.50 ± 0.50"),
    ]


def test_the_plot_is_drawn(
    reproduce: SimpleNamespace, results: list[Any], tmp_path: Path
) -> None:
    reproduce.plot.draw(results, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_every_table_has_runs_in_order_of_seeds(reproduce: SimpleNamespace) -> None:
    runs = reproduce.plans.TABLES["fashion_mnist"].of_seeds([1, 2])
    assert len(runs) == len(set(runs)) == len({run.name for run in runs})
    assert {run.column for run in runs if run.seed == 2} == {"separate", "best"}
    assert [run.seed for run in runs] == sorted(run.seed for run in runs)


def test_tfmot_joins_where_its_runs_are_alike(
    reproduce: SimpleNamespace, results: list[Any], tmp_path: Path
) -> None:
    common = {"quick": False}
    rivals = [
        result("tfmot", (0.9,), (0.85,), **common),
        result("tfmot", (0.7,), (0.89,), **common),
        result("tfmot", (0.7,), (0.1,), **common, variant="constant"),
        result("tfmot", (0.9,), (0.2,), **{**common, "seed": 2}),
        result("tfmot", (0.7,), (0.2,), **{**common, "seed": 2, "epochs": 9}),
    ]
    own = [{**one, **common} for one in results]
    for table, found in (("fashion_mnist", own), ("tfmot", rivals)):
        folder = tmp_path / "runs" / table
        folder.mkdir(parents=True)
        for number, one in enumerate(found):
            (folder / f"{number}.json").write_text(json.dumps(one))
    page = reproduce.tables.write("fashion_mnist", tmp_path)
    assert lines_of(page, "sparsity")[0][1] == "tfmot, each alone"
    assert [line[1] for line in lines_of(page, "0.")[:2]] == ["89.00", "85.00"][::-1]
    assert {path.name for path in tmp_path.iterdir()} == {
        "fashion_mnist.csv",
        "fashion_mnist.md",
        "fashion_mnist.png",
        "runs",
    }
    assert (tmp_path / "fashion_mnist.md").read_text() == page


def test_published_figures_stand_beside_ours(reproduce: SimpleNamespace) -> None:
    levels = (0.25, 0.5, 0.75, 1.0)
    runs = [
        result(column, levels, values, network="ds_cnn", unit="macs")
        for column, values in (
            ("best", (0.88, 0.89, 0.9, 0.91)),
            ("reds", (0.8, 0.85, 0.89, 0.905)),
        )
    ]
    page = reproduce.pages.comparison(runs, "ds_cnn", "Title")
    assert lines_of(page, "MACs")[1] == ["MACs", "REDS", "Best", "REDS as published"]
    assert lines_of(page, "25%")[1] == ["25%", "81.00", "89.00", "89.22"]
    assert lines_of(page, "100%")[1] == ["100%", "91.50", "92.00", "91.60"]
    assert lines_of(page, "25%")[-1] == ["25%", "+8.00", "+8.00", "1.00"]
    assert "250 epochs" in page


def test_before_any_section_is_whole(
    reproduce: SimpleNamespace, tmp_path: Path
) -> None:
    folder = tmp_path / "runs" / "fashion_mnist"
    folder.mkdir(parents=True)
    one = {**result("separate", (0.9,), (0.87,)), "quick": False}
    (folder / "one.json").write_text(json.dumps(one))
    page = reproduce.tables.write("fashion_mnist", tmp_path)
    assert "6 epochs of 55,000 samples" in page and "##" not in page
    assert not (tmp_path / "fashion_mnist.png").exists()
    with pytest.raises(ValueError, match="Expected results of runs in"):
        reproduce.tables.write("cifar10", tmp_path)


TABLES = sorted(path.stem for path in RESULTS.glob("*.csv"))


@pytest.mark.parametrize("table", TABLES)
def test_the_docs_have_what_the_runs_gave(
    reproduce: SimpleNamespace, table: str
) -> None:
    found = reproduce.tables.results_of(table, RESULTS)
    assert (RESULTS / f"{table}.md").read_text() == reproduce.tables.page_of(
        table, RESULTS
    )
    assert (RESULTS / f"{table}.csv").read_text() == reproduce.report.as_csv(found)
