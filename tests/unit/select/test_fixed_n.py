"""The baseline that draws as many candidates of every problem: exact where all were drawn."""

from __future__ import annotations

from math import comb
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.select.fixed_n import Drawn, expected_accepted, fixed_n


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    candidates = draw(st.integers(1, 40))
    return Drawn(
        domain=draw(st.sampled_from(["math", "code"])),
        candidates=candidates,
        correct=draw(st.integers(0, candidates)),
        tokens=draw(st.integers(0, 100_000)),
        wanted=draw(st.integers(1, 6)),
    )


def summed_over_all_outcomes(one: Drawn, n: int) -> float:
    """The same expectation, by its definition."""
    further, rate = n - one.candidates, one.correct / one.candidates
    return sum(
        comb(further, found)
        * rate**found
        * (1 - rate) ** (further - found)
        * min(one.wanted, one.correct + found)
        for found in range(further + 1)
    )


@given(drawn(), st.integers(0, 30))
def test_the_expectation_is_that_of_a_binomial_number(one: Drawn, further: int) -> None:
    n = one.candidates + further
    found = expected_accepted(one.candidates, one.correct, one.wanted, n)
    assert found == pytest.approx(summed_over_all_outcomes(one, n))
    assert min(one.wanted, one.correct) <= found + 1e-9 <= one.wanted + 1e-8


@given(st.lists(drawn(), min_size=1, max_size=6))
def test_where_every_problem_got_all_there_is_nothing_to_save(problems: list[Drawn]) -> None:
    same = [Drawn(one.domain, 40, min(one.correct, 40), one.tokens, one.wanted) for one in problems]
    found = fixed_n(same)
    accepted = sum(min(one.wanted, one.correct) for one in same)
    tokens = sum(one.tokens for one in same)
    assert set(found["n"].values()) == {40}
    assert found["given_up_early"] == 0
    if accepted and tokens:
        assert found["ours"] == tokens / accepted
        assert found["ratio"] == pytest.approx(1.0)


@given(st.lists(drawn(), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_domains_add_up_and_order_does_not_matter(problems: list[Drawn], rng: Random) -> None:
    found = fixed_n(problems)
    again = fixed_n(rng.sample(problems, k=len(problems)))
    assert found["n"] == again["n"]
    assert found["tokens_per_accepted"] == pytest.approx(again["tokens_per_accepted"])
    parts = found["by_domain"].values()
    assert sum(one["problems"] for one in parts) == found["problems"] == len(problems)
    for domain, one in found["by_domain"].items():
        mine = [each for each in problems if each.domain == domain]
        assert one["n"] == max(each.candidates for each in mine)


def test_easy_problems_that_stopped_early_are_what_is_saved() -> None:
    easy = Drawn("math", candidates=4, correct=4, tokens=400, wanted=1)
    hard = Drawn("math", candidates=16, correct=1, tokens=1600, wanted=1)
    found = fixed_n([easy, hard])
    assert found["n"] == {"math": 16}
    assert found["tokens_per_accepted"] == (1600 + 1600) / 2
    assert found["ours"] == (400 + 1600) / 2
    assert found["ratio"] == pytest.approx(0.625)


def test_each_domain_has_the_baseline_of_its_own_largest_number() -> None:
    found = fixed_n([Drawn("math", 8, 8, 80, 4), Drawn("code", 2, 2, 20, 4)])
    assert found["n"] == {"code": 2, "math": 8}
    assert found["by_domain"]["code"]["ratio"] == 1.0


def test_a_problem_given_up_early_is_counted_and_gives_the_baseline_nothing() -> None:
    found = fixed_n([Drawn("math", 4, 0, 40, 1), Drawn("math", 8, 2, 80, 1)])
    assert found["given_up_early"] == 1
    assert found["tokens_per_accepted"] == 160.0


def test_without_anything_accepted_there_is_no_price() -> None:
    for problems in ([], [Drawn("math", 4, 0, 40, 1)]):
        found = fixed_n(problems)
        assert (found["tokens_per_accepted"], found["ours"], found["ratio"]) == (None, None, None)
