"""What the trainings and the files of a run take: GPU-hours, money and disk, by the assumptions of
`factory.plan.models` and the constants here. Nothing of it is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from factory.plan.asked import Asked
from factory.plan.counts import times, total
from factory.plan.models import size_of, train_tokens_per_s
from schemas.recipe import Recipe
from schemas.row import Row
from schemas.train_settings import Train

DRAWN_BYTES_PER_TOKEN: Final = 1.2
"""Four bytes of text, packed to 28% in the parts, which the store shares, and 2% for its index.
While they are drawn they are in the store's own blocks too, 33% more."""
LEARNED_BYTES_PER_TOKEN: Final = 3.4
"""The same packed to 28% in the artifact of select and in two configs of the dataset."""
CHECKPOINT_BYTES_PER_PARAMETER: Final = 14
"""Weights in 16 bits, a copy in 32 bits and two moments of AdamW."""


class Taught(Row):
    """What the training of one student takes."""

    student: str
    base: str
    tokens: int | None
    """Over all epochs, prompts left out."""
    tokens_per_s: float | None
    gpu_hours: float | None
    cost: float | None


def taught_of(
    train: Train | None, samples: int | None, each: int, price: float | None
) -> list[Taught]:
    """One per student; `samples` rows of `each` tokens are learned, `price` is of a GPU-hour."""
    found: list[Taught] = []
    for student in train.students if train else []:
        assert train
        base = student.base if isinstance(student.base, str) else "random weights"
        tokens = times(samples, min(each, train.max_length_tokens) * student.epochs) or None
        speed = train_tokens_per_s(base, recomputes=train.gradient_checkpointing)
        hours = None if speed is None or tokens is None else tokens / speed / 3600
        found.append(
            Taught(
                student=student.name,
                base=base,
                tokens=tokens,
                tokens_per_s=speed,
                gpu_hours=hours,
                cost=None if hours is None or price is None else hours * price,
            )
        )
    return found


def disk_of(
    recipe: Recipe, asked: Sequence[Asked], samples: int | None, each: int
) -> dict[str, float]:
    """Bytes by what takes them; what is unknown is left out."""
    found: dict[str, float] = {}
    drawn = total([one.tokens for one in asked if one.draws or one.role == "rewrite"])
    if drawn:
        found["candidates"] = drawn * DRAWN_BYTES_PER_TOKEN
    if samples and each:
        found["dataset"] = samples * each * LEARNED_BYTES_PER_TOKEN
    names = {one.model for one in asked if one.engine == "vllm"}
    sizes = [size.weight_bytes for name in sorted(names) if (size := size_of(name))]
    if sizes:
        found["weights of models"] = sum(sizes)
    students = [
        size.parameters
        for student in (recipe.train.students if recipe.train else [])
        if isinstance(student.base, str) and (size := size_of(student.base))
    ]
    if students:
        found["students"] = sum(students) * 2 + max(students) * CHECKPOINT_BYTES_PER_PARAMETER
    return found
