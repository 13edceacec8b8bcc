"""The paired sign-flip test: against going through all signs, published values, and chance."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.validate.sign_flip import sign_flip_p

DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
"""Darwin's pairs of Zea mays, in eighths of an inch (Fisher 1935, section 17)."""


@given(st.lists(st.integers(-6, 6), min_size=1, max_size=9))
def test_the_p_value_is_the_share_of_all_sign_patterns(differences: list[int]) -> None:
    found = abs(sum(differences))
    sums = [
        sum(map(math.prod, zip(signs, differences, strict=True))) for signs in _signs(differences)
    ]
    by_hand = sum(abs(one) >= found for one in sums) / len(sums)
    assert sign_flip_p(differences) == pytest.approx(by_hand)


def _signs(differences: list[int]) -> product[tuple[int, ...]]:
    return product((1, -1), repeat=len(differences))


def test_fisher_s_own_example_comes_out() -> None:
    """Of 32,768 patterns 863 are as large, and as many as small (Fisher 1935, section 21)."""
    assert sign_flip_p(DARWIN) == pytest.approx(2 * 863 / 32768)


@pytest.mark.parametrize(("better", "worse"), [(10, 2), (7, 7), (1, 0), (40, 20), (0, 12)])
def test_of_one_candidate_each_it_is_mcnemar_s_exact_test(better: int, worse: int) -> None:
    n, few = better + worse, min(better, worse)
    by_hand = min(1.0, 2 * sum(math.comb(n, one) for one in range(few + 1)) / 2**n)
    assert sign_flip_p([1] * better + [-1] * worse + [0] * 9) == pytest.approx(by_hand)


def test_models_that_never_differ_have_p_1() -> None:
    assert sign_flip_p([0, 0, 0]) == 1.0
    assert sign_flip_p([]) == 1.0


def test_drawn_patterns_come_close_to_all_and_are_the_same_each_time() -> None:
    drawn = sign_flip_p(DARWIN, max_cells=1)
    assert drawn == pytest.approx(2 * 863 / 32768, abs=0.003)
    assert drawn != sign_flip_p(DARWIN)
    assert drawn == sign_flip_p(DARWIN, max_cells=1)
    assert sign_flip_p([3] * 60, max_cells=1) == 1 / 100_001, "never 0"


def test_many_problems_and_candidates_are_counted_exactly() -> None:
    draw = np.random.default_rng(3)
    differences = draw.integers(-64, 65, size=500).tolist()
    mean, deviation = sum(differences), math.sqrt(sum(one**2 for one in differences))
    normal = math.erfc((abs(mean) - 0.5) / deviation / math.sqrt(2))
    assert sign_flip_p(differences) == pytest.approx(normal, rel=0.02)


def test_between_models_that_are_alike_p_values_are_as_chance_has_them() -> None:
    """600 pairs of models with equal chances on 40 problems of all hardnesses, 8 candidates."""
    draw = np.random.default_rng(11)
    found = []
    for _ in range(600):
        chances = draw.beta(0.5, 0.5, size=40)
        first, second = draw.binomial(8, chances), draw.binomial(8, chances)
        found.append(sign_flip_p((first - second).tolist()))
    for level in (0.01, 0.05, 0.1, 0.25, 0.5, 0.75):
        share = sum(one <= level for one in found) / len(found)
        scatter = math.sqrt(level * (1 - level) / len(found))
        assert abs(share - level) < 3.5 * scatter + 0.01, f"{share:.3f} of p-values at {level}"


def test_a_better_model_is_found() -> None:
    draw = np.random.default_rng(5)
    chances = draw.beta(2, 2, size=100) * 0.8
    first, second = draw.binomial(8, chances + 0.15), draw.binomial(8, chances)
    assert sign_flip_p((first - second).tolist()) < 0.001
