"""Stretches and runs of eight words in one open-addressing table, ready to be looked up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from factory.overlap.compiled import compiled, inlined
from factory.overlap.spans import EQUAL, GATES, Runs, Stretches

_COMMON: Final = 8
"""A run of eight words in so many texts of items, or more, is a phrase of a template; it says
nothing of any of them."""
_FEWEST_GRAMS: Final = 5
"""Of an item that is found by its share of runs of eight words."""
Columns = TypeVar("Columns", Stretches, Runs)

DOOR: Final = 2 * len(GATES)
_GATE_BITS: Final = 20
"""Per key, at least, of which three are set: of words that begin nothing known about one in two
hundred passes."""
_FILTER_BITS: Final = 8
"""Per key, at least: one in eight is sought in the table in vain."""
_ONE: Final = np.uint64(1)
_FREE: Final = np.uint64(0)
_SIX_BITS: Final = np.uint64(63)


class Table(NamedTuple):
    """What texts are compared with."""

    gates: NDArray[np.uint64]
    """Bits of the hashes of `GATES`, of those of signs alone and, as `DOOR`, of the first letters
    of all but the shortest; one filter behind the other."""
    gate_from: NDArray[np.int64]
    """Where each filter begins in `gates`; -1 where it is empty."""
    gate_shift: NDArray[np.int64]
    """Its highest bits, which say the element of the filter, are above so many others."""
    filter: NDArray[np.uint8]
    """A bit for the highest bits of each key."""
    filter_shift: int
    slots: NDArray[np.uint64]
    """Keys, 0 where a slot is free; a key is sought from its lowest bits on."""
    values: NDArray[np.int32]
    """Per slot: the first row in `stretches` with the key; or, from their number on, a run."""
    stretches: Stretches
    """Rows of equal keys stand together; of their gates none is kept."""
    prefixes: NDArray[np.bool_]
    """Whether any stretch of letters, and of signs, has that prefix; 2 × `PREFIXES`."""
    run_from: NDArray[np.int32]
    """Per run of eight words: where its texts begin in `run_texts`; one more, where all end."""
    run_texts: NDArray[np.int32]
    runs_of_text: NDArray[np.int32]
    """Per text: its different runs of eight words, 0 where they are too few."""
    longest: int
    """Letters of the longest text."""


def taken(columns: Columns, rows: Any) -> Columns:
    """Some rows of all columns, as numpy takes them by numbers, a slice or a mask."""
    return columns._replace(**{name: column[rows] for name, column in columns._asdict().items()})


def joined(parts: Sequence[Columns]) -> Columns:
    """The rows of all, one after the other."""
    names = parts[0]._asdict()
    return parts[0]._replace(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    )


def span_table(stretches: Stretches, prefixes: NDArray[np.bool_], runs: Runs, texts: int) -> Table:
    """The table of all stretches and runs.

    Args:
        prefixes: As `item_stretches` sets them.
        texts: How many there are.
    """
    stretches = _sorted(stretches)
    runs, runs_of_text = _telling(runs, texts)
    run_from = np.flatnonzero(_changes(runs.key))
    run_keys = runs.key[run_from]
    first = np.flatnonzero(_changes(stretches.key))
    keys = np.concatenate([stretches.key[first], run_keys])
    values = np.concatenate([first, len(stretches.key) + np.arange(len(run_keys))])
    size = 1 << max(10, (2 * len(keys)).bit_length())
    slots, places = np.zeros(size, dtype=np.uint64), np.zeros(size, dtype=np.int32)
    filter_bits = max(10, (_FILTER_BITS * len(keys)).bit_length())
    marked = np.zeros(1 << (filter_bits - 3), dtype=np.uint8)
    _insert(keys, values.astype(np.int32), slots, places, marked, 64 - filter_bits)
    wholes = stretches.size[stretches.rule == EQUAL]
    return Table(
        *_gates(stretches, runs),
        filter=marked,
        filter_shift=64 - filter_bits,
        slots=slots,
        values=places,
        stretches=_without_gates(stretches),
        prefixes=prefixes,
        run_from=np.r_[run_from, len(runs.key)].astype(np.int32),
        run_texts=runs.text,
        runs_of_text=runs_of_text,
        longest=int(wholes.max()) if len(wholes) else 0,
    )


def _changes(*columns: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a row differs from the row before in one of the columns."""
    changes = np.ones(len(columns[0]), dtype=np.bool_)
    changes[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return changes


def _sorted(stretches: Stretches) -> Stretches:
    """By key; of equal ones the first that was added."""
    found = taken(stretches, np.lexsort((stretches.full, stretches.key)))
    return taken(found, _changes(found.key, found.full, found.rule, found.tokens))


def _telling(runs: Runs, texts: int) -> tuple[Runs, NDArray[np.int32]]:
    """The runs that count, once per text and by key, and how many each text has."""
    runs = taken(runs, np.argsort(runs.key, kind="stable"))
    runs = taken(runs, _changes(runs.key, runs.text))
    first = np.flatnonzero(_changes(runs.key))
    counts = np.diff(np.r_[first, len(runs.key)])
    runs = taken(runs, np.repeat(counts < _COMMON, counts))
    runs_of_text = np.bincount(runs.text, minlength=texts).astype(np.int32)
    runs_of_text[runs_of_text < _FEWEST_GRAMS] = 0
    return taken(runs, runs_of_text[runs.text] > 0), runs_of_text


def _distinct(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    ordered = np.sort(values)
    return ordered[_changes(ordered)]


def _without_gates(stretches: Stretches) -> Stretches:
    none = np.zeros(0, dtype=np.uint64)
    return stretches._replace(gate=none, gate_number=none.astype(np.int8), door=none)


def _gates(
    stretches: Stretches, runs: Runs
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    """`gates`, `gate_from` and `gate_shift` of a table."""
    hashes = np.concatenate([stretches.gate, runs.gate])
    numbers = np.concatenate([stretches.gate_number, runs.gate_number])
    doors = np.concatenate([stretches.door, runs.door])
    starts = np.full(DOOR + 1, -1, dtype=np.int64)
    shifts = np.zeros(DOOR + 1, dtype=np.int64)
    filters: list[NDArray[np.uint64]] = []
    for gate in range(DOOR + 1):
        if gate == DOOR:
            found = doors[(numbers >= 0) & (numbers % len(GATES) < len(GATES) - 1)]
        elif gate < len(GATES):
            found = hashes[(numbers == gate) | (numbers == gate + len(GATES))]
        else:
            found = hashes[numbers == gate]
        if not len(found):
            continue
        found = _distinct(found)
        bits = max(1, (_GATE_BITS * len(found) // 64).bit_length())
        starts[gate], shifts[gate] = sum(map(len, filters)), 64 - bits
        filters.append(np.zeros(1 << bits, dtype=np.uint64))
        _mark(found, filters[-1], 64 - bits)
    return np.concatenate([*filters, np.zeros(0, dtype=np.uint64)]), starts, shifts


@compiled
def _gate_mask(gate: np.uint64) -> np.uint64:
    first, second = gate & _SIX_BITS, (gate >> np.uint64(6)) & _SIX_BITS
    third = (gate >> np.uint64(12)) & _SIX_BITS
    return (_ONE << first) | (_ONE << second) | (_ONE << third)


@compiled
def _mark(gates: NDArray[np.uint64], marked: NDArray[np.uint64], shift: int) -> None:
    for gate in gates:
        marked[np.int64(gate >> np.uint64(shift))] |= _gate_mask(gate)


@inlined
def passes(table: Table, number: int, gate: np.uint64) -> bool:
    """Whether a hash may be one of that gate, which is not empty."""
    return is_marked(table.gates, table.gate_from[number], table.gate_shift[number], gate)


@inlined
def is_marked(gates: NDArray[np.uint64], begin: int, shift: int, gate: np.uint64) -> bool:
    """Whether a hash may be one of the filter that begins there."""
    mask = _gate_mask(gate)
    return gates[np.uint64(begin) + (gate >> np.uint64(shift))] & mask == mask


@compiled
def _insert(
    keys: NDArray[np.uint64],
    values: NDArray[np.int32],
    slots: NDArray[np.uint64],
    places: NDArray[np.int32],
    marked: NDArray[np.uint8],
    shift: int,
) -> None:
    last = np.int64(len(slots) - 1)
    for number in range(len(keys)):
        bit = np.int64(keys[number] >> np.uint64(shift))
        marked[bit >> 3] |= np.uint8(1 << (bit & 7))
        slot = np.int64(keys[number] >> _ONE) & last
        while slots[slot] != _FREE:
            slot = (slot + 1) & last
        slots[slot] = keys[number]
        places[slot] = values[number]


@inlined
def look_up(table: Table, key: np.uint64) -> int:
    """The value of a key, -1 where it is not there."""
    bit = np.int64(key >> np.uint64(table.filter_shift))
    if not (table.filter[bit >> 3] >> np.uint8(bit & 7)) & 1:
        return -1
    last = np.int64(len(table.slots) - 1)
    slot = np.int64(key >> _ONE) & last
    while table.slots[slot] != _FREE:
        if table.slots[slot] == key:
            return table.values[slot]
        slot = (slot + 1) & last
    return -1
