"""maj@k against going through every way to choose k candidates."""

from __future__ import annotations

import time
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.validate.plurality import majority_at_k


def by_enumeration(votes: list[str], right: set[str], k: int) -> float:
    """The same share, one subset after the other; an empty vote is none."""
    won = 0.0
    subsets = list(combinations(votes, k))
    for subset in subsets:
        counts = Counter(vote for vote in subset if vote)
        leading = [vote for vote in counts if counts[vote] == max(counts.values())]
        won += sum(vote in right for vote in leading) / len(leading) if leading else 0.0
    return won / len(subsets)


@given(st.lists(st.sampled_from(["", *"abcd"]), min_size=1, max_size=9), st.data())
def test_it_is_the_average_over_all_subsets(votes: list[str], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(votes)))
    right = data.draw(st.sets(st.sampled_from("abcd")))
    tally = Counter(vote for vote in votes if vote)
    found = majority_at_k(len(votes), [(tally[one], one in right) for one in sorted(tally)], k)
    assert found == pytest.approx(by_enumeration(votes, right, k))


def test_with_one_candidate_it_is_the_share_of_correct_ones() -> None:
    assert majority_at_k(64, [(20, True), (30, False)], 1) == pytest.approx(20 / 64)


def test_the_order_of_answers_changes_nothing() -> None:
    votes = [(3, False), (5, True), (5, False), (1, False)]
    assert majority_at_k(16, votes, 7) == majority_at_k(16, votes[::-1], 7)


def test_many_candidates_are_counted_in_little_time() -> None:
    start = time.process_time()
    votes = [(30, True), (25, False), (20, False), *[(count, False) for count in range(1, 10)]]
    assert 0.5 < majority_at_k(128, votes, 64) < 1.0
    assert time.process_time() - start < 10.0
