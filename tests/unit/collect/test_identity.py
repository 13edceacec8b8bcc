"""Questions to a model about itself: filled in, in two languages, in splits that share nothing."""

from __future__ import annotations

import random

import pytest
from pydantic import ValidationError

from factory.collect.procedural import VERSION, identity, problems, traced
from factory.collect.procedural.splits import split_of
from factory.errors import SourceError
from schemas.problem import Domain, GraderName, Problem
from schemas.source_settings import ProceduralSource

RETORT = {"name": "Retort", "maker": "the Retort project"}


def source(split: str = "train", count: int = 200, **fields: object) -> ProceduralSource:
    place = {"kind": "procedural", "name": "self", "family": "identity", "settings": RETORT}
    return ProceduralSource.model_validate({**place, "split": split, "count": count, **fields})


def test_questions_and_answers_hold_the_settings_and_no_place_for_them() -> None:
    found = list(problems(source()))
    assert len({one.statement for one in found}) == 200
    for one in found:
        assert "{" not in one.statement + one.gold and "}" not in one.statement + one.gold
        assert one.grader is GraderName.JUDGE and one.domain is Domain.GENERAL
        assert not one.reasoning and one.solution == one.gold
    assert any("the Retort project" in one.gold for one in found)
    assert any(one.statement.isascii() for one in found)
    assert any("你" in one.statement for one in found)


def test_a_reference_answer_is_in_the_language_of_its_question() -> None:
    for one in problems(source(count=400)):
        assert ("你" in one.statement or "Retort是" in one.statement or "？" in one.statement) == (
            "我" in one.gold
        ), one.statement


def test_splits_share_no_question_whatever_opens_it_and_the_settings_do_not_matter() -> None:
    rng = random.Random(1)
    by_question: dict[str, set[str]] = {}
    for _ in range(3000):
        drawn = identity.draw(rng)
        by_question.setdefault(drawn.skeleton, set()).add(split_of("identity", drawn.skeleton))
    assert len(by_question) > 150
    assert all(len(splits) == 1 for splits in by_question.values())

    def categories(settings: dict[str, str]) -> list[str]:
        return [one.category for one in problems(source(settings=settings))]

    assert categories(RETORT) == categories({"name": "Ann", "maker": "Bo"})


def test_every_split_has_hundreds() -> None:
    for split, count in (("bootstrap", 650), ("train", 400), ("heldout", 200)):
        assert len(list(problems(source(split, count)))) == count
    with pytest.raises(SourceError, match="expected 5000 different problems of family identity"):
        list(problems(source(count=5000)))


def test_a_completion_that_is_right_is_the_reference() -> None:
    for problem, text in traced(source(count=20)):
        assert text == problem.gold


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("identity", {}),
        ("identity", {"name": "Retort"}),
        ("identity", {"name": "Retort", "maker": " "}),
        ("identity", {**RETORT, "colour": "blue"}),
        ("chat", RETORT),
    ],
)
def test_settings_belong_to_identity_and_are_both_there(
    family: str, settings: dict[str, str]
) -> None:
    with pytest.raises(ValidationError, match="takes the settings"):
        source(family=family, settings=settings)


def test_problems_of_the_other_families_are_what_they_were() -> None:
    def first(family: str) -> Problem:
        return next(problems(source(family=family, settings={})))

    assert VERSION == 2
    assert {family: first(family).problem_id for family in ("arithmetic", "python", "chat")} == IDS


IDS = {
    "arithmetic": "self/60eb88e7c111",
    "python": "self/120ab9f12c59",
    "chat": "self/7d9cb6e519e6",
}
