"""Two answers as text -> equal or not: the tiers that need no worker, and the way to those that do.

Tiers: `string` (equal after normalisation), `rational` (exact fractions), `normal` (normal forms),
`numeric` (refuted at a point in doubles), `normal` again (sines as sums of exponentials),
`structure` (what is no single value). Cheap on any
input: long texts are compared as they stand; trees, numbers and normal forms are bounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final

from factory.grade.math.approximate import differ, real_value
from factory.grade.math.budget import limited
from factory.grade.math.choices import option_text, same_choice
from factory.grade.math.equal import Comparison
from factory.grade.math.exact import exact
from factory.grade.math.infinite import infinite
from factory.grade.math.normalise import MAX_CHARS, MAX_REMEMBERED, normalise, squeeze
from factory.grade.math.parse import DEFAULT as AS_USUAL
from factory.grade.math.parse import Reading, Unreadable, parse
from factory.grade.math.same import same_normal, same_waves
from factory.grade.math.spread import symbols
from factory.grade.math.tree import CONSTANTS, Collection, Function, Node
from factory.grade.math.values import is_decimal, last_place, rounds_to
from factory.grade.math.words import is_time
from schemas.math_policy import MathPolicy
from schemas.verdict import Status


@dataclass(frozen=True, slots=True)
class Finding:
    """What one comparison found."""

    status: Status
    method: str
    detail: str = ""


DEFAULT: Final = MathPolicy()
MAX_COMPARISONS: Final = 3000
"""Comparisons of nodes before a pair is left to a worker, where a deadline holds."""


class Hard(Exception):  # noqa: N818 - a finding, not a failure
    """The answer of the cheap tiers: this pair needs the worker."""


def spelling(text: str) -> str:
    """The string of the first tier."""
    return _spelling(text) if len(text) <= MAX_REMEMBERED else squeeze(normalise(text))


@lru_cache(maxsize=2048)
def _spelling(text: str) -> str:
    return squeeze(normalise(text))


def reading_of(policy: MathPolicy) -> Reading:
    """How texts are read under a policy."""
    return Reading(
        policy.decimal_comma,
        policy.single_brackets,
        policy.ratio_is_fraction,
        policy.letters_commute,
    )


class CheapTiers:
    """The equality of single values without the worker; it notes which tier decided last."""

    def __init__(self, policy: MathPolicy) -> None:
        self.policy = policy
        self.positive = policy.letters == "positive"
        self.method = ""

    def same(self, gold: Node, answer: Node) -> bool:
        """Whether two values are equal.

        Raises:
            Hard: Neither shown nor refuted here.
        """
        if isinstance(gold, Function) and gold.name == "equation":
            raise Hard
        left, right = infinite(gold), infinite(answer)
        if left is not None or right is not None:
            self.method = "structure"
            return left == right
        found = same_normal(gold, answer, positive=self.positive)
        if found is not None:
            self.method = "normal"
            return found or rounded(self.policy, gold, answer)
        if differ(gold, answer, positive=self.positive):
            self.method = "numeric"
            return rounded(self.policy, gold, answer)
        if same_waves(gold, answer, positive=self.positive):
            self.method = "normal"
            return True
        raise Hard


def rounded(policy: MathPolicy, gold: Node, answer: Node) -> bool:
    """Whether one is a decimal to which the other, an irrational constant, rounds or is cut.

    Raises:
        Hard: Doubles are too short to tell.
    """
    for one, other in ((gold, answer), (answer, gold)):
        place = last_place(policy, one)
        if place is None or is_decimal(other) or symbols(other) - CONSTANTS:
            continue
        value, written = real_value(other), exact(one)
        if value is None or written is None:
            continue
        near, error = Fraction(value[0]), Fraction(value[1])
        if 4 * error > place and abs(written - near) <= place + error:
            raise Hard
        found = {rounds_to(written, place, near + shift) for shift in (-error, error)}
        if len(found) > 1:
            raise Hard
        if found.pop():
            return True
    return False


def settle(
    gold: str, answer: str, policy: MathPolicy = DEFAULT, reading: Reading = AS_USUAL
) -> Finding | None:
    """The finding of the cheap tiers; None where the pair needs the worker."""
    gold, answer = gold.strip(), answer.strip()
    if len(gold) > MAX_CHARS or len(answer) > MAX_CHARS:
        return _long(gold, answer)
    if gold == answer != "":
        return Finding(Status.CORRECT, "string")
    try:
        with limited():
            return _settle(gold, answer, policy, reading)
    except Exception:  # noqa: BLE001 - Hard and its kind; a fault of ours is named by the worker
        return None


def _settle(gold: str, answer: str, policy: MathPolicy, reading: Reading) -> Finding:
    """The finding, or an exception where these tiers have none."""
    if policy == DEFAULT and spelling(gold) == spelling(answer) != "":
        return Finding(Status.CORRECT, "string")
    separated = reading.decimal_comma and "," in gold + answer
    if not separated and (integers := _integers(gold, answer)) is not None:
        return integers
    if (chosen := same_choice(normalise(gold), normalise(answer))) is not None:
        return Finding(Status.CORRECT if chosen else Status.INCORRECT, "structure")
    gold = option_text(normalise(gold)) or gold
    try:
        readings = parse(answer, reading)
    except Unreadable as error:
        return Finding(Status.UNPARSABLE, "parse", f"answer: {error}")
    try:
        golds = parse(gold, reading)
    except Unreadable as error:
        return Finding(Status.INCORRECT, "string", f"gold: {error}; only its spelling is compared")
    tiers = CheapTiers(policy)
    equal = any_equal(golds, readings, Comparison(policy, tiers.same, MAX_COMPARISONS))
    method = tiers.method or _method(golds, readings)
    return Finding(Status.CORRECT if equal else Status.INCORRECT, method)


def any_equal(golds: tuple[Node, ...], answers: tuple[Node, ...], comparison: Comparison) -> bool:
    """Whether any reading of the gold equals any of the answer; `1,234` on both sides is one
    number, not two on both."""
    if any(map(is_time, golds)) and any(map(is_time, answers)):
        golds = tuple(filter(is_time, golds))
        answers = tuple(filter(is_time, answers))
    return any(
        comparison.equal(gold, answer)
        for gold in golds
        for answer in answers
        if gold is golds[0] or answer is answers[0] or not isinstance(answer, Collection)
    )


def _method(golds: tuple[Node, ...], answers: tuple[Node, ...]) -> str:
    numbers = exact(golds[0]) is not None and exact(answers[0]) is not None
    return "rational" if numbers else "structure"


def _long(gold: str, answer: str) -> Finding:
    if gold == answer:
        return Finding(Status.CORRECT, "string")
    if (integers := _integers(gold, answer)) is not None:
        return integers
    if len(answer) > MAX_CHARS:
        return Finding(
            Status.UNPARSABLE, "parse", f"answer: {len(answer)} characters, at most {MAX_CHARS}"
        )
    return Finding(Status.INCORRECT, "string", f"gold: {len(gold)} characters")


def _integers(gold: str, answer: str) -> Finding | None:
    """The finding on two integers of any length, compared digit by digit; None on other texts."""
    if not (_whole(gold) and _whole(answer)):
        return None
    same = _digits(gold) == _digits(answer)
    return Finding(Status.CORRECT if same else Status.INCORRECT, "rational")


def _whole(text: str) -> bool:
    """Whether it is an integer, with separators where they belong or without."""
    first, *rest = (text[1:] if text[:1] in ("+", "-") else text).split(",")
    plain = first.isdecimal() and first.isascii()
    return plain and (
        not rest or (len(first) <= 3 and all(len(part) == 3 and part.isdecimal() for part in rest))
    )


def _digits(text: str) -> str:
    digits = text.lstrip("+-").replace(",", "").lstrip("0") or "0"
    return f"-{digits}" if text.startswith("-") and digits != "0" else digits
