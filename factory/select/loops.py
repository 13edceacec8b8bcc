"""Degenerate repetition: blocks that loop, loops that count, passages that come back.

Covered, in words (what stands between white space):

- A block of at most `LONGEST_BLOCK` words that stands at least `REPEATS` times in direct
  succession and so fills at least `LOOP_WORDS` words (`LOOP_WORDS_BARE` where the block has no
  letter: columns of zeros and rules of tables are ordinary). In a run without a space (Chinese
  text, a long number) the same holds for characters, with `LOOP_CHARACTERS`.
- The same where the block is not quite equal, but all that changes is one number, which may stand
  several times and counts by equal steps: at least `COUNTED_REPEATS` times and `COUNTED_WORDS`
  words, only while it has as many digits, and with at least `COUNTED_PROSE` plain words in a block.
  A list in which something else changes, its results say, is no loop.
- Passages with other text between them: of the words with a letter, at least `PASSAGE_WORDS` and
  `PASSAGE_SHARE` of all stand in a run of `RUN_WORDS` words that stood twice before. What comes
  back once is no fault: a draft and its final form are two.

Not covered: a loop in which words change, passages that come back reworded, and passages in
writing systems without spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from factory.select.found import Found

LONGEST_BLOCK: Final = 64
REPEATS: Final = 8
LOOP_WORDS: Final = 48
LOOP_WORDS_BARE: Final = 256
LOOP_CHARACTERS: Final = 256
COUNTED_REPEATS: Final = 24
COUNTED_WORDS: Final = 192
COUNTED_PROSE: Final = 4
RUN_WORDS: Final = 20
PASSAGE_WORDS: Final = 160
PASSAGE_SHARE: Final = 0.3

_SHOWN_CHARS: Final = 80
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(29)
_WORD: Final = re.compile(r"\S+")
_PUNCTUATION: Final = ".,:;!?\"'()*"
_NUMBER: Final = re.compile(r"\d+")
_ALL_DIGITS_ALIKE: Final = bytes.maketrans(b"123456789", b"0" * 9)


def loop_in(text: str) -> Found | None:
    """The first block that loops: how often which one stands, `9 x "so we get"`."""
    words = text.split()
    found = _loop(words) or _counted(words) or _run_in(words)
    return found and _located(found, text)


def passage_in(text: str) -> Found | None:
    """That much of a text has stood there twice before: `420 of 900 words …`."""
    words = text.split()
    if len(words) < 3 * RUN_WORDS:
        return None
    runs = _runs(_hashes(words))
    _, names = np.unique(runs, return_inverse=True)
    again = np.flatnonzero(_earlier(names) >= 2)
    if not again.size:
        return None
    edges = np.zeros(len(words) + 1, np.int64)
    np.add.at(edges, again, 1)
    np.add.at(edges, again + RUN_WORDS, -1)
    covered = np.cumsum(edges)[:-1] > 0
    lettered = np.fromiter(map(_has_letter, words), np.bool_, len(words))
    count, total = int((covered & lettered).sum()), int(lettered.sum())
    least = max(PASSAGE_WORDS, PASSAGE_SHARE * total)
    if count < least:
        return None
    start = int(again[0])
    shown = " ".join(words[start : start + RUN_WORDS])[:_SHOWN_CHARS]
    evidence = f'{count} of {total} words stood there twice before, first "{shown}"'
    return _located((evidence, count / least - 1, start), text)


# ------------------------------------------------------------------------------------------ loops

_Place = tuple[str, float, int]
"""Evidence, margin, and the number of the word where it begins."""


def _loop(words: Sequence[str]) -> _Place | None:
    for start, block, length in _blocks(_hashes(words), REPEATS):
        repeated = " ".join(words[start : start + block])
        least = LOOP_WORDS if _has_letter(repeated) else LOOP_WORDS_BARE
        if length >= least:
            evidence = f'{length // block} x "{repeated[:_SHOWN_CHARS]}"'
            return evidence, length / least - 1, start
    return None


def _counted(words: Sequence[str]) -> _Place | None:
    for start, block, length in _blocks(_hashes(_alike(words)), COUNTED_REPEATS):
        times = length // block
        plain = sum(map(_is_plain, words[start : start + block]))
        if length < COUNTED_WORDS or plain < COUNTED_PROSE:
            continue
        end = start + times * block
        columns = [words[start + place : end : block] for place in range(block)]
        counters = {_counter(column) for column in columns if len(set(column)) > 1}
        if len(counters) == 1 and None not in counters:
            repeated = " ".join(words[start : start + block])[:_SHOWN_CHARS]
            return f'{times} x "{repeated}", counting', length / COUNTED_WORDS - 1, start
    return None


def _counter(words: Sequence[str]) -> tuple[int, int] | None:
    """Start and step, where the words are equal but for one number that counts by equal steps."""
    numbers = [_NUMBER.findall(word) for word in words]
    if any(len(found) != 1 for found in numbers):
        return None
    if len({_NUMBER.sub("0", word) for word in words}) != 1:
        return None
    values = [int(found[0]) for found in numbers]
    steps = {after - before for before, after in pairwise(values)}
    return (values[0], steps.pop()) if len(steps) == 1 else None


def _run_in(words: Sequence[str]) -> _Place | None:
    """A loop of characters in a run without a space."""
    if max(map(len, words), default=0) < LOOP_CHARACTERS:
        return None
    for place, run in enumerate(words):
        if len(run) < LOOP_CHARACTERS:
            continue
        for start, block, length in _blocks(_hashes(run), REPEATS):
            if length >= LOOP_CHARACTERS:
                evidence = f'{length // block} x "{run[start : start + block]}"'
                return evidence, length / LOOP_CHARACTERS - 1, place
    return None


def _blocks(hashes: NDArray[np.uint64], repeats: int) -> Iterator[tuple[int, int, int]]:
    """(start, items in the block, items in all) of every block that stands `repeats` times.

    Smallest blocks first, each from left to right.
    """
    for block in range(1, min(LONGEST_BLOCK, len(hashes) // repeats) + 1):
        same = hashes[block:] == hashes[:-block]
        wanted = block * (repeats - 1)
        if np.count_nonzero(same) < wanted:
            continue
        breaks = np.flatnonzero(np.concatenate(([True], ~same, [True])))
        lengths = np.diff(breaks) - 1
        for found in np.flatnonzero(lengths >= wanted):
            yield int(breaks[found]), block, int(lengths[found]) + block


def _runs(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One hash for each run of `RUN_WORDS` successive words."""
    pairs = _joined(hashes, hashes, 1)
    fours = _joined(pairs, pairs, 2)
    eights = _joined(fours, fours, 4)
    sixteens = _joined(eights, eights, 8)
    return _joined(sixteens, fours, 16)


def _joined(first: NDArray[np.uint64], then: NDArray[np.uint64], gap: int) -> NDArray[np.uint64]:
    """One hash for each item with the one that begins `gap` items after it."""
    count = len(then) - gap
    mixed = first[:count] * _MIX + then[gap:]
    return mixed ^ (mixed >> _SHIFT)


def _earlier(names: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many equal items stand before each."""
    order = np.argsort(names, kind="stable")
    ordered = names[order]
    places = np.arange(len(names))
    first = np.concatenate(([True], ordered[1:] != ordered[:-1]))
    earlier = np.empty(len(names), np.int64)
    earlier[order] = places - np.maximum.accumulate(np.where(first, places, 0))
    return earlier


def _hashes(items: Sequence[str] | Sequence[bytes]) -> NDArray[np.uint64]:
    """Compared for equality alone: they differ from process to process."""
    return np.fromiter(map(hash, items), np.int64, len(items)).view(np.uint64)


def _alike(words: Sequence[str]) -> list[bytes]:
    """The words with every digit a zero."""
    return (
        "\n".join(words).encode("utf-8", "surrogatepass").translate(_ALL_DIGITS_ALIKE).split(b"\n")
    )


def _has_letter(word: str) -> bool:
    return any(character.isalpha() for character in word)


def _is_plain(word: str) -> bool:
    return word.strip(_PUNCTUATION).isalpha()


def _located(place: _Place, text: str) -> Found:
    evidence, margin, word = place
    found = next(islice(_WORD.finditer(text), word, None), None)
    return Found(evidence, round(margin, 4), found.start() if found else 0)
