"""Stretches and runs of eight words in one open-addressing table, ready to be looked up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from factory.overlap.spans import Stretches

_COMMON: Final = 8
"""A run of eight words in so many texts of items, or more, is a phrase of a template; it says
nothing of any of them."""
_FEWEST_GRAMS: Final = 5
"""Of an item that is found by its share of runs of eight words."""
_FILTER_BITS: Final = 16
"""Per key: of keys that are not there one in 16 is looked for in the table."""


class Table(NamedTuple):
    """What texts are compared with."""

    filter: NDArray[np.uint8]
    """A bit for the highest bits of each key."""
    filter_shift: int
    slots: NDArray[np.uint64]
    """Keys, 0 where a slot is free; a key is sought from its lowest bits on."""
    values: NDArray[np.int32]
    """Per slot: the first row in `stretches` with the key; or, from their number on, a run."""
    stretches: Stretches
    """Rows of equal keys stand together."""
    prefixes: NDArray[np.bool_]
    """Whether any stretch of letters, and of signs, has that prefix; 2 × `PREFIXES`."""
    run_from: NDArray[np.int32]
    """Per run of eight words: where its texts begin in `run_texts`; one more, where all end."""
    run_texts: NDArray[np.int32]
    runs_of_text: NDArray[np.int32]
    """Per text: its different runs of eight words, 0 where they are too few."""


def span_table(
    stretches: Stretches,
    prefixes: NDArray[np.bool_],
    grams: NDArray[np.uint64],
    gram_text: NDArray[np.int32],
    texts: int,
) -> Table:
    """The table of all stretches and runs.

    Args:
        prefixes: As `item_stretches` sets them.
        grams, gram_text: Keys of runs, and the text of each.
        texts: How many there are.
    """
    full = stretches.full
    order = np.lexsort((stretches.text, stretches.tokens, stretches.rule, full, stretches.key))
    stretches = _taken(stretches, order)
    again = np.zeros(len(order), dtype=np.bool_)
    again[1:] = (
        (stretches.key[1:] == stretches.key[:-1])
        & (stretches.full[1:] == stretches.full[:-1])
        & (stretches.rule[1:] == stretches.rule[:-1])
        & (stretches.size[1:] == stretches.size[:-1])
    )
    stretches = _taken(stretches, np.flatnonzero(~again))
    run_keys, run_from, run_texts, runs_of_text = _runs(grams, gram_text, texts)
    first = np.flatnonzero(np.r_[True, stretches.key[1:] != stretches.key[:-1]])
    first = first[: len(stretches.key)]
    keys = np.concatenate([stretches.key[first], run_keys])
    values = np.concatenate(
        [first, len(stretches.key) + np.arange(len(run_keys), dtype=np.int64)]
    ).astype(np.int32)
    bits = max(10, int(2 * len(keys)).bit_length())
    slots = np.zeros(1 << bits, dtype=np.uint64)
    places = np.zeros(1 << bits, dtype=np.int32)
    filter_bits = max(10, (_FILTER_BITS * len(keys)).bit_length())
    marked = np.zeros(1 << (filter_bits - 3), dtype=np.uint8)
    _insert(keys, values, slots, places, marked, 64 - filter_bits)
    return Table(
        marked,
        64 - filter_bits,
        slots,
        places,
        stretches,
        prefixes,
        run_from,
        run_texts,
        runs_of_text,
    )


def joined(parts: Sequence[Stretches]) -> Stretches:
    """The rows of all, one after the other."""
    return Stretches(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _taken(stretches: Stretches, rows: NDArray[np.int64]) -> Stretches:
    return Stretches(*(column[rows] for column in stretches))


def _runs(
    grams: NDArray[np.uint64], gram_text: NDArray[np.int32], texts: int
) -> tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Keys of the runs that count, the texts of each, and how many each text has."""
    order = np.lexsort((gram_text, grams))
    keys, owners = grams[order], gram_text[order]
    fresh = np.ones(len(keys), dtype=np.bool_)
    fresh[1:] = (keys[1:] != keys[:-1]) | (owners[1:] != owners[:-1])
    keys, owners = keys[fresh], owners[fresh]
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    telling = counts[inverse] < _COMMON
    keys, owners = keys[telling], owners[telling]
    runs_of_text = np.bincount(owners, minlength=texts).astype(np.int32)
    runs_of_text[runs_of_text < _FEWEST_GRAMS] = 0
    counted = runs_of_text[owners] > 0
    keys, owners = keys[counted], owners[counted]
    distinct, starts = np.unique(keys, return_index=True)
    return distinct, np.r_[starts, len(keys)].astype(np.int32), owners, runs_of_text


@njit(cache=True, nogil=True)
def _insert(
    keys: NDArray[np.uint64],
    values: NDArray[np.int32],
    slots: NDArray[np.uint64],
    places: NDArray[np.int32],
    marked: NDArray[np.uint8],
    shift: int,
) -> None:
    last = np.uint64(len(slots) - 1)
    for number in range(len(keys)):
        key = keys[number]
        bit = np.int64(key >> np.uint64(shift))
        marked[bit >> 3] |= np.uint8(1 << (bit & 7))
        slot = np.int64(key >> np.uint64(1) & last)
        while slots[slot] != np.uint64(0):
            slot = (slot + 1) & np.int64(last)
        slots[slot] = key
        places[slot] = values[number]


@njit(cache=True, nogil=True)
def look_up(table: Table, key: np.uint64) -> int:
    """The value of a key, -1 where it is not there."""
    bit = np.int64(key >> np.uint64(table.filter_shift))
    if not (table.filter[bit >> 3] >> np.uint8(bit & 7)) & 1:
        return -1
    last = np.int64(len(table.slots) - 1)
    slot = np.int64(key >> np.uint64(1)) & last
    while table.slots[slot] != np.uint64(0):
        if table.slots[slot] == key:
            return table.values[slot]
        slot = (slot + 1) & last
    return -1
