"""Grader of multiple choice: the final letter equals the gold letter, A to J.

The letter is read, in this order, from the last `\\boxed`; from the last statement
(`answer is (B)`, `Answer: B`); from a last line that is a letter and nothing else (`B`, `(B)`,
`**B.**`). A letter in running text is no answer: `A` is an English word.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Final, Self

from factory.grade.contract import Item, Verdict, answer_part
from factory.grade.math.extract import Found, final_answer
from schemas.candidate import FinishReason
from schemas.verdict import Status

_LETTER: Final = re.compile(
    r"(?:\\(?:text|mathrm|textbf|mathbf) ?\{)?[\s*$({\[]{0,8}([A-J])"
    r"(?:[\s*}$]{0,8}[)\].:](.*)|[\s*}$]{0,8})",
    re.DOTALL,
)
"""A letter alone, or a letter with its mark and perhaps the text of the option: `B) 25`."""
_STATED: Final = re.compile(
    r"(?:answer|choice|option)(?:\s+is)?\s*:?\s*(?:option|choice)?[\s*$({\[]*(?:\\\w+ ?\{)?[\s(]*"
    r"([A-J])(?![A-Za-z'])"
)
_TAIL_CHARS: Final = 2000


class ChoiceGrader:
    """Equality of the final letter with the gold letter."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def grade_many(self, items: Sequence[Item]) -> list[Verdict]:
        """One grading per item; see `factory.grade.contract.Grader`."""
        return [_grade(item) for item in items]


def final_letter(answer: str) -> str | None:
    """The letter that an answer (what follows the reasoning) settles on, None where it has none."""
    boxed = final_answer(answer)
    if boxed.found is Found.UNCLOSED_BOX:
        return None
    if boxed.found is Found.BOXED:
        letter = _LETTER.fullmatch((boxed.answer or "").strip())
        return letter[1] if letter else None
    stated = _STATED.findall(
        re.sub(r"(?i)\b(answer|choice|option)\b", _lower, answer[-_TAIL_CHARS:])
    )
    if stated:
        return stated[-1]
    last_line = answer.strip().rpartition("\n")[2]
    alone = _LETTER.fullmatch(last_line)
    return alone[1] if alone and not (alone[2] or "").strip("* }$.") else None


def _lower(found: re.Match[str]) -> str:
    return found[0].lower()


def _grade(item: Item) -> Verdict:
    start = time.monotonic()
    answer = answer_part(item.text, item.finish_reason)
    letter = None if answer is None else final_letter(answer)
    wall_s = time.monotonic() - start
    if letter is None:
        cut = answer is None or item.finish_reason is FinishReason.LENGTH
        status = Status.TRUNCATED if cut else Status.UNPARSABLE
        return Verdict(status, "", "extraction", "no final letter", wall_s)
    gold = item.problem.gold.strip().strip("().").upper()
    status = Status.CORRECT if letter == gold else Status.INCORRECT
    return Verdict(status, letter, "choice", "", wall_s)
