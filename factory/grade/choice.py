"""Grader of multiple choice: the final letter equals the gold letter, A to J.

The letter is read, in this order, from the last `\\boxed`; from the last statement (`answer is
(B)`, `Answer: B`, `choice is B`, `<answer>B</answer>`, `答案是B`, `故选B`, `정답은 B`); from a last
line that is a letter alone (`B`, `(B)`, `**B.**`) or an option (`B) 25`). The last of several boxes
or statements counts: it corrects the ones before it.

In doubt there is no letter. Letters in running text are none (`Option C is wrong`; `A` and `I` are
English words); nor is a statement or a box that names two (`A or B`, `B - C`), that is denied,
supposed, asked, taken back or corrected later (`doubt` says by which words), or that another final
letter after it contradicts; nor a last line of a list of options. Lower-case letters and the text
of an option instead of its letter are not read.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Final, Self

from factory.grade.contract import Item, Verdict, answer_part
from factory.grade.doubt import doubted_after, doubted_before, end_of_box
from factory.grade.math.extract import Found, final_answer
from schemas.candidate import FinishReason
from schemas.problem import Problem
from schemas.verdict import Status

_OPEN: Final = (
    r"(?:[\s*_$({\[\"'“‘`~:]|\\[;,!: ]"
    r"|\\(?:text|mathrm|textbf|mathbf|textsf|mathsf|bf|rm|large)(?![A-Za-z])"
    r"|(?i:option|choice)(?![A-Za-z])){0,24}+"
)
_CLOSE: Final = r"(?:[\s*_}$\"'”’`~]|\\[;,!: ]){0,16}+"
_UNPRIMED: Final = r"(?:(?<=['‘][A-J])|(?!['’]))"
_LETTER: Final = re.compile(
    rf"{_OPEN}([A-J]){_UNPRIMED}(?:{_CLOSE}[)\].:](.*)|{_CLOSE})", re.DOTALL
)
"""A letter alone, or a letter with its mark and perhaps the text of the option: `B) 25`."""
_STATED: Final = re.compile(
    r"(?:\b(?i:answer|choice|option)\b[ \t*_]{0,8}(?:(?i:is)\b|:)|<answer>|答案[ \t*]{0,8}[是为:]"
    r"|(?:故|因此|所以|应)选择?"
    r"|(?<![가-힣])(?:정답[은는]?|답(?:은|(?=[ \t*]{0,8}:)))(?=[ \t*:(A-J]))"
    rf"{_OPEN}([A-J]){_UNPRIMED}(?![A-Za-z0-9_^]|[ \t]*(?:[=+>]|<(?!/answer>)))"
)
_NEXT: Final = r"(?:\\text ?\{)?[A-J](?![A-Za-z'])"
_ANOTHER: Final = re.compile(
    r"[ \t*_}$)\]\"'”’`]*+(?:"
    r"(?:(?:\b(?:or|and|nor|but|also|maybe|perhaps|possibly|either|not|option|choice|to|through"
    r"|plus|minus|times|no)\b|[,;/&|+、(…—–−-]|\.{2,}+"
    r"|\\(?:cap|cup|cdot|times|setminus|vee|wedge)(?![A-Za-z])|或|还是|和|또는|와|과)[\s*${\[]*+)++"
    rf"{_NEXT}|\\text ?\{{\({_NEXT}|(?:[B-HJ]|[AI](?![ \t]+[a-z]))(?![A-Za-z']))"
)
"""A second letter that follows the first one."""
_LISTED: Final = re.compile(r"(?:[,;/&|、]|\b(?:or|and)\b|或|和|또는)[ \t*]{0,4}[A-J]\)")
"""A second option on the same line."""
_AMONG: Final = re.compile(
    rf"{_LISTED.pattern}|(?<![A-Za-z\\])[A-J][).:](?![A-Za-z0-9])"
    r"|(?:[,;/&|、]|\b(?:or|and)\b|或|和|또는)[ \t*({]{0,4}[A-J](?![A-Za-z'0-9_^]|[ \t]*[=+<>])"
)
"""A second letter anywhere in the text of an option."""
_WORD: Final = re.compile(r"[ \t]+(?!(?:because|since|as|for|which|with|due|by|and|but)\b)[a-z]")
"""After an `A` or `I` without a mark: it was a word."""
_OPTION: Final = re.compile(
    r"[\s*_(\[]{0,8}[A-J](?:[*_]{0,4}[)\]]|[*_]{0,4}\.[*_]{0,4}\s+[^a-z\s])"
)
_ITEM: Final = re.compile(r"[\s*_(\[>-]{0,8}[A-J](?![A-Za-z'])[*_]{0,4}(?:[)\].:]|\s*$)")
"""A line of a list of options."""
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
    if boxed.found is Found.UNCLOSED_BOX or (boxed.found is Found.BOXED and boxed.fuller):
        return None
    if boxed.found is Found.BOXED:
        content = boxed.answer or ""
        end = end_of_box(answer, content)
        letter = _boxed(content)
        if end is None or doubted_after(answer, end):
            return None
        return letter if _stated(answer[end:][-_TAIL_CHARS:]) in (None, letter) else None
    stated = _stated(answer[-_TAIL_CHARS:])
    if stated == "":
        return None
    lines = [line for line in answer[-_TAIL_CHARS:].split("\n") if line.strip()][-2:]
    if not lines or len(answer.strip().rpartition("\n")[2]) > _TAIL_CHARS:
        return stated
    alone = _LETTER.fullmatch(lines[-1].strip())
    if alone and not (alone[2] or "").strip("* }$."):
        if stated:
            return stated if stated == alone[1] else None
        return None if len(lines) > 1 and _ITEM.match(lines[0]) else alone[1]
    return stated or _option(lines)


def _boxed(content: str) -> str | None:
    letter = _LETTER.fullmatch(content.strip())
    if letter is None or _ANOTHER.match(letter[2] or "") or _AMONG.search(letter[2] or ""):
        return None
    return letter[1]


def _option(lines: list[str]) -> str | None:
    """The letter of a last line that is an option with its text; none of a list of options."""
    line = lines[-1].strip()
    found = _LETTER.fullmatch(line)
    if found is None or not _OPTION.match(line) or (len(lines) > 1 and _ITEM.match(lines[0])):
        return None
    doubted = _boxed(line) is None or doubted_after(line, found.start(2))
    return None if doubted else found[1]


def _stated(text: str) -> str | None:
    """The letter of the last statement, empty where it is in doubt, None without any."""
    for found in reversed(list(_STATED.finditer(text))):
        after = text[found.end() : found.end() + 80]
        if doubted_before(text, found.start()):
            continue
        if found[1] in "AI" and _WORD.match(after) and found[0][-2] not in "([{*$\"'“‘`":
            continue
        another = _ANOTHER.match(after) or _LISTED.search(after.partition("\n")[0])
        return "" if another or doubted_after(text, found.end()) else found[1]
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
