"""Round numbers on the axes, and points where they belong."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_nest.report.chart import HEIGHT, WIDTH, Point, chart, steps


@given(st.floats(-1e9, 1e9, allow_subnormal=False), st.floats(1e-6, 1e9))
def test_steps_are_few_round_and_within(low: float, span: float) -> None:
    high = low + span
    if not high - low > 1e-9 * abs(low):
        return  # no room for numbers of double precision between
    found = steps(low, high)
    assert 2 <= len(found) <= 6
    room = 1e-6 * (high - low)
    assert low - room <= found[0] and found[-1] <= high + room
    width = found[1] - found[0]
    mantissa = width / 10 ** math.floor(math.log10(width) + 1e-6)
    assert round(mantissa, 3) in (1, 2, 5)


def test_points_lie_in_the_picture_in_order() -> None:
    points = [Point(4e5, 0.86, "level 0"), Point(8e5, 0.88, "level 1")]
    drawn = chart(points, percent=True)
    (x0, y0, name, words), (x1, y1, *_) = drawn.points
    assert 0 < x0 < x1 < WIDTH and HEIGHT > y0 > y1 > 0
    assert (name, words) == ("level 0", "level 0: 400,000, 86 %")
    assert drawn.line == f"M {x0} {y0} L {x1} {y1}"
    assert [tick.text for tick in drawn.x_ticks][:2] == ["0", "200 k"]


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_single_value_is_no_empty_span(value: float) -> None:
    (only,) = chart([Point(0, value, "level 0")], percent=True).points
    assert 0 < only[1] < HEIGHT
