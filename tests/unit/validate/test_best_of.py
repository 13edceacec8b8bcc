"""best@n by counting, against drawing every subset."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.validate.best_of import Chosen, best_at_n

BAD, GOOD = False, True


def by_subsets(candidates: list[Chosen], drawn: int, n: int) -> float:
    """The definition, subset by subset."""
    everyone = [*candidates, *[Chosen((0, 0.0), BAD)] * (drawn - len(candidates))]
    values: list[float] = []
    for subset in combinations(everyone, n):
        highest = max(one.place for one in subset)
        best = [one.correct for one in subset if one.place == highest]
        values.append(sum(best) / len(best))
    return sum(values) / len(values)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([(0, 0.0), (1, 0.0), (2, -1.0), (2, 3.0), (2, 9.0)]), st.booleans()
        ),
        min_size=0,
        max_size=7,
    ),
    st.integers(0, 2),
    st.data(),
)
def test_counting_gives_the_mean_over_all_subsets(
    rows: list[tuple[tuple[int, float], bool]], never_came: int, data: st.DataObject
) -> None:
    candidates = [Chosen(place, correct) for place, correct in rows]
    drawn = max(1, len(candidates) + never_came)
    n = data.draw(st.integers(1, drawn))
    assert best_at_n(candidates, drawn, n) == pytest.approx(by_subsets(candidates, drawn, n))


def marked(*rows: tuple[float, bool]) -> list[Chosen]:
    return [Chosen((2, mark), correct) for mark, correct in rows]


def test_best_of_one_is_chance_and_best_of_all_is_the_highest_mark() -> None:
    four = marked((9, GOOD), (7, BAD), (5, BAD), (1, BAD))
    assert best_at_n(four, 4, 1) == pytest.approx(0.25)
    assert best_at_n(four, 4, 2) == pytest.approx(0.5)
    assert best_at_n(four, 4, 4) == 1.0
    assert best_at_n(marked((9, BAD), (7, GOOD), (7, GOOD), (7, GOOD)), 4, 4) == 0.0


def test_equal_marks_share_evenly() -> None:
    assert best_at_n(marked((5, GOOD), (5, BAD), (5, BAD), (5, BAD)), 4, 4) == pytest.approx(0.25)


def test_candidates_that_never_came_are_chosen_last_and_wrong() -> None:
    assert best_at_n(marked((0, GOOD)), 4, 1) == pytest.approx(0.25)
    assert best_at_n(marked((0, GOOD)), 4, 4) == 1.0
    assert best_at_n([], 4, 2) == 0.0
