"""Degenerate loops: a block of words, or of characters where there are no spaces, over and over.

Covered: a block of at most `LONGEST_BLOCK` words that stands at least `REPEATS` times in direct
succession and so fills at least `LOOP_WORDS` words (`LOOP_WORDS_BARE` where the block has no
letter: columns of zeros and rules of tables are ordinary). In a run without a space (Chinese text,
a long number) the same holds for characters, with `LOOP_CHARACTERS`.

Not covered: a loop in which something changes each time (a counter), and whole passages that come
back with other text between them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

LONGEST_BLOCK: Final = 64
REPEATS: Final = 8
LOOP_WORDS: Final = 48
LOOP_WORDS_BARE: Final = 256
LOOP_CHARACTERS: Final = 256

_RUN: Final = re.compile(rf"\S{{{LOOP_CHARACTERS},}}")


def loop_in(text: str) -> str:
    """The first loop: how often which block stands, `9 x "so we get"`; empty where none is."""
    words = text.split()
    found = _loop(words)
    if found is not None:
        start, block, length = found
        words_of_block = words[start : start + block]
        bare = not any(character.isalpha() for word in words_of_block for character in word)
        if length >= (LOOP_WORDS_BARE if bare else LOOP_WORDS):
            return f'{length // block} x "{" ".join(words_of_block)[:80]}"'
    for run in _RUN.findall(text):
        found = _loop(run)
        if found is not None and found[2] >= LOOP_CHARACTERS:
            start, block, length = found
            return f'{length // block} x "{run[start : start + block]}"'
    return ""


def _loop(items: Sequence[str]) -> tuple[int, int, int] | None:
    """(start, block size, length in items) of the longest loop; the smallest block if tied."""
    if len(items) < LOOP_WORDS:
        return None
    codes: dict[str, int] = {}
    array = np.fromiter((codes.setdefault(item, len(codes)) for item in items), dtype=np.int64)
    best: tuple[int, int, int] | None = None
    for block in range(1, min(LONGEST_BLOCK, len(items) // REPEATS) + 1):
        same = array[block:] == array[:-block]
        if np.count_nonzero(same) < block * (REPEATS - 1):
            continue
        breaks = np.flatnonzero(np.concatenate(([True], ~same, [True])))
        gaps = np.diff(breaks) - 1
        widest = int(gaps.argmax())
        length = int(gaps[widest]) + block
        if gaps[widest] >= block * (REPEATS - 1) and (best is None or length > best[2]):
            best = (int(breaks[widest]), block, length)
    return best
