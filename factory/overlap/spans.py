"""Items of benchmarks -> the stretches by which they are found, and the table that holds them.

A stretch is found by the hash of its first characters, whose number is one of `PREFIXES`, then
confirmed by the hash of all; so one look per prefix and word of a text is enough, however a text
divides its words.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from factory.overlap.compiled import compiled
from factory.overlap.grams import (
    Scratch,
    absorbed,
    eight,
    end_of_run,
    is_operand,
    read_text,
    stretch,
)

WORDS: Final = 0
WHOLE: Final = 1
EQUAL: Final = 2
ADDED: Final = 3
"""A sentence that an adapter added to statements."""

LETTERS: Final = 0
SIGNS: Final = 1

PREFIXES: Final = (40, 24, 10, 8)
"""Characters; the longest one that a stretch has is its own."""

GATES: Final = (24, 16, 10, 8)
"""Letters of a stretch or run that are looked at first, the most that it has: most words of a text
go no further."""

GRAM_WORDS: Final = 8
FEWEST_WORDS: Final = 5
"""Of an item that is found within a longer text."""
FEWEST_LETTERS: Final = 10
"""Of a run of eight words, and of a stretch with signs: fewer say nothing."""
LONGEST_GRAM: Final = 512
"""Letters; longer runs of eight words are no text."""

OPERATOR_BEFORE: Final = 1
OPERATOR_AFTER: Final = 2
"""An operator there would make another expression of a whole item."""

_SALTS: Final = np.array(
    [
        [0x1D8E4E27C47D124F, 0xEB44ACCAB455D165, 0x9C6E6877736C46E3, 0x4CF5AD432745937F],
        [0x52DCE729DA3BD6C5, 0x38495AB5C8F3A2D1, 0xD1B54A32D192ED03, 0xAEF17502108EF2D9],
    ],
    dtype=np.uint64,
)
_EQUAL_SALT: Final = np.uint64(0xF1357AEA2E62A9C5)
_GRAM_SALT: Final = np.uint64(0xC2B2AE3D27D4EB4F)
_ONE: Final = np.uint64(1)
_U29: Final = np.uint64(29)
_TWO_BYTES: Final = np.uint64((1 << 16) - 1)


class Stretches(NamedTuple):
    """Columns, one row per stretch; a stretch that comes twice may stand twice."""

    key: NDArray[np.uint64]
    full: NDArray[np.uint64]
    """Hash of all its characters."""
    size: NDArray[np.int32]
    """In characters."""
    tokens: NDArray[np.int32]
    """Runs of no white space with a word in them, or rather more than half of the words, so that
    `11, 12, 13` is not `1,1,1,2,1,3`: a text has at least as many words there."""
    text: NDArray[np.int32]
    """Number of the item's text."""
    rule: NDArray[np.int8]
    edges: NDArray[np.int8]
    gate: NDArray[np.uint64]
    gate_number: NDArray[np.int8]
    """Beyond those of `GATES`: of signs; -1: none."""
    door: NDArray[np.uint64]
    """Hash of the first `GATES[2]` letters, where there are as many."""


class Runs(NamedTuple):
    """Columns, one row per run of eight words."""

    key: NDArray[np.uint64]
    text: NDArray[np.int32]
    gate: NDArray[np.uint64]
    gate_number: NDArray[np.int8]
    door: NDArray[np.uint64]


def no_stretches(rows: int) -> Stretches:
    """Room for so many."""
    keys = [np.empty(rows, dtype=np.uint64) for _ in range(4)]
    numbers = [np.empty(rows, dtype=np.int32) for _ in range(3)]
    flags = [np.empty(rows, dtype=np.int8) for _ in range(3)]
    return Stretches(
        *(keys[0], keys[1], numbers[0], numbers[1], numbers[2], flags[0], flags[1]),
        *(keys[2], flags[2], keys[3]),
    )


def no_runs(rows: int) -> Runs:
    """Room for so many."""
    keys = [np.empty(rows, dtype=np.uint64) for _ in range(3)]
    text, number = np.empty(rows, dtype=np.int32), np.empty(rows, dtype=np.int8)
    return Runs(keys[0], text, keys[1], number, keys[2])


@compiled
def prefix_key(row: NDArray[np.uint8], at: int, kind: int, number: int) -> np.uint64:
    """The key of the stretch at `at` by its prefix `PREFIXES[number]`; odd, so never 0."""
    return stretch(row, at, PREFIXES[number]) ^ _SALTS[kind, number] | _ONE


@compiled
def equal_key(letters: NDArray[np.uint8], size: int) -> np.uint64:
    """The key of a text as a whole."""
    return stretch(letters, 0, size) ^ _EQUAL_SALT | _ONE


@compiled
def gram_key(letters: NDArray[np.uint8], at: int, size: int) -> np.uint64:
    """The key of a run of eight words."""
    return stretch(letters, at, size) ^ _GRAM_SALT | _ONE


@compiled
def door_hash(letters: NDArray[np.uint8], at: int) -> np.uint64:
    """The hash of `GATES[2]` letters from `at`."""
    first, second = eight(letters, at), eight(letters, at + 8) & _TWO_BYTES
    state = first * _GRAM_SALT + second * _EQUAL_SALT
    return state ^ (state >> _U29)


@compiled
def gate_hashes(letters: NDArray[np.uint8], at: int) -> tuple[np.uint64, ...]:
    """The hashes of as many letters from `at` as `GATES` says, one for each; some are wrong where
    the text has fewer."""
    first, second, third = eight(letters, at), eight(letters, at + 8), eight(letters, at + 16)
    opened = absorbed(_GRAM_SALT, first)
    sixteen = absorbed(opened, second)
    return (
        absorbed(sixteen, third),
        sixteen,
        absorbed(opened, second & _TWO_BYTES),
        absorbed(_EQUAL_SALT, first),
    )


@compiled
def _gate_number(size: int) -> int:
    number = 0
    while number < len(GATES) and GATES[number] > size:
        number += 1
    return number if number < len(GATES) else -1


@compiled
def _put(
    out: Stretches,
    count: int,
    read: Scratch,
    kind: int,
    first: int,
    end: int,
    tokens: int,
    text: int,
    rule: int,
    edges: int,
    prefixes: NDArray[np.bool_],
) -> int:
    """Write the stretch from the word `first` to before `end`; the rows that there are then."""
    letters_at = read.letters_from[first]
    if kind == LETTERS:
        row, at, size = read.letters, letters_at, read.letters_from[end] - letters_at
    else:
        at = read.signs_from[first]
        row, size = read.signs, read.signs_to[end - 1] - at
    number = 0
    while number < len(PREFIXES) and PREFIXES[number] > size:
        number += 1
    gate_number = _gate_number(read.letters_from[end] - letters_at)
    if number == len(PREFIXES) or gate_number < 0:
        return count
    if kind == SIGNS and read.letters_from[end] - letters_at < FEWEST_LETTERS:
        return count
    prefixes[kind, number] = True
    out.key[count] = prefix_key(row, at, kind, number)
    out.full[count] = stretch(row, at, size)
    out.size[count] = size
    out.tokens[count] = tokens
    out.text[count] = text
    out.rule[count] = rule
    out.edges[count] = edges
    out.gate[count] = gate_hashes(read.letters, letters_at)[gate_number]
    out.door[count] = door_hash(read.letters, letters_at)
    out.gate_number[count] = gate_number + (len(GATES) if kind == SIGNS else 0)
    return count + 1


@compiled
def _tokens(read: Scratch, first: int, end: int) -> int:
    """Runs of no white space that have one of these words."""
    tokens = 1
    for word in range(first + 1, end):
        tokens += read.token[word] != read.token[word - 1]
    return tokens


@compiled
def _runs(
    out: Stretches,
    count: int,
    read: Scratch,
    n_words: int,
    text: int,
    words: int,
    prefixes: NDArray[np.bool_],
) -> int:
    """The stretches of `words` words: of letters and digits, and of no white space."""
    end = 0
    for first in range(n_words):
        end = end_of_run(read.weight, n_words, first, max(end, first), 2 * words)
        if end < 0:
            break
        tokens = max(_tokens(read, first, end), words // 2 + 2)
        count = _put(out, count, read, LETTERS, first, end, tokens, text, WORDS, 0, prefixes)
        if first > 0 and read.token[first - 1] == read.token[first]:
            continue
        with_words = 0
        last = first
        while last < n_words and with_words <= words:
            if last == first or read.token[last] != read.token[last - 1]:
                with_words += 1
                if with_words > words:
                    break
            last += 1
        if with_words >= words and last != end:
            count = _put(out, count, read, LETTERS, first, last, words, text, WORDS, 0, prefixes)
    return count


@compiled
def _runs_with_signs(
    out: Stretches,
    count: int,
    read: Scratch,
    n_words: int,
    text: int,
    words: int,
    prefixes: NDArray[np.bool_],
) -> int:
    """The stretches of `words` runs of no white space of which some are signs alone."""
    first = last = 0
    put_first = put_last = -1
    for token in range(read.tokens[0] - words + 1):
        while first < n_words and read.token[first] < token:
            first += 1
        last = max(last, first)
        with_words = 0
        last = first
        while last < n_words and read.token[last] < token + words:
            if last == first or read.token[last] != read.token[last - 1]:
                with_words += 1
            last += 1
        if with_words == words or last - first < FEWEST_WORDS:
            continue
        if first == put_first and last == put_last:
            continue
        put_first, put_last = first, last
        count = _put(out, count, read, SIGNS, first, last, with_words, text, WORDS, 0, prefixes)
    return count


@compiled
def item_stretches(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    table: NDArray[np.int32],
    words: int,
    rules: NDArray[np.int8],
    first_text: int,
    read: Scratch,
    out: Stretches,
    runs: Runs,
    prefixes: NDArray[np.bool_],
) -> tuple[int, int]:
    """Write the stretches and runs of eight words of texts to `out` and `runs`; how many.

    Args:
        data, offsets: Of `folding.folded_text`.
        words: Of a stretch.
        rules: Per text: `WORDS` for all there is, `EQUAL` for the whole alone, `ADDED`.
        first_text: Number of the first text.
        prefixes: Set for `LETTERS` and `SIGNS` where a stretch has that prefix; 2 × `PREFIXES`.
    """
    count = n_runs = 0
    for row in range(len(offsets) - 1):
        start = offsets[row]
        n_words = read_text(data, start, offsets[row + 1], table, True, read)
        text = first_text + row
        if n_words == 0:
            continue
        n_letters = read.letters_from[n_words]
        if rules[row] == ADDED:
            tokens = _tokens(read, 0, n_words)
            count = _put(out, count, read, LETTERS, 0, n_words, tokens, text, ADDED, 0, prefixes)
            continue
        out.key[count] = equal_key(read.letters, n_letters)
        out.full[count] = np.uint64(text)
        out.size[count] = n_letters
        out.tokens[count] = 0
        out.text[count] = text
        out.rule[count] = EQUAL
        out.edges[count] = 0
        out.gate[count] = 0
        out.gate_number[count] = -1
        out.door[count] = 0
        count += 1
        if rules[row] == EQUAL:
            continue
        if 2 * FEWEST_WORDS <= read.weight[n_words] < 2 * words:
            edges = OPERATOR_BEFORE if is_operand(read, 0) else 0
            if is_operand(read, n_words - 1):
                edges |= OPERATOR_AFTER
            count = _put(out, count, read, SIGNS, 0, n_words, 1, text, WHOLE, edges, prefixes)
        count = _runs(out, count, read, n_words, text, words, prefixes)
        count = _runs_with_signs(out, count, read, n_words, text, words, prefixes)
        end = 0
        for first in range(n_words):
            end = end_of_run(read.weight, n_words, first, max(end, first), 2 * GRAM_WORDS)
            if end < 0:
                break
            at = read.letters_from[first]
            size = read.letters_from[end] - at
            if FEWEST_LETTERS <= size <= LONGEST_GRAM:
                number = _gate_number(size)
                runs.key[n_runs] = gram_key(read.letters, at, size)
                runs.text[n_runs] = text
                runs.gate[n_runs] = gate_hashes(read.letters, at)[number]
                runs.gate_number[n_runs] = number
                runs.door[n_runs] = door_hash(read.letters, at)
                n_runs += 1
    return count, n_runs
