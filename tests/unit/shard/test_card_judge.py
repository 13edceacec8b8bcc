"""The card's section on the judge: there where one graded rows, with its agreement or without."""

from __future__ import annotations

from typing import Any

from factory.grade.judge_agreement import Agreement
from factory.shard.card import render_card
from tests.unit.shard.card_facts_made import facts

JUDGE = {
    "model": "judge|model",
    "revision": "7",
    "prompt": "reference-1",
    "temperature": 0.0,
    "max_tokens": 1024,
}


def card(judge: dict[str, Any] | None) -> str:
    return render_card(facts(figures={"grade1": {"judge": judge}} if judge else None))


def test_a_dataset_without_a_judge_says_nothing_of_one() -> None:
    assert "## The judge" not in card(None)


def test_the_judge_is_named_with_its_settings() -> None:
    text = card(JUDGE)
    assert "\n\n## The judge\n\n" in text
    assert "| model | judge\\|model |\n| revision | 7 |\n| prompt | reference-1 |" in text
    assert "| temperature | 0.0 |" in text
    assert "Its agreement with people was not measured" in text
    assert "\n\n## Duplicates\n\n" in text


def test_agreement_stands_in_a_table() -> None:
    text = card(JUDGE | {"agreement": Agreement(20, 5, 10, 15, 1).figures()})
    assert "| verdicts equal to the label | 35 of 50, 70.0% (56.2% to 80.9%) |" in text
    assert "| false accepts, of answers labelled wrong | 10 of 25, 40.0% (23.4% to 59.3%) |" in text
    assert "| false rejects, of answers labelled right | 5 of 25, 20.0% (8.9% to 39.1%) |" in text
    assert "| no reply in form | 1 of 50 |" in text
    assert "| Cohen's kappa | 0.40 |" in text
    assert "not measured for this" not in text
    assert "\n\n\n" not in text
