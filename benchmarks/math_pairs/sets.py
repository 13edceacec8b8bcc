"""The sets of items that are graded: real responses, made pairs, long responses, hard pairs."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, Final

from factory.recipe_file import data_root

from .pair import Pair
from .ways import Item

SEED: Final = 0
BY_HAND: Final = ("hard", "blind")
_REPEATS: Final = 8


def gsm8k() -> list[Item]:
    """The worked solutions of GSM8K as responses, each to its own gold: all are right."""
    answers = [row["answer"] for part in ("test", "train") for row in _rows(f"gsm8k/{part}.jsonl")]
    return [Item(answer.rpartition("####")[2].strip(), answer, equal=True) for answer in answers]


def generations() -> list[tuple[str, Item]]:
    """(where, item) of each response to MATH, with the label that came with it."""
    return [
        (f"{row['problem_id']}/{index}", Item(row["gold"], response, equal=label))
        for row in _rows("generations/qwen2.5-math_cot.jsonl")
        for index, (response, label) in enumerate(zip(row["responses"], row["labels"], strict=True))
    ]


def long_responses(items: list[Item]) -> list[Item]:
    """The same responses with the reasoning before the line of the last box eight times."""
    return [Item(item.gold, _longer(item.response), item.equal) for item in items]


def _longer(response: str) -> str:
    end = response.rfind("\\boxed")
    start = response.rfind("\n", 0, end if end >= 0 else len(response)) + 1
    return response[:start] * _REPEATS + response[start:]


def math_pairs() -> list[Pair]:
    """The pairs made from the golds of MATH, each once, shuffled."""
    from .rewrite import pairs  # it needs sympy, which must not be in a process that is measured

    found = pairs()
    random.Random(SEED).shuffle(found)
    return found


def by_hand(name: str) -> list[Pair]:
    """The pairs of `NAME.jsonl`, labelled by hand, in order."""
    text = (Path(__file__).parent / f"{name}.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    return [Pair(row["kind"], row["gold"], row["answer"], row["equal"]) for row in rows]


def items_of(pairs: list[Pair]) -> list[Item]:
    """Each answer in a box."""
    return [Item(pair.gold, f"\\boxed{{{pair.answer}}}", pair.equal) for pair in pairs]


def _rows(path: str) -> list[dict[str, Any]]:
    lines = (data_root() / path).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
