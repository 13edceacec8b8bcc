"""Which candidates a round asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from factory.generate.earlier import Tally, tally
from factory.generate.rounds import Brief, Report, plan_round
from schemas.generate_settings import Generate, RoundRule, Sampling
from schemas.problem import Domain
from schemas.teacher_settings import OpenaiTeacher
from schemas.verdict import Status
from tests.unit.generate.problems_artifact import earlier_round

RIGHT, WRONG = Status.CORRECT, Status.INCORRECT


def recipe(**fields: Any) -> Generate:
    settings: dict[str, Any] = {
        "teacher": OpenaiTeacher(engine="openai", model="tiny", revision="1"),
        "candidates": 4,
        "max_rounds": 5,
        "accepted_wanted": 2,
        "give_up_after": 8,
    }
    return Generate(**{**settings, **fields})


def maths(*names: str, category: str = "", votes: bool = False) -> list[Brief]:
    return [Brief(name, "math", category, votes) for name in names]


def had(asked: int, correct: int, *, rounds: int = 1, tokens: int = 0) -> Tally:
    return Tally(asked=asked, rounds=rounds, graded=asked, correct=correct, tokens=tokens)


def plan(
    problems: Sequence[Brief],
    tallies: Mapping[str, Tally],
    generate: Generate,
    *,
    round: int,
    seed: int = 0,
) -> dict[str, range]:
    return plan_round(problems, tallies, generate, round=round, seed=seed)[0]


def report(
    problems: Sequence[Brief], tallies: Mapping[str, Tally], generate: Generate, *, round: int
) -> Report:
    return plan_round(problems, tallies, generate, round=round, seed=0)[1]


def test_the_first_round_asks_for_everything_in_the_order_of_the_problems() -> None:
    found = plan(maths("b", "a"), {}, recipe(), round=1)
    assert list(found.items()) == [("b", range(4)), ("a", range(4))]


def test_easy_problems_stop_and_hard_ones_get_the_next_candidates() -> None:
    tallies = {"a": had(4, 2), "b": had(4, 1), "c": had(4, 0)}
    found = plan(maths("a", "b", "c"), tallies, recipe(), round=2)
    assert found == {"b": range(4, 8), "c": range(4, 8)}


def test_a_problem_gets_only_as_many_as_its_pass_rate_makes_likely_to_be_needed() -> None:
    generous = recipe(round_sizes=[4, 32], accepted_wanted=4, give_up_after=20)
    tallies = {"easy": had(4, 3), "hard": had(4, 1), "never": had(4, 0)}
    found = plan(maths("easy", "hard", "never"), tallies, generous, round=2)
    # One more at a rate of 3.5/5; three more at 1.5/5; the last until it is given up.
    assert {name: len(indices) for name, indices in found.items()} == {
        "easy": 2,
        "hard": 10,
        "never": 16,
    }
    fixed = generous.model_copy(update={"adapt": False})
    assert len(plan(maths("easy"), tallies, fixed, round=2)["easy"]) == 32


def test_a_hopeless_problem_is_given_up_and_reported_and_one_with_some_is_not() -> None:
    tallies = {"b": had(8, 1, rounds=2), "c": had(8, 0, rounds=2)}
    assert plan(maths("b", "c"), tallies, recipe(), round=3) == {"b": range(8, 12)}
    assert report(maths("b", "c"), tallies, recipe(), round=3).figures() == {
        "given_up": {"math": 1},
        "short": {"math": 1},
    }


def test_round_sizes_count_the_rounds_of_a_problem_and_the_last_one_repeats() -> None:
    sizes = recipe(round_sizes=[2, 5], adapt=False, give_up_after=100)
    assert plan(maths("a"), {}, sizes, round=1) == {"a": range(2)}
    assert plan(maths("a"), {"a": had(2, 0)}, sizes, round=2) == {"a": range(2, 7)}
    assert plan(maths("a"), {"a": had(7, 0, rounds=2)}, sizes, round=3) == {"a": range(7, 12)}


def test_a_domain_has_rules_of_its_own() -> None:
    ruled = recipe(
        domains={Domain.CODE: RoundRule(candidates=6, accepted_wanted=1, give_up_after=6)}
    )
    both = [*maths("m"), Brief("c", "code", "", False)]
    assert plan(both, {}, ruled, round=1) == {"m": range(4), "c": range(6)}
    after = {"m": had(4, 1), "c": had(6, 1)}
    assert plan(both, after, ruled, round=2) == {"m": range(4, 8)}
    assert plan(both, {"m": had(4, 0), "c": had(6, 0)}, ruled, round=2) == {"m": range(4, 8)}


def test_problems_that_vote_are_asked_once() -> None:
    voting = maths("v", votes=True)
    assert plan(voting, {}, recipe(), round=1) == {"v": range(4)}
    assert plan(voting, {"v": had(4, 0)}, recipe(), round=2) == {}


# ------------------------------------------------------------------------------------------ quotas


def test_a_quota_opens_as_many_problems_as_could_fill_it_whatever_their_order() -> None:
    generate = recipe(quota={"math": 10})
    names = [f"p{number}" for number in range(100)]
    found = plan(maths(*names), {}, generate, round=1)
    assert len(found) == 5
    again = plan(maths(*reversed(names)), {}, generate, round=1)
    assert set(again) == set(found)
    assert set(plan(maths(*names), {}, generate, round=1, seed=1)) != set(found)


def test_a_later_round_goes_on_with_open_problems_and_opens_what_their_yield_asks_for() -> None:
    generate = recipe(quota={"math": 10})
    names = [f"p{number}" for number in range(100)]
    opened = list(plan(maths(*names), {}, generate, round=1))
    tallies = {name: had(4, correct) for name, correct in zip(opened, [2, 1, 1, 0, 0], strict=True)}
    found = plan(maths(*names), tallies, generate, round=2)
    assert opened[0] not in found
    assert set(opened[1:]) <= set(found)
    fresh = [name for name, indices in found.items() if indices.start == 0]
    # Four of ten are there; the open ones are good for 2 x 1 and 2 x 0.4; a new one for 0.8.
    assert 3 <= len(fresh) <= 5


def test_a_filled_quota_stops_its_category_and_no_other() -> None:
    generate = recipe(quota={"math/Algebra": 2})
    problems = [*maths("a", "b", category="Algebra"), *maths("g", category="Geometry")]
    tallies = {"a": had(4, 2), "b": had(4, 1), "g": had(4, 1)}
    assert set(plan(problems, tallies, generate, round=2)) == {"g"}
    found = report(problems, tallies, generate, round=2).figures()
    assert found["accepted_of_quota"] == {"math/Algebra": 3}


def test_a_category_with_a_quota_gets_it_whatever_the_rest_of_its_domain_could_give() -> None:
    generate = recipe(quota={"math": 20, "math/Geometry": 6})
    rest = maths(*(f"a{number}" for number in range(100)), category="Algebra")
    few = maths("g0", "g1", "g2", "g3", category="Geometry")
    found = plan([*rest, *few], {}, generate, round=1)
    assert len(found) == 10
    assert len([name for name in found if name.startswith("g")]) == 3


def test_more_correct_candidates_than_wanted_of_one_problem_do_not_fill_a_quota() -> None:
    generate = recipe(quota={"math": 4})
    assert set(plan(maths("a", "b"), {"a": had(4, 4)}, generate, round=2)) == {"b"}


# ----------------------------------------------------------------------------------------- budgets


def test_a_budget_bounds_the_first_round_by_the_longest_completions() -> None:
    generate = recipe(budget_tokens=1000, sampling=Sampling(max_tokens=100))
    found = plan(maths("a", "b", "c", "d"), {}, generate, round=1)
    assert sum(len(indices) for indices in found.values()) == 8
    assert report(maths("a", "b", "c", "d"), {}, generate, round=1).cut_by_budget == 8
    known = generate.model_copy(update={"expected_tokens": 50})
    assert len(plan(maths("a", "b", "c", "d"), {}, known, round=1)) == 4


def test_a_later_round_counts_with_the_tokens_that_completions_took() -> None:
    generate = recipe(budget_tokens=1000, sampling=Sampling(max_tokens=10_000))
    tallies = {name: had(4, 0, tokens=200) for name in "abc"}
    # 600 are spent, at 50 each: four candidates for each of two problems fit into the rest.
    assert len(plan(maths("a", "b", "c"), tallies, generate, round=2)) == 2
    spent = {name: had(4, 0, tokens=400) for name in "abc"}
    assert plan(maths("a", "b", "c"), spent, generate, round=2) == {}


def test_what_a_budget_left_out_is_asked_later_once_completions_turn_out_to_be_short() -> None:
    generate = recipe(budget_tokens=1000, sampling=Sampling(max_tokens=100))
    problems = maths("a", "b", "c", "d")
    first = plan(problems, {}, generate, round=1)
    assert len(first) == 2
    tallies = {name: had(4, 2, tokens=40) for name in first}
    assert plan(problems, tallies, generate, round=2) == {
        one.problem_id: range(4) for one in problems if one.problem_id not in first
    }


def test_a_budget_counts_the_problems_of_the_plan_and_each_of_them_once() -> None:
    generate = recipe(budget_tokens=1000, sampling=Sampling(max_tokens=100))
    tallies = {"a": had(4, 0, tokens=400), "elsewhere": had(4, 0, tokens=400)}
    # 400 are spent, at 100 each: four more of one problem fit into the rest.
    assert plan(maths("a"), tallies, generate, round=2) == {"a": range(4, 8)}


def test_a_budget_of_a_domain_leaves_the_others_alone() -> None:
    generate = recipe(
        sampling=Sampling(max_tokens=100), domains={Domain.CODE: RoundRule(budget_tokens=400)}
    )
    problems = [*maths("m"), Brief("c", "code", "", False), Brief("d", "code", "", False)]
    found = plan(problems, {}, generate, round=1)
    assert "m" in found
    assert len(found) == 2


# --------------------------------------------------------------------------------- what must hold


@given(
    seed=st.integers(0, 3),
    rates=st.lists(st.floats(0, 1), min_size=1, max_size=12),
    wanted=st.integers(1, 4),
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    quota=st.one_of(st.none(), st.integers(1, 20)),
    budget=st.one_of(st.none(), st.integers(0, 400)),
)
def test_indices_never_have_gaps_or_come_twice_and_problems_end(
    seed: int,
    rates: list[float],
    wanted: int,
    sizes: list[int],
    quota: int | None,
    budget: int | None,
) -> None:
    generate = recipe(
        round_sizes=sizes,
        accepted_wanted=wanted,
        quota={"math": quota} if quota else {},
        budget_tokens=budget or None,
        sampling=Sampling(max_tokens=10),
    )
    problems = maths(*(f"p{number}" for number in range(len(rates))))
    tallies: dict[str, Tally] = {}
    for round in range(1, 8):
        asked = plan(problems, tallies, generate, round=round, seed=seed)
        for name, indices in asked.items():
            one = tallies.setdefault(name, Tally())
            assert indices.start == one.asked
            assert 1 <= len(indices) <= max(sizes)
            assert one.correct < wanted
            assert one.correct or indices.stop <= max(8, sizes[0])
            rate = rates[int(name[1:])]
            one.asked, one.graded = indices.stop, indices.stop
            one.rounds += 1
            one.correct = int(rate * indices.stop)
            one.tokens = 10 * indices.stop
        if budget:
            assert sum(one.tokens for one in tallies.values()) <= budget


def test_a_tally_sums_over_the_rounds_and_reads_lengths_where_tokens_are_not_counted(
    tmp_path: Path,
) -> None:
    one = earlier_round(tmp_path / "1", [("a", RIGHT), ("a", Status.TIMEOUT), ("b", WRONG)])
    two = earlier_round(tmp_path / "2", [("a", RIGHT)], tokens=None)
    assert tally([one, two]) == {
        "a": Tally(asked=2, rounds=2, graded=3, correct=2, tokens=30),
        "b": Tally(asked=1, rounds=1, graded=1, correct=0, tokens=10),
    }


def test_conversations_that_are_passed_through_are_not_tallied(tmp_path: Path) -> None:
    one = earlier_round(tmp_path / "1", [("chats/1", RIGHT)], tokens=None, engine="given")
    assert tally([one]) == {}
