"""Drills: many small sums, or many small pieces of code, in one lesson.

They teach a small model to copy numbers, to add, and which code says what, before it is shown how
a whole problem is solved. Only sums whose skeleton belongs to the split `bootstrap` are drilled, so
that no held-out problem of one step is among them; a piece of code alone is no program.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Final

from factory.collect.procedural.arithmetic_traces import bare, worked
from factory.collect.procedural.expressions import (
    Number,
    Operation,
    Step,
    decimal,
    plain,
    skeleton,
)
from factory.collect.procedural.python_programs import INPUTS
from factory.collect.procedural.splits import split_of

_SUMS: Final = 8
_PIECES: Final = 6
_LARGEST: Final = 100


def sum_drills(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Prompts of eight sums with their results, worked out as the traces do it."""
    rng = random.Random(f"drills {seed}")
    for _ in range(count):
        kind = rng.choices([_whole, _tenths, _parts], weights=[13, 5, 2])[0]
        sums, write = [_in_bootstrap(rng, kind) for _ in range(_SUMS)], plain
        if kind is _tenths:
            write = decimal
        asked = ", ".join(bare(step, write) for step in sums)
        yield f"Work out: {asked}", ". ".join(worked(rng, step, write) for step in sums) + "."


def code_drills(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Prompts of six phrases out of python tasks, each answered with its code."""
    rng = random.Random(f"code drills {seed}")
    for _ in range(count):
        kind = rng.choice(list(INPUTS.values()))
        filters, maps, folds = kind.filters(), kind.maps(), kind.folds()
        pieces: list[tuple[str, str]] = []
        for _ in range(_PIECES):
            step = rng.choice(rng.choice((filters, maps, folds)))
            pieces.append((step.says.removeprefix("are "), step.code.format("...")))
        asked = "; ".join(says for says, _ in pieces)
        yield f"Put into code: {asked}", ". ".join(f"{says}: {code}" for says, code in pieces) + "."


def _in_bootstrap(rng: random.Random, kind: Callable[[random.Random], Step]) -> Step:
    while True:
        step = kind(rng)
        small = 0 < step.value <= _LARGEST
        if small and split_of("arithmetic", skeleton(step)) == "bootstrap":
            return step


def _whole(rng: random.Random) -> Step:
    operation: Operation = rng.choice(("+", "-", "*", "/"))
    if operation in "+-":
        left, right = rng.randint(2, _LARGEST), rng.randint(1, 50)
    else:
        left, right = rng.randint(2, 9), rng.randint(2, 9)
        if operation == "/":
            left *= right
    return Step(Number(str(left)), operation, Number(str(right)))


def _tenths(rng: random.Random) -> Step:
    left, right = (Number(decimal(Fraction(rng.randint(1, 60), 10))) for _ in range(2))
    if rng.random() < 0.25:
        return Step(Number(str(rng.randint(2, 6))), "*", left)
    return Step(left, rng.choice(("+", "-")), right)


def _parts(rng: random.Random) -> Step:
    under = rng.randint(2, 9)
    other = under * rng.choice([1, 1, 2])
    left, right = (Number(f"{rng.randint(1, one - 1)}/{one}") for one in (under, other))
    return Step(left, rng.choice(("+", "-")), right)
