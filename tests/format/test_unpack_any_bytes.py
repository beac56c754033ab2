"""Any bytes, by hypothesis: unpack raises FormatError or reads what packs again."""

from __future__ import annotations

import functools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_nest.format import FormatError, unpack
from keras_nest.format.header import HEADER_BYTES, Header
from keras_nest.runtime import core
from tests.format.test_hostile import TWICE, verdicts
from tflm_ops.fuzz.seeds import packed_ops

EXAMPLES = 400
MOST = 1 << 22  # products of an op that is run, about


@functools.cache
def seeds() -> list[bytes]:
    """Of each variant the smallest few, so that hypothesis can make them smaller."""
    by_variant: dict[str, list[bytes]] = {}
    for name, blob in packed_ops(25):
        by_variant.setdefault(name.split("_", 1)[1], []).append(blob)
    return [
        blob
        for variant in sorted(by_variant)
        for blob in sorted(by_variant[variant], key=len)[:3]
    ]


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """A packed op with a few bytes of it set, cut off or added."""
    blob = bytearray(draw(st.sampled_from(seeds())))
    for _ in range(draw(st.integers(0, 4))):
        most = HEADER_BYTES if draw(st.booleans()) else len(blob)
        blob[draw(st.integers(0, most - 1))] = draw(st.integers(0, 255))
    end = draw(st.integers(-8, 8)) if draw(st.booleans()) else 0
    content = bytes(blob[:end]) if end < 0 else bytes(blob) + bytes(end)
    if draw(st.booleans()):  # as long as it says
        content = content[:20] + len(content).to_bytes(4, "little") + content[24:]
    return content


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.one_of(changed(), st.binary(max_size=300)))
def test_python_and_c_agree_on_any_bytes(blob: bytes) -> None:
    python, c = verdicts(blob)
    if python is not None and TWICE in python:
        assert c is None
        return
    assert (python is None) == (c is None), (python, c)


@settings(max_examples=EXAMPLES // 4, deadline=None)
@given(changed(), st.integers(0, 31))
def test_what_is_read_runs(blob: bytes, level: int) -> None:
    """Of what unpack takes, the C kernels give outputs within the op's bounds."""
    try:
        op = unpack(blob)
    except FormatError:
        return
    g = Header.parse(blob).geometry
    if g.in_h * g.in_w * g.in_c * g.out_c * g.out_h * g.out_w > MOST:
        return
    shape = (
        (g.in_w, g.in_c) if g.op == "fully_connected" else (1, g.in_h, g.in_w, g.in_c)
    )
    x = np.full(shape, op.input_zero_point, np.int8)
    y = core.run(blob, x, level % op.levels)
    assert op.act_min <= y.min() and y.max() <= op.act_max
