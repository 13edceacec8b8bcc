"""Degenerate loops: a block of words, or of characters where there are no spaces, over and over.

Covered: a block of at most `LONGEST_BLOCK` words that stands at least `REPEATS` times in direct
succession and so fills at least `LOOP_WORDS` words (`LOOP_WORDS_BARE` where the block has no
letter: columns of zeros and rules of tables are ordinary). In a run without a space (Chinese text,
a long number) the same holds for characters, with `LOOP_CHARACTERS`.

Not covered: a loop in which something changes each time (a counter), and whole passages that come
back with other text between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

LONGEST_BLOCK: Final = 64
REPEATS: Final = 8
LOOP_WORDS: Final = 48
LOOP_WORDS_BARE: Final = 256
LOOP_CHARACTERS: Final = 256


def loop_in(text: str) -> str:
    """The first loop: how often which block stands, `9 x "so we get"`; empty where none is."""
    words = text.split()
    for start, block, length in _loops(words):
        repeated = " ".join(words[start : start + block])
        bare = not any(character.isalpha() for character in repeated)
        if length >= (LOOP_WORDS_BARE if bare else LOOP_WORDS):
            return f'{length // block} x "{repeated[:80]}"'
    for run in (word for word in words if len(word) >= LOOP_CHARACTERS):
        for start, block, length in _loops(run):
            if length >= LOOP_CHARACTERS:
                return f'{length // block} x "{run[start : start + block]}"'
    return ""


def _loops(items: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """(start, items in the block, items in all) of every block that stands `REPEATS` times.

    Smallest blocks first, each from left to right.
    """
    if len(items) < LOOP_WORDS:
        return
    array = np.fromiter(map(hash, items), np.int64, len(items))  # only compared for equality
    for block in range(1, min(LONGEST_BLOCK, len(items) // REPEATS) + 1):
        same = array[block:] == array[:-block]
        wanted = block * (REPEATS - 1)
        if np.count_nonzero(same) < wanted:
            continue
        breaks = np.flatnonzero(np.concatenate(([True], ~same, [True])))
        runs = np.diff(breaks) - 1
        for found in np.flatnonzero(runs >= wanted):
            yield int(breaks[found]), block, int(runs[found]) + block
