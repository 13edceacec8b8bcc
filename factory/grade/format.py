"""Grader of form: thinking closed once, then exactly one final answer; what it says is not judged.

The rules, in order: `<think>` stands at most once, and nothing before it (a prompt may have opened
it, and imported text may lack it); `</think>` stands exactly once, after it; the thinking is not
empty; after it comes exactly one final answer, in the form that `[grade.format]` asks for: one
complete `\\boxed` with something in it, one statement, or any text. The detail of a verdict names
the first rule that is broken.

A completion that was cut, or whose thinking was opened and never closed, is truncated. The gold is
not read: the same problems can be graded for their answers by another grader.

Not covered: tags in capitals or of other names; whether the thinking is any good; other text around
the final answer, which may be as long as it likes; statements in languages other than English,
Chinese and Korean.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from itertools import islice
from typing import Final, Self

from factory.grade.contract import Item, Verdict
from factory.grade.math.extract import Found, final_answer
from schemas.candidate import FinishReason
from schemas.grade_settings import GradeFormat
from schemas.problem import Problem
from schemas.verdict import Status

_OPEN: Final = "<think>"
_CLOSE: Final = "</think>"
_BOX: Final = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])")
STATEMENT: Final = re.compile(
    r"(?:^[ \t]{0,8}####[ \t]*(?=[-+$\\{(]{0,4}[0-9])|\banswer\b[ \t*_]{0,8}(?:is\b[ \t]{0,8}:?|:)"
    r"|(?:答案|答)[ \t*]{0,8}(?:是|为|:|：)|(?:정답|답)(?:은|[ \t*]{0,8}[:：]))"
    r"[ \t*_]*(?=(?P<said>[^\n]*))",
    re.IGNORECASE | re.MULTILINE,
)
"""A statement of the final answer; `said` is the rest of its line."""
_EMPTY: Final = re.compile(r"\\(?:text|mathrm|quad|,|;|:|!| |$)|[\s{}]")
_KEPT_CHARS: Final = 2000


class FormatGrader:
    """The rules above, with the final answer that the recipe asks for."""

    def __init__(self, settings: GradeFormat) -> None:
        self._form = settings.answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def grade_many(self, items: Sequence[Item]) -> list[Verdict]:
        """One verdict per item; see `factory.grade.contract.Grader`."""
        return [self._grade(item) for item in items]

    def gold_answer(self, problem: Problem) -> None:
        """Nothing: there is no gold."""

    def _grade(self, item: Item) -> Verdict:
        start = time.monotonic()
        cut = item.finish_reason is FinishReason.LENGTH
        if cut or (_OPEN in item.text and _CLOSE not in item.text):
            detail = "cut at the token limit" if cut else f"{_CLOSE} is missing"
            wall_s = time.monotonic() - start
            return Verdict(Status.TRUNCATED, "", "format", detail, wall_s)
        answer, broken = self._judge(item.text)
        status = Status.INCORRECT if broken else Status.CORRECT
        extracted = "" if broken else answer[:_KEPT_CHARS]
        return Verdict(status, extracted, "format", broken, time.monotonic() - start)

    def _judge(self, text: str) -> tuple[str, str]:
        """The final answer, and the first rule that is broken; empty where none is."""
        opened, closed = text.count(_OPEN), text.count(_CLOSE)
        if opened > 1:
            return "", f"expected {_OPEN} at most once, found {opened}"
        if closed != 1:
            return "", f"expected {_CLOSE} once, found {closed}"
        head, _, answer = text.partition(_CLOSE)
        before, tag, thinking = head.rpartition(_OPEN)
        if opened and not tag:
            return "", f"expected {_OPEN} before {_CLOSE}, found it after"
        if before.strip():
            return "", f"expected nothing before {_OPEN}, found {before.strip()[:40]!r}"
        if not thinking.strip():
            return "", "expected some thinking, found none"
        if not answer.strip():
            return "", "expected an answer after the thinking, found none"
        return self._final(answer.strip())

    def _final(self, answer: str) -> tuple[str, str]:
        if self._form == "text":
            return answer, ""
        if self._form == "boxed":
            boxes = len(_BOX.findall(answer))
            if boxes != 1:
                return "", f"expected one \\boxed after the thinking, found {boxes}"
            box = final_answer(answer)
            inside = _EMPTY.sub("", box.answer or "")
            if box.found is not Found.BOXED or not inside:
                return "", "expected a \\boxed that is closed and not empty"
            return box.answer or "", ""
        found = list(islice(STATEMENT.finditer(answer), 2))
        if len(found) != 1:
            count = "more" if found else "none"
            return "", f"expected one statement of the answer after the thinking, found {count}"
        said = found[0]["said"].strip(" \t*_.$") or _next_line(answer, found[0].end())
        return (said, "") if said else ("", "expected a statement that says something")


def _next_line(answer: str, end: int) -> str:
    """What a statement with nothing behind it on its line says on the next that holds something."""
    return answer[end : end + _KEPT_CHARS].lstrip().partition("\n")[0].strip(" \t*_.$")
