"""Drills: many small sums in one lesson, which teach a small model to copy numbers and to add.

Only sums whose skeleton belongs to the split `bootstrap` are drilled, so that no held-out problem
of one step is among them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from factory.collect.procedural.arithmetic_traces import worked
from factory.collect.procedural.expressions import Number, Operation, Step, plain, skeleton
from factory.collect.procedural.splits import split_of

_SUMS: Final = 8
_LARGEST: Final = 100


def drills(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Prompts of eight sums with their results, worked out as the traces do it."""
    rng = random.Random(f"drills {seed}")
    for _ in range(count):
        sums = [_sum(rng) for _ in range(_SUMS)]
        asked = ", ".join(f"{plain(s.left.value)}{s.operation}{plain(s.right.value)}" for s in sums)
        yield f"Work out: {asked}", ". ".join(worked(rng, s, plain) for s in sums) + "."


def _sum(rng: random.Random) -> Step:
    while True:
        operation: Operation = rng.choice(("+", "-", "*", "/"))
        if operation in "+-":
            left, right = rng.randint(2, _LARGEST), rng.randint(1, 50)
        else:
            left, right = rng.randint(2, 9), rng.randint(2, 9)
            if operation == "/":
                left *= right
        step = Step(Number(str(left)), operation, Number(str(right)))
        if 0 < step.value <= _LARGEST and split_of("arithmetic", skeleton(step)) == "bootstrap":
            return step
