"""Pieces of real texts: sentences and lines of solutions, responses and programs.

What is put together from them overlaps with no benchmark by chance: a piece that shares six
successive words with an item is left out. So what is found beside what was planted is a false find.
Statements that name a language whose letters would then be at home are left out too.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from factory.recipe_file import data_root

_WORD: Final = re.compile(r"[^\W_]+")
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z$\\])|\n+")
_LANGUAGE: Final = re.compile("chinese|mandarin|cantonese|japanese|kanji", re.IGNORECASE)
_SHORTEST_CHARS: Final = 24
_LONGEST_CHARS: Final = 400
_GUARD_WORDS: Final = 6


@dataclass(frozen=True)
class Item:
    """One item of a benchmark."""

    benchmark: str
    item: str
    text: str


@dataclass(frozen=True)
class Pieces:
    """Pieces in a fixed order, each once."""

    traces: tuple[str, ...]
    """Of worked solutions, responses of a model, and programs."""
    statements: tuple[str, ...]
    """Of problems: GSM8K's for training."""
    items: tuple[Item, ...]
    """What the pieces do not overlap with: GSM8K test, MATH, HumanEval, MBPP."""


def words(text: str) -> list[str]:
    """The words of a text in lower case, without signs."""
    return _WORD.findall(text.lower())


@lru_cache(maxsize=1)
def pieces() -> Pieces:
    """All pieces of the shared data."""
    items = tuple(_items())
    guarded = {gram for one in items for gram in _grams(one.text)}

    def free(texts: Iterable[str]) -> tuple[str, ...]:
        found = dict.fromkeys(piece for text in texts for piece in _split(text))
        return tuple(piece for piece in found if guarded.isdisjoint(_grams(piece)))

    return Pieces(
        traces=free(_trace_texts()),
        statements=tuple(
            piece
            for piece in free(row["question"] for row in _rows("gsm8k/train.jsonl"))
            if not _LANGUAGE.search(piece)
        ),
        items=items,
    )


def _trace_texts() -> Iterator[str]:
    for row in _rows("math/test.jsonl"):
        yield row["solution"]
    for row in _rows("gsm8k/train.jsonl"):
        yield re.sub(r"<<[^>]*>>|#### .*", "", row["answer"])
    for row in _rows("generations/qwen2.5-math_cot.jsonl"):
        yield from row["responses"]
    for row in _rows("mbpp/mbpp.jsonl"):
        yield row["code"]
    for row in _rows("humaneval/HumanEval.jsonl.gz"):
        yield row["canonical_solution"]


def _items() -> Iterator[Item]:
    for name, file, column in (
        ("gsm8k", "gsm8k/test.jsonl", "question"),
        ("math", "math/test.jsonl", "problem"),
        ("humaneval", "humaneval/HumanEval.jsonl.gz", "prompt"),
        ("mbpp", "mbpp/mbpp.jsonl", "text"),
    ):
        for number, row in enumerate(_rows(file)):
            yield Item(name, str(number), row[column])


def _split(text: str) -> Iterator[str]:
    for piece in _SENTENCE.split(text):
        stripped = piece.strip()
        ordinary = stripped.isascii() and "```" not in stripped and "<" not in stripped
        if ordinary and _SHORTEST_CHARS <= len(stripped) <= _LONGEST_CHARS:
            yield stripped


def _grams(text: str) -> Iterator[str]:
    found = words(text)
    for start in range(len(found) - _GUARD_WORDS + 1):
        yield " ".join(found[start : start + _GUARD_WORDS])


def _rows(name: str) -> Iterator[dict[str, Any]]:
    path = data_root() / name
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    for line in content.splitlines():
        yield json.loads(line)
