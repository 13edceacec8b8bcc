"""Grader of multiple choice: the final letter equals the gold letter, A to J.

The letter is read, in this order, from the last `\\boxed`; from the last statement (`answer is
(B)`, `Answer: B`, `choice is B`, `答案是B`, `정답은 B`); from a last line that is a letter and
nothing else (`B`, `(B)`, `**B.**`). The last of several boxes or statements counts: it corrects
the ones before it.

In doubt there is no letter. Letters in running text are none (`Option C is wrong`; `A` and `I` are
English words); nor is a statement that names two (`A or B`, `B, C`), that is denied, supposed or
asked (`if the answer is A`, `the answer is A?`), or that another final letter after it
contradicts. Lower-case letters and the text of an option instead of its letter are not read.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Final, Self

from factory.grade.contract import Item, Verdict, answer_part
from factory.grade.math.extract import Found, final_answer
from schemas.candidate import FinishReason
from schemas.problem import Problem
from schemas.verdict import Status

_WRAP: Final = r"(?:\\(?:text|mathrm|textbf|mathbf|textsf) ?\{)?"
_LETTER: Final = re.compile(
    rf"[\s*$({{\[]{{0,8}}{_WRAP}[\s*$({{\[]{{0,8}}([A-J])"
    r"(?:[\s*}$]{0,8}[)\].:](.*)|[\s*}$]{0,8})",
    re.DOTALL,
)
"""A letter alone, or a letter with its mark and perhaps the text of the option: `B) 25`."""
_STATED: Final = re.compile(
    r"(?:\b(?i:answer|choice|option)\b[ \t*_]{0,8}(?:(?i:is)\b|:)"
    r"|答案[ \t*]{0,8}[是为:]|정답[은는]?(?=[ \t*:(A-J]))"
    rf"[\s*_:$({{\[]{{0,8}}(?:(?i:option|choice)\b)?[\s*_:$({{\[]{{0,8}}{_WRAP}[\s*$({{\[]{{0,8}}"
    r"([A-J])(?![A-Za-z'0-9_^]|[ \t]*[=+<>])"
)
_DOUBT: Final = re.compile(
    r"\b(?:if|whether|unless|suppose|assum(?:e|ing)|doubt|unlikely|wrong|incorrect|false|might|may"
    r"|could)\b"
    r"|(?:\bnot|n't|\bnever)\s+(?:true|the case|believe|think|say|mean|sure|certain|clear)\b"
    r"|如果|假设|不是|만약",
    re.IGNORECASE,
)
"""Words before a statement, in its clause, that take it back."""
_CLAUSE: Final = re.compile(r"[.!?;,:\n。，]|\b(?:so|therefore|thus|hence|then)\b", re.IGNORECASE)
_ANOTHER: Final = re.compile(
    r"[ \t*}$)\]]*(?:"
    r"(?:(?:\b(?:or|and|nor|but|also|maybe|perhaps|possibly|either|not|option|choice)\b"
    r"|[,/&|+、]|或|和|또는|와|과)[ \t*$({\[]*)+(?:\\text ?\{)?\(?[A-J]"
    r"|(?:\\text ?\{)?\([A-J]"
    r"|(?:[B-HJ]|[AI](?![ \t]+[a-z]))"
    r")(?![A-Za-z'])"
)
"""A second letter that follows the first one."""
_WORD: Final = re.compile(r"[ \t]+(?!(?:because|since|as|for|which|with|due|by|and|but)\b)[a-z]")
"""After an `A` or `I` without a mark: it was a word."""
_ASKED: Final = re.compile(r"[^.!\n]{0,40}\?")
_BOX: Final = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])")
_WIDE: Final = str.maketrans("（）：．？，", "():.?,")
_TAIL_CHARS: Final = 2000


class ChoiceGrader:
    """Equality of the final letter with the gold letter."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def grade_many(self, items: Sequence[Item]) -> list[Verdict]:
        """One verdict per item; see `factory.grade.contract.Grader`."""
        return [_grade(item) for item in items]

    def gold_answer(self, problem: Problem) -> str:
        """The letter of the gold in a box."""
        return f"\\boxed{{{gold_letter(problem.gold) or problem.gold}}}"


def gold_letter(gold: str) -> str | None:
    """The letter of a gold (`B`, `(b)`, `B)`, `\\text{(B)}`), None where it is none."""
    found = _LETTER.fullmatch(re.sub(r"(?<![\\A-Za-z])[a-j](?![A-Za-z])", _upper, gold.strip()))
    return found[1] if found and not (found[2] or "").strip("* }$.") else None


def final_letter(answer: str) -> str | None:
    """The letter that an answer (what follows the reasoning) settles on, None where it has none."""
    answer = answer.translate(_WIDE)
    boxed = final_answer(answer)
    if boxed.found is Found.UNCLOSED_BOX:
        return None
    if boxed.found is Found.BOXED:
        last = [found.end() for found in _BOX.finditer(answer)][-1]
        later = _stated(answer[last:][-_TAIL_CHARS:])
        letter = _boxed(boxed.answer or "")
        return letter if later in (None, letter) else None
    stated = _stated(answer[-_TAIL_CHARS:])
    alone = _LETTER.fullmatch(answer.strip().rpartition("\n")[2])
    last_line = alone[1] if alone and not (alone[2] or "").strip("* }$.") else None
    if stated == "":
        return None
    return None if stated and last_line and stated != last_line else stated or last_line


def _boxed(content: str) -> str | None:
    letter = _LETTER.fullmatch(content.strip())
    if letter is None or _ANOTHER.match(letter[2] or ""):
        return None
    return letter[1]


def _stated(text: str) -> str | None:
    """The letter of the last statement, empty where it names two or asks, None without any."""
    for found in reversed(list(_STATED.finditer(text))):
        clause = _CLAUSE.split(text[max(0, found.start() - 120) : found.start()])[-1]
        after = text[found.end() : found.end() + 80]
        if _DOUBT.search(clause):
            continue
        if found[1] in "AI" and _WORD.match(after) and found[0][-2:-1] not in "([{*$":
            continue
        return "" if _ANOTHER.match(after) or _ASKED.match(after) else found[1]
    return None


def _upper(found: re.Match[str]) -> str:
    return found[0].upper()


def _grade(item: Item) -> Verdict:
    start = time.monotonic()
    answer = answer_part(item.text, item.finish_reason)
    letter = None if answer is None else final_letter(answer)
    wall_s = time.monotonic() - start
    if letter is None:
        cut = answer is None or item.finish_reason is FinishReason.LENGTH
        status = Status.TRUNCATED if cut else Status.UNPARSABLE
        return Verdict(status, "", "extraction", "no final letter", wall_s)
    gold = gold_letter(item.problem.gold)
    if gold is None:
        return Verdict(Status.ERROR, letter, "gold", "the gold is no letter from A to J", wall_s)
    status = Status.CORRECT if letter == gold else Status.INCORRECT
    return Verdict(status, letter, "choice", "", wall_s)
