"""Why a row is in one dataset and not in the other, or is another there.

A row is explained by where its candidate went in the dataset that lacks it, which that dataset's
ledger says, and by what differs in how the two were made. An explanation names a difference that
*can* have done it; where several could, the nearest to the row is named, and the others are in the
list of all differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from factory.dataset.reasons import COMPARED_WITH, DUPLICATES, RULED_BY, VERDICTS, can_drop
from factory.dataset.recipes_compared import Made
from schemas.sample import Drop, Form


class Cause(StrEnum):
    """What a difference comes from."""

    SOURCE = "source"
    TEACHER = "teacher"
    GRADER = "grader"
    RECIPE = "recipe"
    CODE = "code"
    """A stage's code is of another version."""
    CANDIDATES = "candidates"
    """Other candidates came or went, or were decided otherwise, and this one with them."""


_OF_PROBLEM: Final = {"source", "domain", "category", "problem", "answer", "license"}
_WORDS: Final = {"problem": "statement", "answer": "gold", "messages": "statement"}
_OF_TEACHER: Final = {"generation_model", "finish_reason", "num_tokens"}


@dataclass(frozen=True)
class Other:
    """The dataset that lacks a row."""

    label: str
    """`1.0.0`; `A` or `B` where both have one version."""
    sources: frozenset[str]
    teachers: frozenset[str]
    is_b: bool
    """Whether it is the second of the two."""


@dataclass(frozen=True)
class Lost:
    """What rows that one dataset lacks have in common."""

    stage: str | None
    """Where its ledger says that their candidate went; None: it has no such candidate."""
    reason: str | None
    source: str
    generation_model: str
    form: str
    problem_known: bool
    """Whether it has graded candidates of their problem."""
    in_journey: bool
    """Whether a journey stands in their place there, or in the place of that journey a candidate
    of it."""


def why_lost(lost: Lost, other: Other, made: Made) -> tuple[Cause, str]:
    """Why a dataset lacks rows that the other has: the cause, and what it is in words."""
    if lost.in_journey:
        return _of_keys(made, ("select.journeys", "seed"), "select", "other journeys were drawn")
    if lost.reason in VERDICTS:
        return _verdict(lost, made)
    if lost.reason == Drop.EXCLUDED:
        return Cause.RECIPE, f"{other.label} leaves it out (select.exclude)"
    if lost.reason is not None:
        assert lost.stage is not None
        duplicate = lost.reason in (Drop.EXACT_DUPLICATE, Drop.NEAR_DUPLICATE)
        whose = "cluster" if duplicate else "problem"
        others = f"other candidates of its {whose} came or went"
        keys = [
            one.key
            for one in made.of(*RULED_BY.get(lost.reason, ()))
            if can_drop(one, in_b=other.is_b)
        ]
        return (Cause.RECIPE, _named(keys)) if keys else _of_keys(made, (), lost.stage, others)
    return _not_graded(lost, other, made)


def _verdict(lost: Lost, made: Made) -> tuple[Cause, str]:
    if keys := made.differing("grade"):
        return Cause.GRADER, _named(keys)
    if code := made.code_differs("grade"):
        return Cause.GRADER, code
    if keys := made.differing(f"collect.sources[{lost.source}]"):
        return Cause.SOURCE, _named(keys)
    if "collect" in made.upstream:
        return Cause.SOURCE, "the problems are others"
    if lost.reason == Drop.NO_MAJORITY:
        return Cause.CANDIDATES, "other candidates of its problem voted"
    return Cause.GRADER, "another verdict by the same settings and code"


def _not_graded(lost: Lost, other: Other, made: Made) -> tuple[Cause, str]:
    if lost.source not in other.sources:
        return Cause.SOURCE, f"{other.label} does not collect {lost.source}"
    if not lost.problem_known:
        own = made.differing(f"collect.sources[{lost.source}]")
        if keys := own or made.differing("collect"):
            return Cause.SOURCE, _named(keys)
        if code := made.code_differs("collect"):
            return Cause.CODE, code
        if "collect" in made.upstream:
            return Cause.SOURCE, f"the files of {lost.source} are others"
    if lost.form == Form.REWRITTEN:
        found = _of_keys(made, ("rewrite",), "generate", "another candidate was rewritten")
        if found[0] != Cause.CANDIDATES:
            return found
    if lost.generation_model not in other.teachers:
        return Cause.TEACHER, f"{other.label} has nothing of {lost.generation_model}"
    if keys := made.differing("generate.teacher", "generate.rest.teacher"):
        return Cause.TEACHER, _named(keys)
    others = "fewer candidates were drawn"
    found = _of_keys(made, ("generate", "seed"), "generate", others)
    if found[0] == Cause.CANDIDATES and "generate1" in made.upstream:
        return Cause.TEACHER, "the generations are others"
    return found


def why_changed(columns: str, made: Made) -> tuple[Cause, str]:
    """Why rows differ in these columns (with commas): the cause that comes first, in words."""
    found = [_column(name, set(columns.split(", ")), made) for name in columns.split(", ")]
    return min(found, key=lambda one: list(Cause).index(one[0]))


def _column(name: str, together: set[str], made: Made) -> tuple[Cause, str]:
    if name in _OF_PROBLEM or (name == "messages" and "problem" in together):
        keys = made.differing("collect.sources")
        what = f"the {_WORDS.get(name, name)} of its problem is another"
        return Cause.SOURCE, _named(keys) if keys else what
    if name in _OF_TEACHER:
        return Cause.TEACHER, f"the {name} of the candidate is another"
    if name == "verification_info" or (name == "pass_rate" and "num_generations" not in together):
        keys = made.differing("grade")
        code = made.code_differs("grade")
        return Cause.GRADER, _named(keys) if keys else code or "other verdicts"
    if name == "contamination":
        return _of_keys(made, COMPARED_WITH, "shard", "another overlap was found")
    if name == "dedup_cluster_id":
        return _of_keys(made, DUPLICATES, "shard", "others of its cluster came or went")
    if name == "messages":
        found = _of_keys(made, ("generate.prompt", "generate.rest"), "select", "")
        return found if found[1] else (Cause.TEACHER, "the candidate has another text")
    if name in ("form", "made_of"):
        return _of_keys(made, ("select.journeys", "rewrite"), "select", "it is made otherwise")
    return Cause.CANDIDATES, "another number of candidates of its problem was graded"


def _of_keys(made: Made, begins: Sequence[str], stage: str, else_: str) -> tuple[Cause, str]:
    """Keys of the recipe that differ, else code that differs, else others than the row itself."""
    if keys := made.differing(*begins):
        return Cause.RECIPE, _named(keys)
    if code := made.code_differs(stage):
        return Cause.CODE, code
    return Cause.CANDIDATES, else_


def _named(keys: Sequence[str]) -> str:
    return ", ".join(keys[:4]) + (f" and {len(keys) - 4} more" if len(keys) > 4 else "")
