"""Which candidates a round asks for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from factory.generate.rounds import correct_by_problem, wanted
from schemas.recipe import Generate, OpenaiTeacher
from schemas.verdict import Status
from tests.unit.generate.problems_artifact import verdicts_folder

GENERATE = Generate(
    teacher=OpenaiTeacher(engine="openai", model="tiny", revision="1"),
    candidates=4,
    max_rounds=5,
    accepted_wanted=2,
    give_up_after=8,
)


def test_the_first_round_asks_for_everything() -> None:
    assert wanted(["a", "b"], Counter(), GENERATE, round=1) == [("a", range(4)), ("b", range(4))]


def test_later_rounds_ask_for_the_next_candidates_of_problems_short_of_correct_ones() -> None:
    found = wanted(["a", "b", "c"], Counter(a=2, b=1), GENERATE, round=2)
    assert found == [("b", range(4, 8)), ("c", range(4, 8))]


def test_a_problem_without_a_correct_one_is_given_up_but_one_with_some_is_not() -> None:
    assert wanted(["b", "c"], Counter(b=1), GENERATE, round=3) == [("b", range(8, 12))]


def test_correct_candidates_sum_over_the_rounds(tmp_path: Path) -> None:
    one = verdicts_folder(tmp_path / "1", [("a", Status.CORRECT), ("a", Status.TIMEOUT)])
    two = verdicts_folder(tmp_path / "2", [("a", Status.CORRECT), ("b", Status.INCORRECT)])
    assert correct_by_problem([(tmp_path, one), (tmp_path, two)]) == Counter(a=2)
