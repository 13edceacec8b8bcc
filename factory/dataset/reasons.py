"""Reasons for which a candidate is dropped, and the keys of the recipe that decide them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Final

from factory.dataset.recipes_compared import MISSING, KeyDifference
from schemas.sample import Drop

VERDICTS: Final = frozenset(
    {
        Drop.INCORRECT,
        Drop.UNPARSABLE,
        Drop.TRUNCATED,
        Drop.ERROR,
        Drop.SYNTAX,
        Drop.TIMEOUT,
        Drop.MEMORY,
        Drop.OUTPUT_LIMIT,
        Drop.NO_MAJORITY,
    }
)
"""Reasons that are verdicts."""
COMPARED_WITH: Final = (
    "shard.decontaminate",
    "shard.contaminated",
    "collect.benchmarks",
    "collect.overlap",
    "validate",
)
DUPLICATES: Final = ("shard.dedupe", "shard.near", "shard.keep")
_PICKED: Final = (
    "select.per_problem",
    "select.pick",
    "select.quota",
    "generate.accepted_wanted",
    "generate.domains",
    "seed",
)
RULED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    Drop.EXCLUDED: ("select.exclude",),
    Drop.REWRITTEN: ("rewrite",),
    Drop.BAD_FORMAT: ("select.require_think", "generate.prompt"),
    Drop.MIXED_LANGUAGE: ("select.mixed_language",),
    Drop.LONG_PARAGRAPH: ("select.max_paragraph_chars",),
    Drop.CODE_BLOCK: ("select.code_block_in_math",),
    Drop.REPETITION: ("select.repetition",),
    Drop.WITHOUT_WORK: ("select.without_work",),
    Drop.TOO_LONG: ("select.max_tokens",),
    Drop.TOO_SHORT: ("select.min_chars",),
    Drop.PASS_RATE: ("select.min_pass_rate", "select.max_pass_rate"),
    Drop.SURPLUS: _PICKED,
    Drop.MERGED: ("select.journeys",),
    Drop.CONTAMINATED_SAMPLE: COMPARED_WITH,
    Drop.EXACT_DUPLICATE: DUPLICATES,
    Drop.NEAR_DUPLICATE: DUPLICATES,
}
"""Reason -> the keys of the recipe that decide it."""

_SMALLER_IS_STRICTER: Final = (
    "select.per_problem",
    "select.quota",
    "select.max_paragraph_chars",
    "select.max_tokens",
    "select.max_pass_rate",
    "shard.near.threshold",
)
_LARGER_IS_STRICTER: Final = (
    "select.require_think",
    "select.mixed_language",
    "select.code_block_in_math",
    "select.repetition",
    "select.without_work",
    "select.min_chars",
    "select.min_pass_rate",
    "shard.decontaminate",
)
"""Keys that explain a drop only in the dataset with the stricter value; true is above false."""


def can_drop(key: KeyDifference, *, in_b: bool) -> bool:
    """Whether the value in the dataset that dropped a row can drop more than the other value."""
    values = [_number(text) for text in ((key.b, key.a) if in_b else (key.a, key.b))]
    for begins, sign in ((_SMALLER_IS_STRICTER, 1), (_LARGER_IS_STRICTER, -1)):
        if any(key.key == begin or key.key.startswith(f"{begin}.") for begin in begins):
            here, there = (math.inf if one is None else sign * one for one in values)
            return here < there
    return True


def _number(text: str) -> float | None:
    """The number or truth value of a key; None where there is no bound."""
    value = None if text == MISSING else json.loads(text)
    return float(value) if isinstance(value, int | float) else None
