"""False drops: solutions that people wrote must pass. At most 1% per rule may fall."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from factory.recipe_file import data_root
from factory.select.rules import RULES, Case, Rule
from schemas.candidate import FinishReason
from schemas.problem import Domain
from schemas.recipe import Select
from schemas.sample import Drop

AT_MOST = 0.01
ROWS = 2500


def lines(path: Path) -> Iterator[dict[str, str]]:
    with open(path, encoding="utf-8") as file:
        yield from map(json.loads, file)


def case(statement: str, gold: str, solution: str) -> Case:
    text = f"<think>\n{solution}\n</think>\n\n{gold}"
    return Case(statement, gold, Domain.MATH, True, text, FinishReason.STOP, None)


def gsm8k(root: Path) -> Iterator[Case]:
    for row in lines(root / "gsm8k" / "train.jsonl"):
        solution, _, gold = row["answer"].partition("\n#### ")
        yield case(row["question"], gold, solution)


def math(root: Path) -> Iterator[Case]:
    for row in lines(root / "math" / "test.jsonl"):
        yield case(row["problem"], "see above", row["solution"])


SETS = {"gsm8k": gsm8k, "math": math}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(("reason", "rule"), RULES)
def test_a_rule_drops_at_most_one_percent_of_human_solutions(
    name: str, reason: Drop, rule: Rule
) -> None:
    root = data_root()
    if not (root / name).is_dir():
        pytest.skip(f"no data at {root / name}; set RETORT_DATA")
    cases = list(islice(SETS[name](root), ROWS))
    dropped = [evidence for one in cases if (evidence := rule(one, Select()))]
    print(f"{name} {reason}: {len(dropped)} of {len(cases)}")
    assert len(dropped) <= AT_MOST * len(cases), dropped[:5]
