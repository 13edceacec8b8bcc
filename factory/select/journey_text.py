"""The text of a journey: a wrong attempt, the moment it is noticed, and the right one.

Covered: completions with one `<think>…</think>` (`think`), where the attempt and its wrong answer
go into the trace before the accepted one, and the answer part stays as it was, so every grader
that reads the answer part finds in a journey what it found in the accepted candidate; and plain
chains of thought with a `\\boxed` answer (`plain`), where the boxes of the attempt are taken off,
so that the boxes left are those of the accepted candidate. Elsewhere two answers in plain text
cannot be told apart, and there is no journey.

The sentence that notices says no more than the verdict does: that this answer is wrong, that this
program is or that it raises. It claims no check that nobody made, and names neither the gold nor a
failing case, which the student will not see either. It is English, so texts in other writing
systems are left alone; French or Vietnamese are not told from English.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from factory.select.rules import CLOSE, OPEN
from factory.select.scripts import scripts_in
from schemas.problem import Domain, GraderName
from schemas.verdict import Status


class Style(StrEnum):
    """How a completion shows its reasoning."""

    THINK = "think"
    PLAIN = "plain"


NAMED: Final = (
    "Wait, {it} is not right. Let me work it out again.",
    "Hmm, {it} cannot be right, there is a mistake above. Once more from the start.",
    "But {it} is wrong. I should go back and do it again.",
    "Let me look at that again. It is not {it}, so I start over.",
    "No, that gives {it}, which is not correct. I will try again.",
)
UNNAMED: Final = (
    "Wait, that is not right. Let me work it out again.",
    "Hmm, this cannot be right, there is a mistake above. Once more from the start.",
    "But that is wrong. I should go back and do it again.",
    "Let me look at that again. This is not the answer, so I start over.",
    "No, that is not correct. I will try again.",
)
PROGRAM: Final = (
    "Wait, this program does not do what is asked. Let me think again.",
    "Hmm, this code is wrong somewhere. Once more from the start.",
    "But this does not give the right results. I should go back and write it again.",
    "Let me look at that again. The program is not right, so I start over.",
    "No, this code is not correct. I will try again.",
)
RAISES: Final = (
    "Wait, this program would not run to its end. Let me think again.",
    "Hmm, this code would stop with an error. Once more from the start.",
    "But this fails when it runs. I should go back and write it again.",
)
"""The wordings of noticing: of an answer that is short enough to name, of one that is not, of a
program, of a program that raises."""

_ANSWERED: Final = {
    GraderName.MATH,
    GraderName.CODE,
    GraderName.CHOICE,
    GraderName.TEXT,
    GraderName.EXACT,
    GraderName.NUMBER,
    GraderName.PROCEDURAL,
    GraderName.MAJORITY,
}
"""Graders whose `incorrect` says that the answer is wrong, not its format or language."""
_BOXED: Final = {GraderName.MATH, GraderName.MAJORITY, GraderName.CHOICE, GraderName.NUMBER}
"""Of these, graders that read the last box of a plain text."""
_ENDINGS: Final = ("<|", "<｜", "</s>")
_BOX: Final = re.compile(r"\\(?:boxed|fbox) *\{")
_BARE_BOX: Final = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z]) *")
_BRACE: Final = re.compile(r"\\.|[{}]", re.DOTALL)
_FENCE: Final = re.compile(r"^[ \t>]*(?:```|~~~)", re.MULTILINE)
_CONCLUSION_CHARS: Final = 400
_NAME_CHARS: Final = 40


def style_of(text: str, *, grader: str, reasoning: bool) -> Style | None:
    """How a completion can be part of a journey, accepted or rejected; None where it cannot.

    That its reasoning makes sense is for the rules of `select` to say, which a rejected part of a
    journey must pass as a sample does. Linear in the length of the text.

    Args:
        text: The whole completion.
        grader: Of its problem; installed graders of others have no journeys.
        reasoning: Whether its problem is solved by a chain of thought.
    """
    if not reasoning or grader not in _ANSWERED or any(ending in text for ending in _ENDINGS):
        return None
    if scripts_in(text):
        return None
    if OPEN not in text and CLOSE not in text:
        return Style.PLAIN if grader in _BOXED and _BOX.search(text) else None
    before, trace, answer = _parts(text)
    once = text.count(OPEN) == text.count(CLOSE) == 1
    return Style.THINK if once and not before and trace and answer else None


def journey_text(
    accepted: str, rejected: str, *, uuid: str, domain: str, status: str, extracted: str
) -> str:
    """The assistant's turn of a journey; ends as the accepted completion does.

    Args:
        accepted: A correct completion.
        rejected: A wrong one of the same style (`style_of`).
        uuid: Of the journey, 32 hexadecimal digits; draws the wording.
        domain: Of the problem.
        status: Verdict on the rejected one.
        extracted: Its answer; named where it is short and stands in the text.
    """
    if OPEN not in accepted:
        attempt = unboxed(rejected).strip()
        notice = _notice(attempt, uuid, domain, status, extracted)
        return f"{attempt}\n\n{notice}\n\n{accepted.strip()}"
    _, wrong, answer = _parts(rejected)
    attempt = f"{wrong}\n\n{_conclusion(answer)}"
    notice = _notice(attempt, uuid, domain, status, extracted)
    _, opened, rest = accepted.partition(OPEN)
    space = rest[: len(rest) - len(rest.lstrip())]
    return f"{opened}{space}{attempt}\n\n{notice}\n\n{rest.lstrip()}"


def unboxed(text: str) -> str:
    """The text with what stood in its boxes, but no box: `\\boxed{\\frac12}` is `\\frac12`.

    A box that is never closed loses its opening alone.
    """
    pieces: list[str] = []
    start = 0
    open_boxes: list[int] = []
    depth = 0
    boxes = {found.end() - 1: found.start() for found in _BOX.finditer(text)}
    for brace in _BRACE.finditer(text, min(boxes, default=len(text))):
        if brace[0] == "{":
            depth += 1
            if brace.start() in boxes:
                open_boxes.append(depth)
                pieces.append(text[start : boxes[brace.start()]])
                start = brace.end()
        elif brace[0] == "}":
            if open_boxes and open_boxes[-1] == depth:
                open_boxes.pop()
                pieces.append(text[start : brace.start()])
                start = brace.end()
            depth -= 1
    return _BARE_BOX.sub("", "".join([*pieces, text[start:]]))


def _parts(text: str) -> tuple[str, str, str]:
    """What stands before `<think>`, the trace and the answer part, without space around them."""
    before, _, rest = text.partition(OPEN)
    trace, _, answer = rest.partition(CLOSE)
    return before.strip(), trace.strip(), answer.strip()


def _conclusion(answer: str) -> str:
    """An answer part that is short or holds a program; of a long one, what tells the trace again
    is left out: all before the paragraph of its last box, or before its last paragraph."""
    if len(answer) <= _CONCLUSION_CHARS or _FENCE.search(answer):
        return answer
    box = answer.rfind("\\boxed")
    paragraph = answer.rfind("\n\n", 0, len(answer) if box < 0 else box)
    return answer[paragraph + 1 :].strip()


def _notice(attempt: str, uuid: str, domain: str, status: str, extracted: str) -> str:
    wordings = UNNAMED
    if status == Status.ERROR:
        wordings = RAISES
    elif 0 < len(extracted) <= _NAME_CHARS and "\n" not in extracted and extracted in attempt:
        wordings = NAMED
    elif domain == Domain.CODE:
        wordings = PROGRAM
    formula = any(sign in extracted for sign in "\\^_{") and "$" not in extracted
    it = f"${extracted}$" if formula else extracted
    return wordings[int(uuid, 16) % len(wordings)].replace("{it}", it)
