"""Arithmetic problems with a boxed answer: stories, equations, fractions, decimals, percentages.

Numbers stay small (results up to 100), because the embedded teacher is a very small model.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Final

from factory.collect.procedural.arithmetic_stories import NAMES, STORIES, THINGS
from factory.collect.procedural.arithmetic_traces import Answer, write_trace
from factory.collect.procedural.expressions import (
    Expression,
    Number,
    Step,
    decimal,
    latex,
    plain,
    skeleton,
    steps_in_order,
)
from factory.collect.procedural.splits import Drawn

_LARGEST: Final = 100


@dataclass(frozen=True)
class _Shape:
    expression: Expression
    statement: str
    category: str
    unknown: str = ""
    """Name of the unknown of an equation."""
    unit: str = ""
    """What is counted, for answers in words."""
    as_decimal: bool = False


def draw(rng: random.Random) -> Drawn:
    """One problem of any kind; the same generator state gives the same problem."""
    kinds: list[Callable[[random.Random], _Shape]] = [_story, _equation, _fraction, _decimal]
    make = rng.choices(kinds, weights=[50, 22, 14, 14])[0]
    shape = make(rng)
    while not _is_small(shape.expression, whole=make in (_story, _equation)):
        shape = make(rng)
    value = shape.expression.value
    answer = Answer(
        boxed=decimal(value) if shape.as_decimal else latex(value),
        unknown=shape.unknown,
        unit=shape.unit,
        write=decimal if shape.as_decimal else plain,
    )
    return Drawn(
        skeleton=skeleton(shape.expression),
        statement=shape.statement,
        gold=answer.boxed,
        category=shape.category,
        level=str(len(steps_in_order(shape.expression))),
        solution=write_trace(random.Random(shape.statement), shape.expression, answer, think=False),
        trace=partial(write_trace, expression=shape.expression, answer=answer),
    )


def _is_small(expression: Expression, *, whole: bool) -> bool:
    """Every result on the way lies in 1 to 100 and, where asked, is a whole number."""
    for step in steps_in_order(expression):
        if not 0 < step.value <= _LARGEST or (whole and step.value.denominator != 1):
            return False
    return True


def _small(rng: random.Random, low: int, high: int) -> Number:
    return Number(str(rng.randint(low, high)))


def _story(rng: random.Random) -> _Shape:
    story = rng.choice(STORIES)
    numbers = {key: _small(rng, low, high) for key, (low, high) in story.ranges.items()}
    for product, (left, right) in story.products.items():
        numbers[product] = Number(str(int(numbers[left].text) * int(numbers[right].text)))
    first, second = rng.sample(NAMES, 2)
    unit = rng.choice(THINGS)
    words = {key: number.text for key, number in numbers.items()}
    return _Shape(
        expression=story.formula(numbers),
        statement=rng.choice(story.texts).format(n=first, m=second, things=unit, **words),
        category="word-problem",
        unit=unit if "{things}" in story.texts[0] else "",
    )


def _equation(rng: random.Random) -> _Shape:
    x = rng.choice("xyzn")
    a, b, c = _small(rng, 2, 9), _small(rng, 1, 30), _small(rng, 2, 9)
    product = Number(str(int(a.text) * int(c.text)))
    above = Number(str(int(product.text) + int(b.text)))
    below = Number(str(abs(int(product.text) - int(b.text))))
    shift = Number(str(int(c.text) + int(b.text)))
    sides, expression = rng.choice(
        [
            (f"{x} + {b.text} = {shift.text}", Step(shift, "-", b)),
            (f"{x} - {b.text} = {c.text}", Step(c, "+", b)),
            (f"{shift.text} - {x} = {b.text}", Step(shift, "-", b)),
            (f"{a.text}{x} = {product.text}", Step(product, "/", a)),
            (f"{a.text}{x} + {b.text} = {above.text}", Step(Step(above, "-", b), "/", a)),
            (f"{a.text}{x} - {b.text} = {below.text}", Step(Step(below, "+", b), "/", a)),
            (f"{x}/{a.text} + {b.text} = {shift.text}", Step(Step(shift, "-", b), "*", a)),
        ]
    )
    ask = rng.choice(["Solve for {x}: {e}", "Find {x} if {e}.", "What is {x} when {e}?"])
    return _Shape(expression, ask.format(x=x, e=sides), "equation", unknown=x)


def _fraction(rng: random.Random) -> _Shape:
    if rng.random() < 0.4:
        under, times = rng.randint(2, 9), rng.randint(2, 9)
        over, whole = rng.randint(1, under - 1), Number(str(under * times))
        expression: Expression = Step(Step(whole, "/", Number(str(under))), "*", Number(str(over)))
        texts = ["What is {f} of {w}?", "Find {f} of {w}.", "Compute {f} of {w}."]
        statement = rng.choice(texts).format(f=f"{over}/{under}", w=whole.text)
        return _Shape(expression, statement, "fraction")
    under = rng.randint(2, 9)
    other = under * rng.choice([1, 1, 2])
    left, right = Number(_part(rng, under)), Number(_part(rng, other))
    operation = "+" if rng.random() < 0.6 or left.value <= right.value else "-"
    texts = ["Compute {e} as a reduced fraction.", "What is {e}, reduced?"]
    statement = rng.choice(texts).format(e=f"{left.text} {operation} {right.text}")
    return _Shape(Step(left, operation, right), statement, "fraction")


def _part(rng: random.Random, under: int) -> str:
    return f"{rng.randint(1, under - 1)}/{under}"


def _decimal(rng: random.Random) -> _Shape:
    if rng.random() < 0.3:
        percent, parts = rng.choice([(10, 10), (20, 5), (25, 4), (50, 2), (75, 4)])
        whole = Number(str(parts * rng.randint(2, 20)))
        expression: Expression = Step(whole, "/", Number(str(parts)))
        if percent == 75:
            expression = Step(expression, "*", Number("3"))
        statement = rng.choice(["What is {p}% of {w}?", "Find {p}% of {w}."])
        return _Shape(expression, statement.format(p=percent, w=whole.text), "percentage")
    left, right = (Number(decimal(Fraction(rng.randint(1, 60), 10))) for _ in range(2))
    if rng.random() < 0.3:
        times = rng.randint(2, 6)
        statement = (
            f"{rng.choice(NAMES)} buys {times} pens at {left.text} dollars each. "
            "How many dollars is that?"
        )
        return _Shape(Step(Number(str(times)), "*", left), statement, "decimal", as_decimal=True)
    operation = "+" if rng.random() < 0.6 or left.value <= right.value else "-"
    statement = rng.choice(["Compute {e}.", "What is {e}?"])
    expression = Step(left, operation, right)
    return _Shape(
        expression,
        statement.format(e=f"{left.text} {operation} {right.text}"),
        "decimal",
        as_decimal=True,
    )
