"""Which prompts get a chain of thought under `reasoning = "auto"`."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.collect.deserves import LONG_WORDS, REMARK_WORDS, deserves_thought
from schemas.problem import Domain
from tests.unit.collect.deserves_examples import SEEN, UNSEEN
from tests.unit.collect.local_sets import hub, parquet_set, problems


def precision_and_recall(examples: list[tuple[str, bool]]) -> tuple[float, float]:
    said = [(deserves_thought(text, Domain.GENERAL), label) for text, label in examples]
    hits = sum(found and label for found, label in said)
    return hits / sum(found for found, _ in said), hits / sum(label for _, label in said)


@pytest.mark.parametrize(("examples", "which"), [(SEEN, "written on"), (UNSEEN, "not written on")])
def test_precision_and_recall_are_those_of_the_document(
    project: Path, examples: list[tuple[str, bool]], which: str
) -> None:
    precision, recall = precision_and_recall(examples)
    document = (project / "docs" / "sources.md").read_text(encoding="utf-8")
    row = f"| {which} | {len(examples)} | {precision:.2f} | {recall:.2f} |"
    assert row in document
    assert precision > 0.8 and recall > 0.6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello!", False),
        ("Hello! Why is the sky blue?", True),
        ("Who wrote Hamlet?", False),
        ("Who wrote Hamlet, and when? Who played it first?", True),
        ("What is 17 * 23?", True),
        ("Translate 'cat'.", False),
        ("Translate: " + "the cat sat on the mat and slept. " * 4, True),
        ("```\nx\n```", True),
        ("1. One\n2. Two", True),
        ("为什么？", True),
    ],
)
def test_each_sign_of_work_counts(text: str, expected: bool) -> None:
    assert deserves_thought(text, Domain.GENERAL) is expected


@pytest.mark.parametrize("domain", [one for one in Domain if one is not Domain.GENERAL])
def test_every_prompt_of_other_domains_deserves_it(domain: Domain) -> None:
    assert deserves_thought("Hello", domain)


def test_long_prompts_deserve_it_in_any_script() -> None:
    for word, words in (("ok ", LONG_WORDS), ("好", 2 * LONG_WORDS), ("слово ", LONG_WORDS)):
        assert deserves_thought(word * (words + 2), Domain.GENERAL)
    for word, words in (("ok ", REMARK_WORDS), ("好", 2 * REMARK_WORDS), ("слово ", REMARK_WORDS)):
        assert not deserves_thought(word * words, Domain.GENERAL)


def test_a_source_asks_the_rule_for_each_prompt(folder: Path) -> None:
    parquet_set(folder / "chat", [{"prompt": "Hello!"}, {"prompt": "Why is the sky blue?"}])
    columns = {"statement": "prompt", "gold": ""}
    for reasoning, expected in (
        ("auto", [False, True]),
        (True, [True, True]),
        (False, [False, False]),
    ):
        fields = {"domain": "general", "grader": "judge", "columns": columns}
        found = problems(hub("chat", reasoning=reasoning, **fields))
        assert [one.reasoning for one in found] == expected
