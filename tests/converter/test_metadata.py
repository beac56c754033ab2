"""Metadata of levels: what is written, what both readers read, what they refuse."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_nest import annotate, convert, describe, extract, metadata, nest
from keras_nest.converter import annotate as annotation
from keras_nest.converter import flatbuffer
from keras_nest.converter.convert import NestedTFLite
from keras_nest.errors import NestError
from keras_nest.metadata import LevelFacts, LevelsMetadata
from keras_nest.runtime import Interpreter
from tests.converter.metadata_in_c import read
from tests.converter.nets import inputs_for, random_net

OPS = Path(__file__).parents[2] / "tflm_ops"
EXAMPLE = LevelsMetadata(
    levels=(LevelFacts(0.9, 1000, 0.5), LevelFacts(0.25, None, 0.625)),
    instructions={"generic": (7, 9), "cortex-m4": (5, None)},
    converted_for="cortex-m4",
    metric="accuracy",
    samples=10_000,
)
VARIANTS = (
    EXAMPLE,
    LevelsMetadata((LevelFacts(0.0, 0),)),
    dataclasses.replace(EXAMPLE, metric="mse", converted_for=None),
    LevelsMetadata(
        tuple(LevelFacts(1 - n / 32, n) for n in range(32)),
        {f"core-{n}": tuple(range(n, n + 32)) for n in range(16)},
    ),
)


@pytest.fixture(scope="module")
def nested() -> NestedTFLite:
    net = random_net(4)
    model = nest(net, (0.9, 0.5, 0.0))
    return convert(model, inputs_for(net, 8), target="cortex-m4")


@pytest.mark.parametrize("facts", VARIANTS)
def test_python_and_c_read_what_was_written(facts: LevelsMetadata) -> None:
    data = metadata.pack(facts)
    assert metadata.unpack(data) == facts
    assert read("nest_open_metadata", data) == facts


def test_layout_is_the_documented_one() -> None:
    """The bytes of nest_metadata_test.c, which were written by hand."""
    levels = (LevelFacts(0.9, 1000, 0.5), LevelFacts(0.5, 65536, None))
    cores = {"generic": (7, 8), "m4": (5, None)}
    facts = LevelsMetadata(levels, cores, "m4", "accuracy", 10_000)
    assert metadata.pack(facts) == (
        b"NLVL\1\2\2\1\1\0\0\0" + b"\x10\x27\0\0" + b"\x5c\0\0\0"
        b"\xa0\xbb\x0d\0" + b"\xe8\3\0\0" + b"\x20\xa1\7\0"
        b"\x20\xa1\7\0" + b"\0\0\1\0" + b"\xff\xff\xff\xff"
        b"generic\0\0\0\0\0\0\0\0\0" + b"\7\0\0\0\x08\0\0\0"
        b"m4\0\0\0\0\0\0\0\0\0\0\0\0\0\0" + b"\5\0\0\0\xff\xff\xff\xff"
    )


def test_counts_beyond_32_bits_are_not_known() -> None:
    facts = LevelsMetadata((LevelFacts(0.5, 1 << 40),), {"generic": ((1 << 32) - 1,)})
    again = metadata.unpack(metadata.pack(facts))
    assert again.levels[0].macs is None
    assert again.instructions == {"generic": (None,)}


def agreed(data: bytes) -> bool:
    """Whether both readers take a buffer, and then read the same from it."""
    from_c = read("nest_open_metadata", data)
    try:
        from_python = metadata.unpack(data)
    except NestError:
        assert isinstance(from_c, int), data
        return False
    assert from_c == from_python, data
    return True


@pytest.mark.parametrize("facts", VARIANTS[:3])
def test_other_bytes_are_refused_alike(facts: LevelsMetadata) -> None:
    data = metadata.pack(facts)
    for size in range(len(data)):
        assert not agreed(data[:size])
    assert not agreed(data + b"\0")
    rng = np.random.default_rng(0)
    valid = 0
    for at in range(len(data)):
        for value in {0, 1, 32, 255, data[at] ^ 1, int(rng.integers(256))}:
            changed = bytearray(data)
            changed[at] = value
            valid += agreed(bytes(changed))
    assert valid > 0  # a count may be any


def test_scores_out_of_range_are_refused() -> None:
    for metric, scores in (
        ("accuracy", [0.5, 1.01]),
        ("accuracy", [-0.1, 0.5]),
        ("accuracy", [0.5]),
        ("accuracy", [0.5, float("nan")]),
        ("mse", [0.5, 1e6]),
        ("f1", [0.5, 0.5]),
    ):
        with pytest.raises(NestError):
            EXAMPLE.with_scores(metric, scores, 10)
    with pytest.raises(NestError, match="samples"):
        EXAMPLE.with_scores("accuracy", [0.5, 0.5], -1)


def test_conversion_writes_what_describe_counts(nested: NestedTFLite) -> None:
    facts = describe(nested)
    found = facts.metadata
    assert found is not None
    assert [one.macs for one in found.levels] == facts.macs
    np.testing.assert_allclose(
        [one.sparsity for one in found.levels], facts.sparsity, atol=5e-7
    )
    assert found.converted_for == "cortex-m4"
    assert list(found.instructions["cortex-m4"]) == nested.report.instructions
    assert {"generic", "cortex-m7", "cortex-m33", "cortex-m55"} < set(
        found.instructions
    )
    assert found.metric is None and found.samples == 0
    assert all(one.score is None for one in found.levels)
    assert len(metadata.pack(found)) < 256  # small: three levels, five cores
    assert read("nest_find_metadata", nested) == found


def test_scores_are_kept_and_nothing_else_changes(nested: NestedTFLite) -> None:
    scores = [0.5, 0.75, 0.875]
    scored = annotate(annotate(nested, [0.1, 0.1, 0.1]), scores, samples=64)
    found = annotation.read(flatbuffer.load(scored))
    assert found is not None
    assert [one.score for one in found.levels] == scores
    assert (found.metric, found.samples) == ("accuracy", 64)
    before = flatbuffer.load(nested)
    after = flatbuffer.load(scored)
    assert len(after.buffers) == len(before.buffers)
    assert len(after.metadata) == len(before.metadata) == 2
    x = inputs_for(random_net(4), 3)
    for level in range(3):
        np.testing.assert_array_equal(
            Interpreter(scored).predict(x, level), Interpreter(nested).predict(x, level)
        )


def test_extracted_level_keeps_its_score_and_sparsity(nested: NestedTFLite) -> None:
    scored = annotate(nested, [0.5, 0.75, 0.875], samples=64)
    for level in range(3):
        facts = describe(extract(scored, level))
        found, whole = facts.metadata, describe(scored).metadata
        assert found is not None and whole is not None
        (one,) = found.levels
        assert one.score == whole.levels[level].score
        assert one.sparsity == whole.levels[level].sparsity
        assert one.macs == facts.macs[0]  # builtin ops multiply by zeros as well
        assert found.instructions == {} and found.converted_for is None
        assert found.samples == 64


def without(tflite: bytes) -> bytes:
    """The file as one from before there was metadata."""
    model = flatbuffer.load(tflite)
    annotation.replace(model, None)
    return flatbuffer.pack(model)


def test_files_without_it_stay_valid(nested: NestedTFLite) -> None:
    old = without(nested)
    assert metadata.NAME.encode() not in old
    assert describe(old).metadata is None
    assert describe(extract(old, 1)).metadata is None
    x = inputs_for(random_net(4), 3)
    np.testing.assert_array_equal(
        Interpreter(old).predict(x, 0), Interpreter(nested).predict(x, 0)
    )
    missing = 1
    assert read("nest_find_metadata", old) == missing
    with pytest.raises(NestError, match="without"):
        annotate(old, [0.5, 0.5, 0.5])


def test_plain_models_have_none() -> None:
    net = random_net(4)
    assert describe(convert(net, inputs_for(net, 4))).metadata is None


def test_damaged_metadata_is_refused(nested: NestedTFLite) -> None:
    model = flatbuffer.load(nested)
    (entry,) = (
        one for one in model.metadata if flatbuffer.text(one.name) == metadata.NAME
    )
    data: Any = np.array(model.buffers[entry.buffer].data)
    data[5] = 200
    model.buffers[entry.buffer].data = data
    damaged = flatbuffer.pack(model)
    with pytest.raises(NestError, match="number of levels: 200"):
        describe(damaged)
    assert isinstance(read("nest_find_metadata", damaged), int)


def test_no_file_leads_the_c_reader_astray(
    nested: NestedTFLite, tmp_path: Path
) -> None:
    """Under the sanitizers: every beginning of a file, and bytes changed."""
    compiler = shutil.which("clang") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    (tmp_path / "model.tflite").write_bytes(nested)
    program = tmp_path / "find_metadata"
    sources = [OPS / "tests" / "find_metadata.c"]
    sources += sorted((OPS / "src" / "metadata").glob("*.c"))
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", "-g"]
    flags += ["-fno-sanitize-recover=all"]
    flags += ["-fsanitize=address,undefined", f"-I{OPS / 'include'}"]
    for command in (
        [compiler, *flags, *sources, "-o", program],
        [program, tmp_path / "model.tflite", "200000"],
    ):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    found, refused = (int(word) for word in done.stdout.split() if word.isdigit())
    # A beginning may hold all that leads to the metadata, and most bytes are weights.
    assert refused > 1000
    assert found > 100_000
