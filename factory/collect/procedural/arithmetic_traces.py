"""Worked traces of arithmetic: they vary in wording and path, and some notice and mend an error.

A trace ends in the right answer always; what varies is how each step is worked out (at once, or in
tens and ones), whether it is checked, and whether a slip comes first.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Final

from factory.collect.procedural.expressions import Expression, Number, Step, steps_in_order

_SLIPS: Final = 0.05
_CHECKS: Final = 0.15


@dataclass(frozen=True)
class Answer:
    """The final answer and how to speak of it."""

    boxed: str
    unknown: str
    unit: str
    write: Callable[[Fraction], str]


def write_trace(
    rng: random.Random, expression: Expression, answer: Answer, think: bool = True
) -> str:
    """A correct completion: `<think>` with the steps, then the boxed answer.

    Without `think` it is the plain worked solution: no slips, no checks.
    """
    steps = steps_in_order(expression)
    lines: list[str] = []
    for number, step in enumerate(steps):
        last = number == len(steps) - 1
        lines.append(_line(rng, step, answer, last=last, plainly=not think))
    final = _final(rng, answer)
    if not think:
        return " ".join([*lines, final])
    opening = rng.choice(["", "", "Let me think. ", "Step by step. "])
    check = ""
    if rng.random() < _CHECKS:
        check = "\n" + _check(rng, steps[-1], answer)
    joint = rng.choice(["\n", " "])
    return f"<think>\n{opening}{joint.join(lines)}{check}\n</think>\n\n{final}"


def _line(rng: random.Random, step: Step, answer: Answer, *, last: bool, plainly: bool) -> str:
    lead = rng.choice(["", "", "Then ", "So "])
    if last and answer.unknown and rng.random() < 0.5:
        lead = f"{answer.unknown} = "
    text = worked(rng, step, answer.write)
    slip = ""
    if not plainly and rng.random() < _SLIPS:
        wrong = step.value + rng.choice([-1, 1, 2, 10])
        if wrong > 0:
            slip = f"{bare(step, answer.write)}={answer.write(wrong)}. "
            slip += rng.choice(["Wait, that is wrong. ", "No, check again. ", "Hmm, not right. "])
    return f"{lead}{slip}{text}."


def bare(step: Step, write: Callable[[Fraction], str]) -> str:
    """The operation alone: `12+39`."""
    left, right = (
        side.text if isinstance(side, Number) else write(side.value)
        for side in (step.left, step.right)
    )
    return f"{left}{step.operation}{right}"


def worked(rng: random.Random, step: Step, write: Callable[[Fraction], str]) -> str:
    """`12+39=51`, or the same by tens and ones, over a common denominator, by the inverse."""
    asked, result = bare(step, write), write(step.value)
    left, right = step.left.value, step.right.value
    whole = left.denominator == right.denominator == 1
    if isinstance(step.left, Number) and isinstance(step.right, Number) and "/" in step.left.text:
        return _over_common(step.left.text, step.operation, step.right.text, result)
    if whole and step.operation in "+-" and min(left, right) >= 10 and right % 10 != 0:
        tens = right - right % 10
        middle = left + tens if step.operation == "+" else left - tens
        if middle > 0 and rng.random() < 0.6:
            first = f"{write(left)}{step.operation}{write(tens)}={write(middle)}"
            return f"{first}, {write(middle)}{step.operation}{write(right % 10)}={result}"
    if whole and step.operation == "/" and rng.random() < 0.5:
        return f"{asked}={result} as {write(right)}*{result}={write(left)}"
    return f"{asked}={result}"


def _over_common(left: str, operation: str, right: str, result: str) -> str:
    """`1/2+1/4=2/4+1/4=3/4`; numbers as the statement writes them, perhaps not reduced."""
    over, under = map(int, left.split("/"))
    over_right, under_right = map(int, right.split("/"))
    common = under * under_right // gcd(under, under_right)
    first, second = over * common // under, over_right * common // under_right
    total = f"{first + second if operation == '+' else first - second}/{common}"
    text = f"{left}{operation}{right}"
    if under != under_right:
        text += f"={first}/{common}{operation}{second}/{common}"
    return f"{text}={total}" if total == result else f"{text}={total}={result}"


def _check(rng: random.Random, step: Step, answer: Answer) -> str:
    inverse = {"+": "-", "-": "+", "*": "/", "/": "*"}[step.operation]
    result, left, right = (answer.write(v) for v in (step.value, step.left.value, step.right.value))
    return rng.choice(["Check: ", "To check, "]) + f"{result}{inverse}{right}={left}."


def _final(rng: random.Random, answer: Answer) -> str:
    boxed = f"\\boxed{{{answer.boxed}}}"
    choices = [f"The answer is {boxed}.", boxed]
    if answer.unknown:
        choices.append(f"{answer.unknown} = {boxed}")
    if answer.unit:
        choices.append(f"{boxed} {answer.unit}.")
    return rng.choice(choices)
