"""The comparison as one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reproduce.report import markdown

Result = dict[str, Any]

_MEASURES = (
    "float",
    "int8",
    "instructions",
    "flash bytes",
    "gzip bytes",
    "train CPU s",
)
HEADER = [
    "sparsity",
    *[f"{measure}, {who}" for measure in _MEASURES for who in ("tfmot", "nested")],
]


LEGEND = (
    "tfmot's models are dense to TensorFlow Lite Micro: zeros are weights like others, "
    "so that CMSIS-NN's kernels take the same instructions at every sparsity (those of "
    "all convolutions and dense layers, counted in QEMU on a Cortex-M4; a layer that "
    "stays dense in the nested model runs CMSIS-NN there too), and flash holds every "
    "zero. gzip is what an archive of the files takes: on a microcontroller they are "
    "not compressed."
)


def runtimes(alone: Sequence[Result]) -> str:
    """What the int8 models ran in."""
    checks = [one["int8_by"] for one in alone]
    samples = sum(check["samples"] for check in checks)
    same = sum(check["same_class_in_tflm"] for check in checks)
    return (
        "The nested model's int8 accuracy is that of TensorFlow Lite Micro. tfmot's "
        "models ran in TensorFlow Lite's interpreter, TFLM being slow on a computer; "
        f"of {samples:,} images that ran in both, {same:,} got the same class."
    )


def about(alone: Sequence[Result], nested: Result) -> str:
    """What the figures were made with."""
    versions = {**alone[0]["made_by"]["versions"], **nested["made_by"]["versions"]}
    pruning = alone[0]["pruning"]
    return (
        f"{nested['epochs']} epochs for every level, seed {nested['seed']}, "
        f"{nested['training']['samples']:,} training and "
        f"{nested['test_samples']:,} test images; Adam along half a cosine; "
        f"tfmot: prune_low_magnitude with {pruning['schedule']} from "
        f"{pruning['begin']:.0%} to {pruning['end']:.0%} of the steps, strip_pruning, "
        "TFLiteConverter; sparsity 0 is trained dense, without it. "
        "CPU seconds are those of fit, on one thread. "
        + ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
        + "."
    )


def comparison(alone: Sequence[Result], nested: Result) -> str:
    """A row for each level, and one of what all levels take together.

    Args:
        alone: tfmot's results, one a level, in the order of the levels.
        nested: Ours, with all levels.
    """
    lines = []
    for theirs, ours in zip(alone, nested["results"], strict=True):
        own = theirs["results"][0]
        cells = [f"{own['asked']:g}"]
        for key, show in (("test", _percent), ("int8", _percent)):
            cells += [show(own[key]), show(ours[key])]
        cells += [_count(own["instructions"]), _count(ours["instructions"])]
        lines.append([*cells, *_paired(_taken([theirs]), ["", "", ""])])
    together = _paired(_taken(alone), _taken([nested]))
    return markdown(HEADER, [*lines, ["all", *[""] * 6, *together]])


def _taken(results: Sequence[Result]) -> list[str]:
    """Flash, flash compressed and processor seconds of training, summed."""
    sums = [
        sum(result["file"][key] for result in results)
        for key in ("tflite_bytes", "gzip_bytes")
    ]
    seconds = sum(result["training"]["cpu_seconds"] for result in results)
    return [*map(_count, sums), f"{seconds:,.0f}"]


def _paired(first: Sequence[str], second: Sequence[str]) -> list[str]:
    return [cell for pair in zip(first, second, strict=True) for cell in pair]


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _count(number: int | None) -> str:
    return "not counted" if number is None else f"{number:,}"
