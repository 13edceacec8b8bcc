"""Grader of numbers: the final answer is a number within a tolerance of the gold.

What is read as a number is said in `number_text`; an answer that is none is unparsable. The answer
is the last `\\boxed`, where a name may stand before it (`x = 42`); else what the last statement
says (`The answer is …`, `Answer: …`, `#### …`, `답은 …`); else the last line. It must be a number
and nothing else, up to the end of its sentence, in a last line to the end of the line: a number in
running text is no answer, and neither is one of two (`not 3 but 4`).

In doubt there is no number: a statement that is denied, supposed, asked, taken back or corrected
later (`doubt` says by which words); `5!`, an exclamation or a factorial; a line `- 5`, an item of a
list or negative; a box that is one of a list, or that a later statement of another number
contradicts.

Numbers are compared as exact fractions, so a bound is met exactly: 0.2 is within 0.1 of 0.3. An
answer is right where its distance from the gold is at most the absolute tolerance, or at most the
relative one times the gold, or, where the gold carries a tolerance, at most that. An answer that
carries a tolerance of its own is no number.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from fractions import Fraction
from typing import Final, Self

from factory.grade.contract import Item, Verdict, answer_part
from factory.grade.doubt import doubted_after, doubted_before, end_of_box
from factory.grade.format import STATEMENT
from factory.grade.math.extract import Found, final_answer
from factory.grade.number_text import GoldNumber, Number, read_gold, read_number
from schemas.candidate import FinishReason
from schemas.grade_settings import GradeNumber
from schemas.problem import Problem
from schemas.verdict import Status

_KEPT_CHARS: Final = 200
_TAIL_CHARS: Final = 4000
_END: Final = re.compile(r"\.(?=\s|\*|$)|。")
_COPULA: Final = re.compile(r"(?:입니다|이다|이에요|예요)$")
_ABOUT: Final = re.compile(r"^(?:approximately|roughly|about)\s+", re.IGNORECASE)
_QUOTED: Final = re.compile(r"`([^`]+)`|\"([^\"]+)\"|'([^']+)'|“([^“”]+)”|‘([^‘’]+)’")
_NAMED: Final = re.compile(r"[A-Za-z](?:_\w|_\{\w{1,8}\})?\s*=(.+)", re.DOTALL)
_ITEM: Final = re.compile(r"[*_\s]*[-−–]\s")
_SPACE: Final = "*_ \t"


class NumberGrader:
    """Distance of the final number from the gold."""

    def __init__(self, settings: GradeNumber) -> None:
        self._absolute = Fraction(str(settings.absolute))
        self._relative = Fraction(str(settings.relative))
        self._either = settings.percent == "either"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def grade_many(self, items: Sequence[Item]) -> list[Verdict]:
        """One verdict per item; see `factory.grade.contract.Grader`."""
        return [self._grade(item) for item in items]

    def gold_answer(self, problem: Problem) -> str:
        """The number of the gold without its tolerance."""
        gold = read_gold(problem.gold)
        return f"\\boxed{{{problem.gold if gold is None else gold.text}}}"

    def _grade(self, item: Item) -> Verdict:
        start = time.monotonic()
        answer = _answer(item)
        number = None if answer is None else read_number(answer)
        if answer is None or number is None:
            cut = item.finish_reason is FinishReason.LENGTH
            cut = cut or answer_part(item.text, item.finish_reason) is None
            status = Status.TRUNCATED if cut else Status.UNPARSABLE
            detail = "no final number" if answer is None else f"no number: {answer[:80]!r}"
            return Verdict(status, "", "extraction", detail, time.monotonic() - start)
        answer = answer.strip()[:_KEPT_CHARS]
        gold = read_gold(item.problem.gold)
        if gold is None:
            detail = f"the gold is no number: {item.problem.gold[:80]!r}"
            return Verdict(Status.ERROR, answer, "gold", detail, time.monotonic() - start)
        right = self._near(number, gold)
        status = Status.CORRECT if right else Status.INCORRECT
        return Verdict(status, answer, "number", "", time.monotonic() - start)

    def _near(self, number: Number, gold: GoldNumber) -> bool:
        wanted = gold.number.value
        allowed = gold.tolerance
        if allowed is None:
            allowed = max(self._absolute, self._relative * abs(wanted))
        if abs(number.value - wanted) <= allowed:
            return True
        if not self._either or number.percent == gold.number.percent:
            return False
        # One side lacks its percent sign: the distance is in the unit of the gold.
        shown = number.value * 100 if number.percent else number.value / 100
        return abs(shown - wanted) <= allowed


def _answer(item: Item) -> str | None:
    """The text that must be a number, None where there is none."""
    part = answer_part(item.text, item.finish_reason)
    if part is None:
        return None
    final = final_answer(part)
    if final.found is Found.UNCLOSED_BOX:
        return final.answer
    if final.found is Found.BOXED:
        return None if final.fuller else _boxed(part, final.answer or "")
    tail = part[-_TAIL_CHARS:]
    said = _stated(tail)
    if said is not None:
        return said or None
    line = tail.strip().rpartition("\n")[2]
    return None if _ITEM.match(line) else _bare(line.rstrip(_SPACE).removesuffix(".")) or None


def _boxed(part: str, content: str) -> str | None:
    """What stands in the last box, None where what follows it puts it in doubt."""
    end = end_of_box(part, content)
    if end is None or doubted_after(part, end):
        return None
    named = _NAMED.fullmatch(content.strip())
    answer = named[1] if named else content
    number, later = read_number(answer), read_number(_stated(part[end:][-_TAIL_CHARS:]) or "")
    return None if number and later and number.value != later.value else answer


def _stated(tail: str) -> str | None:
    """What the last statement says, empty where it is in doubt, None without any."""
    for found in reversed(list(STATEMENT.finditer(tail))):
        if doubted_before(tail, found.start()):
            continue
        said = tail[found.end() :].partition("\n")[0]
        if said.strip():
            sentence = _END.split(said.strip(_SPACE), maxsplit=1)[0]
            begin = found.end() + len(said) - len(said.lstrip(_SPACE))
            doubted = doubted_after(tail, begin + len(sentence))
        else:  # what it says is the last line
            sentence = tail.strip().rpartition("\n")[2]
            doubted = bool(_ITEM.match(sentence)) or doubted_after(tail, found.end())
            sentence = _END.split(sentence.strip(_SPACE), maxsplit=1)[0]
        return "" if doubted else _bare(sentence)
    return None


def _bare(sentence: str) -> str:
    """A sentence without emphasis, quotation marks, the ending of its verb and `approximately`."""
    sentence = _COPULA.sub("", sentence.strip(_SPACE)).strip(_SPACE)
    if quoted := _QUOTED.fullmatch(sentence):
        sentence = next(group for group in quoted.groups() if group)
    return _ABOUT.sub("", sentence.strip(_SPACE)).strip(_SPACE)
