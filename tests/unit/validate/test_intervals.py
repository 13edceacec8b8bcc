"""95% intervals: known values, the extremes, and how often they hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.validate.intervals import difference_interval, share_interval, student, wilson
from factory.validate.metrics import estimate


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (29, 2.045), (499, 1.965)],
)
def test_the_quantile_of_student_is_that_of_the_tables(freedom: int, quantile: float) -> None:
    assert student(freedom) == pytest.approx(quantile, abs=0.005)


def test_wilson_s_interval_has_its_known_values() -> None:
    assert wilson(0.8, 10) == pytest.approx((0.4902, 0.9433), abs=0.0001)
    assert wilson(0.0, 30) == pytest.approx((0.0, 0.1135), abs=0.0001)


def test_a_model_that_is_always_wrong_or_always_right_still_has_an_interval() -> None:
    low, high = estimate([0.0] * 30).low, estimate([0.0] * 30).high
    assert (low, high) == pytest.approx((0.0, 0.1135), abs=0.0001)
    low, high = estimate([1.0] * 30).low, estimate([1.0] * 30).high
    assert (low, high) == pytest.approx((0.8865, 1.0), abs=0.0001)


def test_one_problem_says_little() -> None:
    found = estimate([0.5], candidates=64)
    assert found.stderr == 0.0
    assert found.high - found.low > 0.8


def test_problems_that_are_all_alike_are_not_taken_for_certainty() -> None:
    found = estimate([0.5] * 10, candidates=20)
    assert found.stderr == 0.0
    assert found.high - found.low > 0.4


@pytest.mark.parametrize("share", [1 / 3, 0.8, 0.7, 5 / 64])
def test_shares_that_are_alike_have_no_error_from_rounding(share: float) -> None:
    for n in range(2, 400):
        found = estimate([share] * n, candidates=64 * n)
        assert (found.value, found.stderr) == (share, 0.0)
        assert (found.low, found.high) == wilson(share, n)


def test_candidates_bound_how_narrow_an_interval_is() -> None:
    values = [0.5] * 9 + [0.5 + 1e-6]
    bounded, free = estimate(values, candidates=20), estimate(values)
    assert free.high - free.low < 0.001
    assert bounded.high - bounded.low > 0.4


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.integers(1, 64))
def test_an_interval_lies_around_its_mean_and_within_0_and_1(values: list[float], k: int) -> None:
    found = estimate(values, candidates=k * len(values))
    assert 0.0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1.0


@pytest.mark.parametrize("hardness", [(1.0, 1.0), (0.3, 0.3), (20.0, 20.0)])
@pytest.mark.parametrize(("problems", "k"), [(5, 4), (30, 1), (30, 64), (120, 8)])
def test_nineteen_of_twenty_intervals_hold_the_truth(
    problems: int, k: int, hardness: tuple[float, float]
) -> None:
    """Problems and candidates drawn anew 400 times; 0.92 is 3 standard errors below 0.95."""
    draw = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        correct = draw.binomial(k, draw.beta(*hardness, size=problems))
        found = estimate((correct / k).tolist(), candidates=problems * k)
        held += found.low <= 0.5 <= found.high
    assert held / 400 >= 0.917


def test_a_difference_has_student_s_interval() -> None:
    assert difference_interval(0.1, 0.02, 10) == pytest.approx((0.0548, 0.1452), abs=0.0002)
    assert difference_interval(0.9, 0.3, 3) == (pytest.approx(-0.391, abs=0.01), 1.0)


@pytest.mark.parametrize(("mean", "n"), [(0.0, 1), (0.0, 30), (1.0, 5), (-0.5, 2)])
def test_equal_differences_leave_room_for_problems_that_differ(mean: float, n: int) -> None:
    low, high = difference_interval(mean, 0.0, n)
    assert -1.0 <= low <= mean <= high <= 1.0
    assert high - low == pytest.approx(2 * wilson(0.0, n)[1])


def test_share_interval_shrinks_with_the_standard_error() -> None:
    wide, narrow = share_interval(0.4, 0.05, 100), share_interval(0.4, 0.02, 100)
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])
    assert math.isclose(narrow[1] - narrow[0], 2 * 1.984 * 0.02, rel_tol=0.01)
