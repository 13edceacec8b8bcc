"""Which split a procedural problem belongs to: a hash of its skeleton alone decides.

The skeleton is what makes two problems the same one: numbers and operations for arithmetic (not
names or things), the behaviour of the program for python, the words of the statement for chat.
Each skeleton has exactly one split, so the splits share no problem by construction, whatever the
seeds and counts. Not covered: problems that are merely alike (`3 + 4 - 2` and `3 + 4 - 1`).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from factory.digest import digest

Split = Literal["bootstrap", "train", "heldout"]

_BUCKETS: Final = 100
_BOOTSTRAP_BELOW: Final = 55
_TRAIN_BELOW: Final = 85


@dataclass(frozen=True)
class Drawn:
    """One problem as its family drew it, before it has a source."""

    skeleton: str
    statement: str
    gold: str
    category: str
    level: str
    solution: str
    trace: Callable[[random.Random], str]
    """Writes a correct completion; wording and path vary with the generator that it is given."""


def split_of(family: str, skeleton: str) -> Split:
    """The one split of a skeleton: 55% bootstrap, 30% train, 15% heldout."""
    bucket = int(digest([family, skeleton])[:8], 16) % _BUCKETS
    if bucket < _BOOTSTRAP_BELOW:
        return "bootstrap"
    return "train" if bucket < _TRAIN_BELOW else "heldout"
