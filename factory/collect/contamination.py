"""Which problems repeat another, or overlap with what validation will ask.

Two rules find an overlap with an item of a suite, both blind to case, punctuation, Unicode forms
and line wrapping: the whole statement is the same, or 13 successive words are the same (as in the
GPT-3 report). The second is off for procedural suites: their items are filled templates, so any
two share long runs of words without sharing a problem; their splits never share one either.
Sentences that an adapter adds to every statement are left out of the words.

Covered: copies, reformatted copies, copies with another beginning or end. Not covered: paraphrases,
translations, the same problem with other numbers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from factory.collect.known_sets import HUMANEVAL_INSTRUCTION, MBPP_TEST_LINE
from factory.collect.mapped import CALL_LINE
from schemas.problem import Problem

GRAM_WORDS: Final = 13
_HYPHEN: Final = re.compile(r"(?<=[^\W\d_]{2})[-‐‑](?=[^\W\d_]{2})")
_WORD: Final = re.compile(r"[^\W_]+")
_WORD_OR_OPERATOR: Final = re.compile(r"[^\W_]+|[-+*/^=<>]")
ADDED: Final = (HUMANEVAL_INSTRUCTION, MBPP_TEST_LINE, CALL_LINE)
"""What adapters add to every statement: no overlap."""


def same_statement(statement: str) -> str:
    """The form in which two statements are one problem: equal but for spaces and composed letters.

    Case and signs stay: `2-3` is not `2+3`, and `X` may stand beside `x`.
    """
    return " ".join(unicodedata.normalize("NFC", statement).split())


def same_problem(problem: Problem) -> str:
    """The form in which two problems are one: the statement after the same turns, if any."""
    said = [f"{turn.role}: {same_statement(turn.content)}" for turn in problem.history]
    return "\n".join([*said, same_statement(problem.statement)])


class Benchmark:
    """The items of the suites, ready to be asked which of them a problem overlaps with."""

    def __init__(self) -> None:
        self._whole: dict[str, str] = {}
        self._grams: dict[str, str] = {}

    def add(self, problems: Iterable[Problem], *, grams: bool) -> None:
        """Take in items; `grams` switches the rule of 13 words on for them."""
        for problem in problems:
            for text in texts_of(problem):
                self._whole.setdefault(_whole(text), problem.problem_id)
                for gram in _grams(text) if grams else ():
                    self._grams.setdefault(gram, problem.problem_id)

    def overlap(self, problem: Problem) -> str | None:
        """The item that a problem overlaps with and how, None where there is none."""
        for text in texts_of(problem):
            item = self._whole.get(_whole(text))
            if item is not None:
                return f"{item}: the whole statement"
            for gram in _grams(text) if self._grams else ():
                if gram in self._grams:
                    return f"{self._grams[gram]}: {gram}"
        return None


def texts_of(problem: Problem) -> list[str]:
    """What a user said: the statement, and earlier turns of a conversation."""
    earlier = [turn.content for turn in problem.history if turn.role == "user"]
    return [problem.statement, *(text for text in earlier if text.strip())]


def _folded(statement: str) -> str:
    for sentence in ADDED:
        statement = statement.replace(sentence, " ")
    return _HYPHEN.sub(" ", unicodedata.normalize("NFKC", statement).casefold())


def _whole(statement: str) -> str:
    return " ".join(_WORD_OR_OPERATOR.findall(_folded(statement)))


def _grams(statement: str) -> Iterable[str]:
    words = _WORD.findall(_folded(statement))
    for start in range(len(words) - GRAM_WORDS + 1):
        yield " ".join(words[start : start + GRAM_WORDS])
