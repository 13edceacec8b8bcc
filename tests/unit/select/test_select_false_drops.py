"""False drops: solutions that people wrote must pass, at most 1% per rule may fall; and what is
planted into them must not pass."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pytest

from factory.recipe_file import data_root
from factory.select.rules import RULES, Case, Rule, first_drop
from factory.select.runs import may_repeat
from schemas.candidate import FinishReason
from schemas.problem import Domain
from schemas.sample import Drop
from schemas.select_settings import Select

AT_MOST = 0.01
ROWS = 2500
PLANTED = 300


def lines(path: Path) -> Iterator[dict[str, str]]:
    with open(path, encoding="utf-8") as file:
        yield from map(json.loads, file)


def case(statement: str, gold: str, solution: str, answer: str) -> Case:
    text = f"<think>\n{solution}\n</think>\n\n{answer}"
    return Case(statement, gold, Domain.MATH, True, text, FinishReason.STOP, None)


def gsm8k(root: Path) -> Iterator[Case]:
    for row in lines(root / "gsm8k" / "train.jsonl"):
        solution, _, gold = row["answer"].partition("\n#### ")
        yield case(row["question"], gold, solution, gold)


def math(root: Path) -> Iterator[Case]:
    for row in lines(root / "math" / "test.jsonl"):
        gold = last_box(row["solution"])
        yield case(row["problem"], gold, row["solution"], f"\\boxed{{{gold}}}")


def last_box(solution: str) -> str:
    rest = solution.rpartition("\\boxed{")[2]
    depth = 1
    for place, character in enumerate(rest):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return rest[:place]
    return rest


SETS = {"gsm8k": gsm8k, "math": math}


@cache
def cases(name: str) -> list[Case]:
    """As the stage makes them: with the quick look for repetition."""
    root = data_root()
    if not (root / name).is_dir():
        pytest.skip(f"no data at {root / name}; set RETORT_DATA")
    found = list(islice(SETS[name](root), ROWS))
    signs = may_repeat(pa.array([one.text for one in found], pa.large_string()))
    return [replace(one, may_repeat=bool(sign)) for one, sign in zip(found, signs, strict=True)]


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(("reason", "rule"), RULES)
def test_a_rule_drops_at_most_one_percent_of_human_solutions(
    name: str, reason: Drop, rule: Rule
) -> None:
    dropped = [found for one in cases(name) if (found := rule(one, Select()))]
    print(f"{name} {reason}: {len(dropped)} of {len(cases(name))}")
    assert len(dropped) <= AT_MOST * len(cases(name)), dropped[:5]


def mixed(trace: str, rng: random.Random) -> str:
    words = trace.split(" ")
    words.insert(rng.randrange(len(words)), "所以我们再看一遍")
    return " ".join(words)


def long_paragraph(trace: str, rng: random.Random) -> str:
    words = [word for word in trace.split() if word.isalpha()] or ["so"]
    words += [str(number) for number in range(50)]
    return " ".join(rng.choice(words) for _ in range(1800))


def with_code(trace: str, rng: random.Random) -> str:
    return f"{trace}\n```python\nprint({rng.randrange(99)})\n```\n{trace[:80]}"


def looping(trace: str, rng: random.Random) -> str:
    start = rng.randrange(max(1, len(trace) - 80))
    block = trace[start : start + 80].strip() or "so"
    return f"{trace} {f'{block} and again ' * 20}"


def counting(trace: str, rng: random.Random) -> str:
    first = rng.randrange(100, 900)
    steps = (f"Check {n}: we look at the number {n} once more." for n in range(first, first + 60))
    return f"{trace}\n\n" + "\n\n".join(steps)


def coming_back(trace: str, rng: random.Random) -> str:
    passage = (trace.split() * 20)[:120]
    pieces: list[str] = []
    for number in range(6):
        pieces += [*passage, *(f"{number}{rng.random()}" for _ in range(20)), "\n\n"]
    return " ".join(pieces)


PLANTS: dict[str, tuple[Drop, Callable[[str, random.Random], str]]] = {
    "mixed": (Drop.MIXED_LANGUAGE, mixed),
    "paragraph": (Drop.LONG_PARAGRAPH, long_paragraph),
    "code": (Drop.CODE_BLOCK, with_code),
    "loop": (Drop.REPETITION, looping),
    "count": (Drop.REPETITION, counting),
    "passages": (Drop.REPETITION, coming_back),
}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("plant", PLANTS)
def test_what_is_planted_into_human_solutions_is_found(name: str, plant: str) -> None:
    rng = random.Random(plant)
    reason, change = PLANTS[plant]
    planted: list[Case] = []
    for one in cases(name)[:PLANTED]:
        answer = one.text.partition("</think>")[2]
        planted.append(case(one.statement, one.gold, change(one.trace, rng), answer))
    signs = may_repeat(pa.array([one.text for one in planted], pa.large_string()))
    missed = [
        one.trace
        for one, sign in zip(planted, signs, strict=True)
        if (first_drop(replace(one, may_repeat=bool(sign)), Select()) or ("",))[0] is not reason
    ]
    assert not missed, missed[:2]


@pytest.mark.parametrize("name", SETS)
def test_the_answer_alone_of_a_human_solution_is_without_work(name: str) -> None:
    said = [
        case(one.statement, one.gold, f"The final answer is ${one.gold}$.\n" * times, one.gold)
        for one in cases(name)[:PLANTED]
        for times in (1, 6)
    ]
    kept = [one.trace for one in said if first_drop(one, Select()) is None]
    assert not kept, kept[:5]
