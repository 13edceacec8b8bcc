"""pass@k, maj@k and their errors, against counting by hand."""

from __future__ import annotations

import math
import operator
import statistics
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.validate.metrics import (
    Answer,
    Answers,
    estimate,
    majority,
    metrics,
    pass_at_k,
    pass_at_k_variance,
)


def answers(*votes: str, right: str = "4", drawn: int | None = None) -> Answers:
    given_ = [Answer(vote == right, vote) for vote in votes]
    return Answers(len(votes) if drawn is None else drawn, given_, comparable=True)


@given(st.lists(st.booleans(), min_size=1, max_size=9), st.data())
def test_pass_at_k_is_the_share_of_subsets_with_a_correct_one(
    drawn: list[bool], data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, len(drawn)))
    subsets = list(combinations(drawn, k))
    by_hand = sum(any(subset) for subset in subsets) / len(subsets)
    assert pass_at_k(len(drawn), sum(drawn), k) == pytest.approx(by_hand, abs=1e-12)


def test_pass_at_k_stays_exact_for_many_candidates() -> None:
    assert pass_at_k(1024, 0, 1000) == 0.0
    assert pass_at_k(1024, 1024, 1) == 1.0
    assert pass_at_k(1024, 1, 512) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("votes", "share"),
    [
        (["4", "5", "4"], 1.0),
        (["5", "4", "5"], 0.0),
        (["4", "5"], 0.5),
        (["5", "4", "6"], 1 / 3),
        (["", "", "4"], 1.0),
        (["", ""], 0.0),
        ([], 0.0),
    ],
)
def test_the_majority_decides_and_tied_answers_share_the_win(
    votes: list[str], share: float
) -> None:
    found = answers(*votes, drawn=max(len(votes), 1))
    assert majority(found, found.drawn) == pytest.approx(share)


def test_an_answer_is_right_where_most_of_those_who_gave_it_are() -> None:
    given_ = [Answer(True, "a"), Answer(True, "a"), Answer(False, "a"), Answer(False, "b")]
    assert majority(Answers(4, given_, comparable=True), 4) == 1.0
    half = [Answer(True, "a"), Answer(False, "a"), Answer(False, "b")]
    assert majority(Answers(3, half, comparable=True), 3) == 0.0, "in doubt it is wrong"


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_the_standard_error_is_the_sample_deviation_over_the_root_of_n(
    values: list[float],
) -> None:
    found = estimate(values)
    assert found.value == pytest.approx(statistics.fmean(values))
    assert found.stderr == pytest.approx(statistics.stdev(values) / math.sqrt(len(values)))
    assert 0.0 <= found.value <= 1.0


def test_one_problem_has_no_standard_error() -> None:
    assert estimate([0.5]).stderr == 0.0


def test_candidates_that_never_came_are_wrong() -> None:
    found = metrics([answers("4", "4", drawn=4)], [1])
    assert found["pass@1"].value == 0.5
    assert metrics([answers(drawn=4)], [4])["pass@4"].value == 0.0


def test_majority_counts_all_ways_to_choose_k_and_only_comparable_problems() -> None:
    program = Answers(4, [Answer(True, "")] * 4, comparable=False)
    found = metrics([answers("5", "5", "4", "4"), answers("4", "4", "4", "5"), program], [1, 2, 4])
    assert list(found) == ["pass@1", "pass@2", "pass@4", "maj@2", "maj@4"]
    assert found["maj@2"].value == pytest.approx((0.5 + 0.75) / 2)
    assert found["maj@4"].value == pytest.approx((0.5 + 1.0) / 2)
    assert (found["maj@4"].n, found["pass@4"].n) == (2, 3)
    assert "maj@4" not in metrics([program], [4])


@given(st.lists(st.booleans(), min_size=2, max_size=40))
def test_the_error_over_candidates_of_pass_at_1_is_the_binomial_one(drawn: list[bool]) -> None:
    share = sum(drawn) / len(drawn)
    by_hand = share * (1 - share) / (len(drawn) - 1)
    assert pass_at_k_variance(len(drawn), sum(drawn), 1) == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize(
    ("n", "k", "chance"), [(4, 1, 0.3), (8, 3, 0.2), (9, 4, 0.5), (16, 8, 0.1)]
)
def test_the_variance_over_candidates_is_unbiased(n: int, k: int, chance: float) -> None:
    """Over all numbers of correct ones, each as likely as the binomial says."""
    weights = [math.comb(n, c) * chance**c * (1 - chance) ** (n - c) for c in range(n + 1)]
    values = [pass_at_k(n, c, k) for c in range(n + 1)]
    mean = sum(map(operator.mul, weights, values))
    variance = sum(w * (value - mean) ** 2 for w, value in zip(weights, values, strict=True))
    found = [pass_at_k_variance(n, c, k) for c in range(n + 1)]
    assert None not in found
    assert sum(w * (one or 0.0) for w, one in zip(weights, found, strict=True)) == pytest.approx(
        variance
    )
    assert mean == pytest.approx(1 - (1 - chance) ** k)


def test_the_error_over_candidates_sums_over_problems() -> None:
    found = metrics([answers("4", "5", "5", "5"), answers("4", "4", "5", "5")], [1, 2, 4])
    by_hand = math.sqrt(0.25 * 0.75 / 3 + 0.5 * 0.5 / 3) / 2
    assert found["pass@1"].stderr_candidates == pytest.approx(by_hand)
    assert found["pass@2"].stderr_candidates is not None
    assert found["pass@4"].stderr_candidates is None, "only one draw of four"
    assert found["maj@2"].stderr_candidates is None
    assert metrics([answers("4")], [1])["pass@1"].stderr_candidates is None


def test_one_problem_without_an_error_over_candidates_leaves_the_suite_without() -> None:
    assert metrics([answers("4"), answers("4", "5")], [1])["pass@1"].stderr_candidates is None
