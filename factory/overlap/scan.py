"""Texts, one after the other, looked up in the table of stretches; compiled."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from factory.overlap.compiled import compiled, inlined
from factory.overlap.grams import (
    NOT_PLAIN,
    UNREADY,
    Scratch,
    end_of_run,
    is_operand,
    read_plain,
    read_text,
    stretch,
)
from factory.overlap.span_table import DOOR, Table, is_marked, look_up, passes
from factory.overlap.spans import (
    ADDED,
    EQUAL,
    FEWEST_LETTERS,
    GATES,
    GRAM_WORDS,
    LETTERS,
    LONGEST_GRAM,
    OPERATOR_AFTER,
    OPERATOR_BEFORE,
    PREFIXES,
    SIGNS,
    door_hash,
    equal_key,
    gate_hashes,
    gram_key,
    prefix_key,
)

NOTHING: Final = -1
SHARE: Final = -2
"""In the place of a row of stretches."""
REFOLD: Final = -3
"""The text must be folded before it is read."""
STRIP: Final = -4
"""The text holds a sentence that an adapter added."""

_OPERATORS: Final = (0x2B, 0x2D, 0x2A, 0x2F, 0x5E, 0x2E)
_BINDING: Final = (0x2A, 0x2F, 0x5E)


class Found(NamedTuple):
    """Columns, one row per text."""

    equal: NDArray[np.int32]
    """The first stretch that is perhaps the whole text, or `NOTHING`."""
    stretch: NDArray[np.int32]
    """The stretch that stands in it, or `NOTHING`, `SHARE`, `REFOLD`, `STRIP`."""
    text: NDArray[np.int32]
    """Number of the item's text."""
    first: NDArray[np.int32]
    """First byte of what is found."""
    last: NDArray[np.int32]
    """First byte of its last word."""


def no_findings(rows: int) -> Found:
    """Room for so many texts."""
    columns = [np.full(rows, NOTHING, dtype=np.int32) for _ in Found._fields]
    return Found(*columns)


@compiled
def _place(places: NDArray[np.int32], words: int, value: int) -> int:
    """The first place in the ascending `places[:words]` with that value, or -1."""
    low, high = 0, words
    while low < high:
        middle = (low + high) // 2
        if places[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low if low < words and places[low] == value else -1


@compiled
def _stands_free(read: Scratch, words: int, first: int, end: int, edges: int) -> bool:
    """Whether no expression goes on before the first word or after the last one."""
    at = read.signs_from[first]
    if edges & OPERATOR_BEFORE and first > 0 and at > read.signs_to[first - 1]:
        sign = np.int64(read.signs[at - 1])
        if sign in _BINDING or (sign in _OPERATORS and is_operand(read, first - 1)):
            return False
    at = read.signs_to[end - 1]
    if edges & OPERATOR_AFTER and end < words:
        sign = np.int64(read.signs[at])
        if sign in _OPERATORS and is_operand(read, end):
            return False
    return True


@inlined
def _confirmed(
    table: Table,
    row: int,
    key: np.uint64,
    kind: int,
    read: Scratch,
    words: int,
    first: int,
    added: bool,
) -> tuple[int, int]:
    """The stretch of that key that stands whole at a word, and the word after it; or -1."""
    characters = read.letters if kind == LETTERS else read.signs
    at = read.letters_from[first] if kind == LETTERS else read.signs_from[first]
    longest = read.letters_from[words] if kind == LETTERS else read.signs_to[words - 1]
    rows = table.stretches
    while row < len(rows.key) and rows.key[row] == key:
        size = rows.size[row]
        known = added or rows.rule[row] != ADDED
        if known and at + size <= longest and stretch(characters, at, size) == rows.full[row]:
            if kind == LETTERS:
                end = _place(read.letters_from, words + 1, at + size)
            else:
                end = _place(read.signs_to, words, at + size) + 1
            if end > first and end - first >= rows.tokens[row]:
                edges = rows.edges[row]
                if edges == 0 or _stands_free(read, words, first, end, edges):
                    return row, end
        row += 1
    return -1, 0


@inlined
def _found_at(
    table: Table, kind: int, read: Scratch, words: int, first: int, added: bool, gate: int
) -> tuple[int, int]:
    """The stretch of letters or signs that stands at a word, and the word after it; or -1.

    Args:
        gate: The first one that the word passed; a stretch of letters has no longer prefix.
    """
    if kind == LETTERS:
        row, at, longest = read.letters, read.letters_from[first], read.letters_from[words]
    else:
        row, at, longest = read.signs, read.signs_from[first], read.signs_to[words - 1]
    for number in range(0 if gate == 0 or kind == SIGNS else 2, len(PREFIXES)):
        if not table.prefixes[kind, number] or at + PREFIXES[number] > longest:
            continue
        key = prefix_key(row, at, kind, number)
        value = look_up(table, key)
        if 0 <= value < len(table.stretches.key):
            value, end = _confirmed(table, value, key, kind, read, words, first, added)
            if value >= 0:
                return value, end
    return NOTHING, 0


@inlined
def _signs_known(
    table: Table,
    data: NDArray[np.uint8],
    start: int,
    stop: int,
    characters: NDArray[np.int32],
    read: Scratch,
    words: int,
    first: int,
    near: Scratch,
) -> bool:
    """Whether a stretch with signs may begin at a word of a plain text; `near` is used up.

    The words around it are read alone, from the one before on: signs depend on no more.
    """
    begin = read.bytes_from[first - 1] if first else 0
    after = first + PREFIXES[0] + 1
    end = read.bytes_from[after] if after < words else stop - start
    found = read_text(data, start + begin, start + end, characters, True, near)
    at, most = near.signs_from[min(first, 1)], near.signs_to[found - 1]
    for number in range(len(PREFIXES)):
        known = table.prefixes[SIGNS, number] and at + PREFIXES[number] <= most
        if known and look_up(table, prefix_key(near.signs, at, SIGNS, number)) >= 0:
            return True
    return False


@inlined
def _run_at(table: Table, read: Scratch, plain: bool, words: int, first: int) -> tuple[int, int]:
    """The run of eight words that begins at a word, by number, and the word after it; or -1."""
    if plain:
        end = first + GRAM_WORDS
    else:
        end = end_of_run(read.weight, words, first, first, 2 * GRAM_WORDS)
    if end < 0 or end > words:
        return NOTHING, words
    at = read.letters_from[first]
    size = read.letters_from[end] - at
    if not FEWEST_LETTERS <= size <= LONGEST_GRAM:
        return NOTHING, end
    return look_up(table, gram_key(read.letters, at, size)) - len(table.stretches.key), end


@compiled
def scan_texts(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    characters: NDArray[np.int32],
    plain_letters: NDArray[np.uint8],
    ready: bool,
    added: bool,
    table: Table,
    share: float,
    read: Scratch,
    near: Scratch,
    found: Found,
) -> None:
    """Write what each text `data[offsets[n]:offsets[n + 1]]` overlaps with to `found`.

    Args:
        characters, plain_letters: Of `folding` and `grams`.
        ready: The texts are of `folding.folded_text`.
        added: Say `STRIP` of texts with a sentence that an adapter added, and no more.
        share: Of a text's runs of eight words, at least.
        read, near: Room for the longest text each.
    """
    texts = len(table.runs_of_text)
    run_seen = np.zeros(len(table.run_from), dtype=np.int32)
    text_seen, counts = np.zeros(texts, dtype=np.int32), np.zeros(texts, dtype=np.int32)
    touched = np.zeros(texts, dtype=np.int32)
    rules = table.stretches.rule
    gates_bits, door_from, door_shift = table.gates, table.gate_from[DOOR], table.gate_shift[DOOR]
    door, short = door_from >= 0, table.gate_from[len(GATES) - 1] >= 0
    for row in range(len(offsets) - 1):
        start, stop = offsets[row], offsets[row + 1]
        words = read_plain(data, start, stop, plain_letters, read)
        plain = words != NOT_PLAIN
        whole = not plain
        if whole:
            words = read_text(data, start, stop, characters, ready, read)
            if words == UNREADY:
                found.stretch[row] = REFOLD
                continue
        if words == 0:
            continue
        n_letters = read.letters_from[words]
        if n_letters <= table.longest:
            value = look_up(table, equal_key(read.letters, n_letters))
            if value >= 0 and rules[value] == EQUAL:
                found.equal[row] = value
        hit = NOTHING
        hit_first = hit_end = 0
        n_touched = 0
        for first in range(words):
            at = read.letters_from[first]
            left = n_letters - at
            opens = short and left >= GATES[-1]
            if left >= GATES[-2]:
                opens |= door and is_marked(
                    gates_bits, door_from, door_shift, door_hash(read.letters, at)
                )
            if not opens:
                continue
            gates = gate_hashes(read.letters, at)
            gate = len(GATES)
            for number in range(len(GATES) - 1, -1, -1):
                known = table.gate_from[number] >= 0 and left >= GATES[number]
                if known and passes(table, number, gates[number]):
                    gate = number
            if gate == len(GATES):
                continue
            value, end = _found_at(table, LETTERS, read, words, first, added, gate)
            if value >= 0 and (hit < 0 or rules[value] == ADDED):
                hit, hit_first, hit_end = value, first, end
            opens = False
            for number in range(len(GATES)):
                signs = number + len(GATES)
                if table.gate_from[signs] >= 0 and left >= GATES[number]:
                    opens |= passes(table, signs, gates[number])
            if opens and hit < 0 and not whole:
                opens = whole = _signs_known(
                    table, data, start, stop, characters, read, words, first, near
                )
                if whole:
                    read_text(data, start, stop, characters, ready, read)
            if opens and hit < 0:
                value, end = _found_at(table, SIGNS, read, words, first, added, 0)
                if value >= 0:
                    hit, hit_first, hit_end = value, first, end
            if hit >= 0:
                if not added or rules[hit] == ADDED:
                    break
                continue
            run, _ = _run_at(table, read, plain, words, first)
            if run < 0 or run_seen[run] == row + 1:
                continue
            run_seen[run] = row + 1
            for place in range(table.run_from[run], table.run_from[run + 1]):
                text = table.run_texts[place]
                if text_seen[text] != row + 1:
                    text_seen[text] = row + 1
                    counts[text] = 0
                    touched[n_touched] = text
                    n_touched += 1
                counts[text] += 1
        if hit >= 0:
            found.text[row] = table.stretches.text[hit]
        else:
            best = 0.0
            for number in range(n_touched):
                text = touched[number]
                part = counts[text] / table.runs_of_text[text]
                if part >= share and (part > best or (part == best and text < found.text[row])):
                    best = part
                    hit = SHARE
                    found.text[row] = text
            if hit == SHARE:
                hit_first, hit_end = _longest_run(table, read, plain, words, found.text[row])
        if hit == NOTHING:
            continue
        found.stretch[row] = STRIP if hit >= 0 and rules[hit] == ADDED else hit
        found.first[row] = read.bytes_from[hit_first]
        found.last[row] = read.bytes_from[hit_end - 1]


@compiled
def _longest_run(
    table: Table, read: Scratch, plain: bool, words: int, text: int
) -> tuple[int, int]:
    """The words from and to which runs of an item's text cover the most at a stretch."""
    longest_from = longest_to = covered_from = covered_to = 0
    for first in range(words):
        run, end = _run_at(table, read, plain, words, first)
        if run < 0:
            continue
        for place in range(table.run_from[run], table.run_from[run + 1]):
            if table.run_texts[place] == text:
                if first >= covered_to:
                    covered_from = first
                covered_to = end
        if covered_to - covered_from > longest_to - longest_from:
            longest_from, longest_to = covered_from, covered_to
    return longest_from, longest_to
