"""Why we and lm-evaluation-harness differ on a response, read off the texts that each compared.

Each class is a property of what was compared, checked on the response itself; a difference of which
none holds is `UNEXPLAINED`. In the comment of a class stands who is right.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from .stored import Response

INVALID: Final = "[invalid]"
"""What the harness' filter gives where its pattern is nowhere."""


class Why(StrEnum):
    """Classes of difference; the letter is how the stored fixture writes it."""

    AGREE = "."
    OTHER_WORDS = "w"
    """strict-match wants one wording, and the answer stands in another: we are right."""
    SIGN_BEFORE = "s"
    """Its wording is there, but `$` stands before the digits: we are right."""
    FIRST_OF_TWO = "f"
    """strict-match takes the first of two answers, we the last, which stands: we are right."""
    REASONING = "r"
    """strict-match takes the first of two answers, which stands before `</think>`; only what comes
    behind it is an answer: we are right. The harness can be told where thinking ends."""
    AS_TEXT = "t"
    """The same number spelled otherwise (`18.00`, `18...`), which it compares as text: we are."""
    NO_DIGIT = "d"
    """Its pattern for numbers took signs without a digit (`$.`, `$$`): we are right."""
    NUMBER_BEHIND = "b"
    """flexible-extract takes the last number, which stands behind the answer: we are right. Now and
    then that number is the gold behind a wrong answer."""
    IN_WORDS = "o"
    """The answer is in words, and flexible-extract takes an earlier number: by luck the right one,
    or not; we read the words."""
    NOT_FINISHED = "c"
    """flexible-extract takes a number out of a response that was cut before its answer: we are
    right that there is none."""
    TWO_ANSWERS = "h"
    """flexible-extract takes the last of two answers that are given at once: we are right that
    this is none."""
    STOP_WORD = "q"
    """The response goes on with a next question, at which the harness stops generation by a stop
    word, and we read all that a model wrote: the harness is right."""
    UNEXPLAINED = "?"


_MARKERS: Final = {
    "gsm8k": "#### ",
    "gsm8k-cot-zeroshot": "The answer is ",
    "gsm8k-cot-llama": "The final answer is ",
}
_ALTERNATIVES: Final = re.compile(r"is -?[\d,]+ or -?[\d,]+")
_WORDS: Final = re.compile(r"is [a-z]+(?:[ -][a-z]+)*\.$")
_NEXT: Final = "\n\nQuestion:"


def why(
    response: Response, ours: bool, extracted: str, theirs: bool, their_text: str, how: str
) -> Why:
    """The class of one difference.

    Args:
        ours, extracted: Our verdict, and the answer that we compared.
        theirs, their_text: The harness' verdict, and what its filter extracted.
        how: `task/filter`.
    """
    if ours == theirs:
        return Why.AGREE
    task, _, name = how.partition("/")
    text = response.text
    if _NEXT in text and number(extracted) == number(text.rpartition("####")[2]):
        return Why.STOP_WORD
    if name == "strict-match":
        return _strict(text, ours, extracted, their_text, _MARKERS[task])
    if response.cut and theirs and not extracted:
        return Why.NOT_FINISHED
    last = text.rstrip().rpartition("\n")[2]
    if _ALTERNATIVES.search(last) and theirs:
        return Why.TWO_ANSWERS
    if _WORDS.search(last) and not re.search(r"\d", last):
        return Why.IN_WORDS
    if ours and not re.search(r"\d", their_text):
        return Why.NO_DIGIT
    if ours and number(their_text) == number(extracted):
        return Why.AS_TEXT
    at = text.rfind(extracted)
    is_behind = at >= 0 and their_text in text[at + len(extracted) :]
    return Why.NUMBER_BEHIND if is_behind else Why.UNEXPLAINED


def _strict(text: str, ours: bool, extracted: str, their_text: str, marker: str) -> Why:
    """Of strict-match."""
    if not ours:
        return Why.UNEXPLAINED
    if their_text == INVALID:
        if marker in text:
            return Why.SIGN_BEFORE if f"{marker}$" in text else Why.OTHER_WORDS
        return Why.OTHER_WORDS
    if number(their_text) == number(extracted):
        return Why.AS_TEXT
    first = text.find(f"{marker}{their_text}")
    if not 0 <= first < text.rfind(extracted):
        return Why.UNEXPLAINED
    return Why.REASONING if first < text.find("</think>") else Why.FIRST_OF_TWO


def number(text: str) -> float | None:
    """The value of digits with commas, money signs and dots behind; None where there is none."""
    digits = re.sub(r"\\[a-z]+\s*\{[^}]*\}|[,$\\ ]", "", text).strip().rstrip(".")
    try:
        return float(digits)
    except ValueError:
        return None
