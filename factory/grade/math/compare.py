"""Two answers as text -> equal or not: the tiers that need no worker, and the way to those that do.

Cheap on any input: long texts are compared as they stand, trees and numbers are bounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from factory.grade.math.equal import Same, equal
from factory.grade.math.exact import exact
from factory.grade.math.normalise import MAX_CHARS, normalise, squeeze, squeeze_number
from factory.grade.math.parse import Unreadable, parse
from factory.grade.math.tree import Node
from schemas.verdict import Status


@dataclass(frozen=True)
class Finding:
    """What one comparison found."""

    status: Status
    method: str
    detail: str = ""


class Hard(Exception):  # noqa: N818 - a finding, not a failure
    """The answer of the cheap tiers: this pair needs the worker."""


@lru_cache(maxsize=2048)
def spelling(text: str) -> str:
    """The string of the first tier."""
    return squeeze(normalise(text))


def settle(gold: str, answer: str) -> Finding | None:
    """The finding of the cheap tiers; None where the pair needs the worker."""
    gold, answer = gold.strip(), answer.strip()
    if len(gold) > MAX_CHARS or len(answer) > MAX_CHARS:
        return _long(gold, answer)
    if spelling(gold) == spelling(answer) != "":
        return Finding(Status.CORRECT, "string")
    try:
        readings = parse(answer)
    except Unreadable as error:
        return Finding(Status.UNPARSABLE, "parse", f"answer: {error}")
    try:
        golds = parse(gold)
    except Unreadable as error:
        return Finding(Status.INCORRECT, "string", f"gold: {error}; only its spelling is compared")
    try:
        if any_equal(golds, readings, _needs_worker):
            return Finding(Status.CORRECT, _method(golds, readings))
    except (Hard, RecursionError):
        return None
    return Finding(Status.INCORRECT, _method(golds, readings))


def any_equal(golds: tuple[Node, ...], answers: tuple[Node, ...], same: Same) -> bool:
    """Whether any reading of the gold equals any of the answer."""
    return any(equal(gold, answer, same) for gold in golds for answer in answers)


def _needs_worker(gold: Node, answer: Node) -> bool:
    raise Hard


def _method(golds: tuple[Node, ...], answers: tuple[Node, ...]) -> str:
    numbers = exact(golds[0]) is not None and exact(answers[0]) is not None
    return "rational" if numbers else "structure"


def _long(gold: str, answer: str) -> Finding:
    if gold == answer:
        return Finding(Status.CORRECT, "string")
    if _whole(gold) and _whole(answer):
        same = squeeze_number(gold) == squeeze_number(answer)
        return Finding(Status.CORRECT if same else Status.INCORRECT, "rational")
    if len(answer) > MAX_CHARS:
        return Finding(
            Status.UNPARSABLE, "parse", f"answer: {len(answer)} characters, at most {MAX_CHARS}"
        )
    return Finding(Status.INCORRECT, "string", f"gold: {len(gold)} characters")


def _whole(text: str) -> bool:
    return re.fullmatch(r"[-+]?[\d,]+", text) is not None
