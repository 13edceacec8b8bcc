"""pass@k, maj@k and their errors, against counting by hand."""

from __future__ import annotations

import math
import statistics
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.validate.metrics import (
    Answer,
    Answers,
    estimate,
    majority_is_correct,
    metrics,
    pass_at_k,
)


def answers(*votes: str, right: str = "4", drawn: int | None = None) -> Answers:
    given_ = [Answer(vote == right, vote) for vote in votes]
    return Answers(len(votes) if drawn is None else drawn, given_, comparable=True)


@given(st.lists(st.booleans(), min_size=1, max_size=9), st.data())
def test_pass_at_k_is_the_share_of_subsets_with_a_correct_one(drawn, data) -> None:
    k = data.draw(st.integers(1, len(drawn)))
    subsets = list(combinations(drawn, k))
    by_hand = sum(any(subset) for subset in subsets) / len(subsets)
    assert pass_at_k(len(drawn), sum(drawn), k) == pytest.approx(by_hand, abs=1e-12)


def test_pass_at_k_stays_exact_for_many_candidates() -> None:
    assert pass_at_k(1024, 0, 1000) == 0.0
    assert pass_at_k(1024, 1024, 1) == 1.0
    assert pass_at_k(1024, 1, 512) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("votes", "right"),
    [
        (["4", "5", "4"], True),
        (["5", "4", "5"], False),
        (["4", "5"], True),
        (["5", "4"], False),
        (["", "", "4"], True),
        (["", ""], False),
        ([], False),
    ],
)
def test_the_majority_decides_and_the_first_given_breaks_ties(votes, right) -> None:
    assert majority_is_correct(answers(*votes).given) is right


@given(st.lists(st.sampled_from(["4", "5", "6", ""]), max_size=12))
def test_the_winner_is_no_rarer_than_any_other_answer(votes: list[str]) -> None:
    right = majority_is_correct(answers(*votes).given)
    others = max([votes.count("5"), votes.count("6")])
    if votes.count("4") > others:
        assert right
    if votes.count("4") < others:
        assert not right


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_the_standard_error_is_the_sample_deviation_over_the_root_of_n(values) -> None:
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


def test_majority_counts_the_first_k_and_only_comparable_problems() -> None:
    program = Answers(4, [Answer(True, "")] * 4, comparable=False)
    found = metrics([answers("5", "5", "4", "4"), answers("4", "4", "5", "5"), program], [1, 2, 4])
    assert list(found) == ["pass@1", "pass@2", "pass@4", "maj@2", "maj@4"]
    assert found["maj@2"].value == 0.5
    assert (found["maj@4"].n, found["pass@4"].n) == (2, 3)
    assert "maj@4" not in metrics([program], [4])
