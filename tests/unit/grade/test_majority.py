"""The answer by vote: equal answers are one vote, in doubt there is less agreement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.collect.gold import check_golds
from factory.grade.contract import Item, Verdict
from factory.grade.majority import MajorityGrader
from factory.grade.math import MathGrader
from factory.grade.vote import MAX_HARD, Vote, elect, joined
from schemas.candidate import FinishReason
from schemas.grade_settings import Grade, GradeMajority, GradeMath
from schemas.machine import Machine
from schemas.problem import GraderName
from schemas.verdict import Status
from tests.unit.grade.items import problem

RULE = GradeMajority()
PROBLEM = problem("", GraderName.MAJORITY)
HALVES = ["1/2", "0.5", r"\frac{1}{2}", r"\dfrac12", ".5", "50\\%"]


@pytest.fixture(scope="module")
def math() -> Iterator[MathGrader]:
    with MathGrader(GradeMath(), 1) as grader:
        yield grader


def vote(math: MathGrader, answers: Sequence[str], rule: GradeMajority = RULE) -> Vote:
    return elect([Counter(answers)], rule, math)[0]


def verdicts(
    math: MathGrader,
    texts: Sequence[str | tuple[str, FinishReason]],
    rule: GradeMajority = RULE,
) -> list[Verdict]:
    pairs = [(one, FinishReason.STOP) if isinstance(one, str) else one for one in texts]
    return MajorityGrader(rule, math).grade_many([Item(PROBLEM, *one) for one in pairs])


def boxed(*answers: str) -> list[str]:
    return [f"<think>so</think> It is \\boxed{{{one}}}." for one in answers]


def test_equal_answers_are_one_vote_however_they_are_spelled(math: MathGrader) -> None:
    found = verdicts(math, boxed("1/2", "0.5", r"\frac{1}{2}", "3"))
    assert [one.status for one in found] == [Status.CORRECT] * 3 + [Status.INCORRECT]
    assert [one.extracted for one in found] == ["0.5", "0.5", "0.5", "3"]
    assert {one.detail for one in found} == {"3 of 4 votes"}
    assert {(one.method, one.passed, one.total) for one in found} == {("majority", 3, 4)}


@pytest.mark.parametrize(
    ("answers", "won", "members"),
    [
        (["50%"] * 3 + ["50"] * 2 + ["0.5"] * 2, "50", {"50%", "50"}),
        (["12"] * 3 + [r"12\text{ cm}"] * 2 + [r"12\text{ m}"] * 2, "12", {"12", r"12\text{ m}"}),
    ],
)
def test_answers_that_differ_never_share_a_majority_through_a_third(
    math: MathGrader, answers: list[str], won: str, members: set[str]
) -> None:
    found = vote(math, answers)
    assert (found.answer, found.members, found.votes, found.total) == (won, members, 5, 7)


def test_the_share_that_is_asked_for_is_enough_and_one_vote_less_is_not(math: MathGrader) -> None:
    rule = GradeMajority(min_agreement=0.7, min_votes=4)
    seven, six = (verdicts(math, boxed(*["7"] * n, *["8"] * (10 - n)), rule) for n in (7, 6))
    assert Counter(one.status for one in seven) == {Status.CORRECT: 7, Status.INCORRECT: 3}
    assert {one.status for one in six} == {Status.NO_MAJORITY}
    assert {one.detail for one in six} == {"6 of 10 votes, at least 0.7 of them wanted"}
    assert [one.extracted for one in six] == ["7"] * 6 + ["8"] * 4


def test_too_few_votes_are_no_majority(math: MathGrader) -> None:
    found = verdicts(math, [*boxed("7", "7", "7"), "I do not know what to say about this."])
    assert [one.status for one in found] == [Status.NO_MAJORITY] * 3 + [Status.UNPARSABLE]
    assert found[0].detail == "3 of 3 votes, at least 4 wanted"


def test_what_is_cut_or_unreadable_has_no_vote(math: MathGrader) -> None:
    silent: list[str | tuple[str, FinishReason]] = [
        ("<think>so \\boxed{8}", FinishReason.STOP),
        ("It is \\boxed{8} and so", FinishReason.LENGTH),
        "It is \\boxed{8",
        "It is \\boxed{8 +}.",
        "",
    ]
    found = verdicts(math, [*boxed(*["7"] * 4), *silent])
    assert [one.status for one in found[4:]] == [
        *[Status.TRUNCATED] * 2,
        *[Status.UNPARSABLE] * 3,
    ]
    assert {one.detail for one in found[:4]} == {"4 of 4 votes"}
    assert all(one.detail.endswith("no vote") and one.total is None for one in found[4:])


def test_a_hard_pair_is_compared_by_a_worker(math: MathGrader) -> None:
    found = vote(math, [r"\sqrt{2}+\sqrt{3}"] * 3 + [r"\sqrt{5+2\sqrt{6}}"] * 3)
    assert (found.votes, found.total) == (6, 6)
    assert found.answer == r"\sqrt{2}+\sqrt{3}"


class NotingMath(MathGrader):
    """The grader of mathematics; it notes which pairs it is asked for."""

    asked: list[tuple[str, str]]

    def grade_answers(self, items: Sequence[tuple[str, str]]) -> list[Verdict]:
        self.asked = list(items)
        return super().grade_answers(items)


def test_hard_pairs_are_compared_only_where_they_can_decide() -> None:
    hard = [r"\sqrt{2}+\sqrt{3}", r"\sqrt{5+2\sqrt{6}}"]
    with NotingMath(GradeMath(), 1) as math:
        assert not vote(math, [*hard, *["1", "2", "3", "4"]]).answer
        assert math.asked == []
        assert vote(math, [*hard, *hard, "1"]).votes == 4
        assert math.asked == [(hard[0], hard[1])]


def test_workers_compare_a_bounded_number_of_pairs_of_a_problem() -> None:
    angles = [rf"\frac{{x_{{{number}}}}}{{1+y}}" for number in range(1, 41)]
    ones = [rf"\sin^2{angle}+\cos^2{angle}" for angle in angles]
    with NotingMath(GradeMath(), 2) as math:
        found = vote(math, ones, GradeMajority(min_agreement=0.8))
        assert len(math.asked) == MAX_HARD
        assert (found.votes, found.total) == (1 + MAX_HARD, 40)


def test_the_joined_boxes_of_one_response_are_one_answer(math: MathGrader) -> None:
    joint = r"The roots are \boxed{2} and \boxed{3}."
    found = verdicts(math, [joint, joint, *boxed("2, 3", "3, 2", "3")])
    assert [one.status for one in found] == [Status.CORRECT] * 4 + [Status.INCORRECT]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from([*HALVES, "2", "x+1", "1+x", "no", "x"]), max_size=12),
    st.randoms(use_true_random=False),
)
def test_the_order_of_candidates_changes_nothing_and_every_vote_is_counted(
    math: MathGrader, answers: list[str], rng: Random
) -> None:
    shuffled = rng.sample(answers, k=len(answers))
    found = vote(math, answers)
    assert found == vote(math, shuffled)
    assert found.total == len(answers)
    members = sum(answer in found.members for answer in answers)
    if found.answer:
        assert members == found.votes
        assert found.votes / found.total >= RULE.min_agreement
    statuses = Counter(one.status for one in verdicts(math, boxed(*answers)))
    assert statuses[Status.CORRECT] == members
    assert statuses.total() == len(answers)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=8))
def test_no_text_makes_it_raise(math: MathGrader, texts: list[str]) -> None:
    for one in verdicts(math, texts):
        assert one.status in {
            Status.CORRECT,
            Status.INCORRECT,
            Status.NO_MAJORITY,
            Status.TRUNCATED,
            Status.UNPARSABLE,
        }


def test_problems_vote_apart(math: MathGrader) -> None:
    other = PROBLEM.model_copy(update={"problem_id": "s/1"})
    texts = boxed(*["7"] * 4)
    mixed = [Item(one, text, FinishReason.STOP) for text in texts for one in (PROBLEM, other)]
    votes = MajorityGrader(RULE, math).count(mixed)
    assert votes == {name: Vote("7", frozenset({"7"}), 4, 4) for name in ("s/0", "s/1")}


def test_a_vote_that_is_decided_holds_for_further_answers(math: MathGrader) -> None:
    before = Vote("0.5", frozenset({"0.5"}), 6, 8)
    found = joined(before, ["1/2", "2"], math)
    assert found == Vote("0.5", frozenset({"0.5", "1/2"}), 6, 8)
    none = Vote("", frozenset(), 2, 8)
    assert joined(none, ["1/2"], math) == none


def test_problems_without_a_gold_are_admitted_unchecked() -> None:
    found = check_golds([PROBLEM], Grade(), Machine(workers=1))
    assert (found.rejected, found.unchecked) == ({}, 1)
