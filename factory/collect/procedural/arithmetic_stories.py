"""The stories that arithmetic problems are told in: formula, ranges of the numbers, texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from factory.collect.procedural.expressions import Expression, Number, Step

NAMES: Final = (
    *("Anna", "Ben", "Clara", "David", "Emma", "Felix", "Gina", "Hugo"),
    *("Ida", "Jonas", "Kira", "Leo", "Maria", "Noah", "Olga", "Paul"),
)
THINGS: Final = (
    *("apples", "books", "cards", "coins", "eggs", "pens"),
    *("shells", "stamps", "stones", "tickets"),
)


@dataclass(frozen=True)
class Story:
    """One formula with the texts that tell it; the first text decides whether things are counted.

    Placeholders: `{n}` and `{m}` are names, `{things}` what is counted, the others numbers.
    """

    formula: Callable[[Mapping[str, Number]], Expression]
    ranges: Mapping[str, tuple[int, int]]
    texts: tuple[str, ...]
    products: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Numbers that are the product of two others, so that a division comes out whole."""


STORIES: Final = (
    Story(
        lambda v: Step(Step(v["a"], "+", v["b"]), "-", v["c"]),
        {"a": (5, 50), "b": (3, 40), "c": (2, 30)},
        (
            "{n} has {a} {things} and gets {b} more. Then {n} loses {c}. "
            "How many {things} does {n} have now?",
            "{m} gives {n} {b} {things}. {n} had {a} before and then sells {c}. "
            "How many {things} are left?",
        ),
    ),
    Story(
        lambda v: Step(Step(v["a"], "-", v["b"]), "+", v["c"]),
        {"a": (20, 80), "b": (2, 40), "c": (2, 30)},
        (
            "{n} has {a} {things}, gives {b} to {m} and finds {c}. "
            "How many {things} does {n} have now?",
            "There are {a} {things} in a box. {n} takes {b} out and puts {c} in. "
            "How many {things} are in the box?",
        ),
    ),
    Story(
        lambda v: Step(Step(v["a"], "-", v["b"]), "-", v["c"]),
        {"a": (30, 99), "b": (2, 40), "c": (2, 30)},
        (
            "{n} has {a} {things}. {n} gives {b} to {m} and loses {c}. How many {things} are left?",
            "A shop has {a} {things}. It sells {b} on Monday and {c} on Tuesday. "
            "How many {things} are left?",
        ),
    ),
    Story(
        lambda v: Step(Step(v["a"], "+", v["b"]), "+", v["c"]),
        {"a": (3, 40), "b": (3, 30), "c": (3, 20)},
        (
            "{n} finds {a} {things}, then {b}, then {c}. How many {things} is that in all?",
            "A shop sells {a} {things} on Monday, {b} on Tuesday and {c} on Friday. "
            "How many {things} in all?",
        ),
    ),
    Story(
        lambda v: Step(Step(v["a"], "*", v["b"]), "+", v["c"]),
        {"a": (2, 9), "b": (2, 9), "c": (2, 30)},
        (
            "{n} has {a} bags with {b} {things} each and {c} more. "
            "How many {things} does {n} have?",
            "There are {a} boxes of {b} {things}, and {n} brings {c} {things}. "
            "How many {things} are there in all?",
        ),
    ),
    Story(
        lambda v: Step(Step(v["a"], "*", v["b"]), "-", v["c"]),
        {"a": (2, 9), "b": (2, 9), "c": (2, 30)},
        (
            "{n} has {a} bags with {b} {things} each and gives {c} to {m}. "
            "How many {things} are left?",
            "There are {a} boxes of {b} {things}. {n} takes {c}. How many {things} are left?",
        ),
    ),
    Story(
        lambda v: Step(Step(v["p"], "/", v["a"]), "+", v["c"]),
        {"a": (2, 9), "b": (2, 9), "c": (2, 30)},
        (
            "{a} friends share {p} {things} equally. {n} is one of them and had {c} before. "
            "How many {things} does {n} have now?",
            "{n} puts {p} {things} into {a} equal bags, and {c} more into the first. "
            "How many {things} are in the first bag?",
        ),
        {"p": ("a", "b")},
    ),
    Story(
        lambda v: Step(Step(v["a"], "+", v["b"]), "/", v["c"]),
        {"a": (4, 40), "b": (4, 40), "c": (2, 9)},
        (
            "{n} has {a} {things} and {m} has {b}. They share all of them equally among {c} "
            "friends. How many {things} does each friend get?",
        ),
    ),
    Story(
        lambda v: Step(Step(v["a"], "-", v["b"]), "/", v["c"]),
        {"a": (20, 80), "b": (2, 40), "c": (2, 9)},
        (
            "{n} has {a} {things}, keeps {b} and shares the rest equally among {c} friends. "
            "How many {things} does each friend get?",
        ),
    ),
    Story(
        lambda v: Step(v["a"], "+", Step(v["a"], "*", v["b"])),
        {"a": (2, 9), "b": (2, 9)},
        (
            "{n} has {a} {things}. {m} has {b} times as many. "
            "How many {things} do they have together?",
        ),
    ),
    Story(
        lambda v: Step(v["a"], "+", Step(v["a"], "+", v["b"])),
        {"a": (3, 40), "b": (2, 20)},
        (
            "{n} has {a} {things}. {m} has {b} more than {n}. "
            "How many {things} do they have together?",
        ),
    ),
    Story(
        lambda v: Step(Step(v["a"], "*", v["b"]), "+", Step(v["c"], "*", v["d"])),
        {"a": (2, 9), "b": (2, 9), "c": (2, 9), "d": (2, 9)},
        (
            "{n} buys {a} pens at {b} dollars each and {c} books at {d} dollars each. "
            "How many dollars does {n} pay?",
            "A class has {a} rows of {b} seats and {c} rows of {d} seats. "
            "How many seats are there?",
        ),
    ),
    Story(
        lambda v: Step(v["a"], "-", Step(v["b"], "*", v["c"])),
        {"a": (30, 100), "b": (2, 9), "c": (2, 9)},
        (
            "{n} has {a} dollars and buys {b} books at {c} dollars each. "
            "How many dollars are left?",
            "{n} has {a} dollars and pays {b} dollars a day for {c} days. "
            "How many dollars are left?",
        ),
    ),
)
