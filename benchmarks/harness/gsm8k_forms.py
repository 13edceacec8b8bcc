r"""The forms in which models write the answer to a word problem, as functions of a worked solution.

Each takes the reasoning and the answer that it comes to (right or wrong, digits without commas) and
returns a whole response. What a form is about stands in its name; `####` is GSM8K's own, `The
answer is 18.` that of lm-evaluation-harness's chain-of-thought prompts, the box that of the R1
report.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Worked:
    """A solution as a model might reach it."""

    reasoning: str
    """Sentences, without the line of the answer; may be wrong with the answer."""
    answer: str
    """Digits with an optional sign; never a comma."""
    other: str
    """Another number, which is not the gold: for answers taken back, hedges and asides."""
    unit: str


Form = Callable[[Worked], str]


def commas(answer: str) -> str:
    """`1234` -> `1,234`."""
    return f"{int(answer):,}"


def _behind(ending: str) -> Form:
    """The reasoning and, on a new line, an ending with `{v}`, `{c}` (commas), `{o}`, `{u}`."""

    def form(one: Worked) -> str:
        filled = ending.replace("{v}", one.answer).replace("{c}", commas(one.answer))
        filled = filled.replace("{o}", one.other).replace("{u}", one.unit)
        return f"{one.reasoning}\n{filled}"

    return form


def _thought(ending: str) -> Form:
    """The reasoning between `<think>` and `</think>`, with another answer on the way."""

    def form(one: Worked) -> str:
        first = f"The answer is {one.other}. Wait, let me check that again.\n{one.reasoning}"
        filled = ending.replace("{v}", one.answer)
        return f"<think>\nSo at first sight: {first}\n</think>\n\n{filled}"

    return form


def _cut(one: Worked) -> str:
    """The first half of the reasoning, at a blank."""
    half = one.reasoning[: max(len(one.reasoning) // 2, 1)]
    return half.rpartition(" ")[0] or half


def _unclosed(one: Worked) -> str:
    return f"<think>\n{one.reasoning}\nSo the answer is {one.answer}. But wait, let me re-read"


def _in_words(one: Worked) -> str:
    return f"{one.reasoning}\nThe answer is {words(int(one.answer))}."


FORMS: Final[dict[str, Form]] = {
    "#### 18": _behind("#### {v}"),
    "#### 1,234": _behind("#### {c}"),
    "#### $18": _behind("#### ${c}"),
    "#### 18.00": _behind("#### {v}.00"),
    "#### 18 units": _behind("#### {v} {u}"),
    "#### 17, taken back": _behind("#### {o}\nWait, I forgot a step. Corrected:\n#### {v}"),
    "#### 18, next question": _behind(
        "#### {v}\n\nQuestion: A shop sells 7 pens a day. How many in 2 days?\n"
        "Answer: 7 * 2 = 14\n#### 14"
    ),
    "The answer is 18.": _behind("The answer is {v}."),
    "The answer is $18.": _behind("So the answer is ${c}."),
    "The answer is 18 units.": _behind("The answer is {c} {u}."),
    "The answer is **18**.": _behind("The answer is **{v}**."),
    "The answer is 17, taken back": _behind(
        "The answer is {o}. No, that leaves out a step.\nThe answer is {v}."
    ),
    "The answer is 18. A check behind": _behind(
        "The answer is {v}. I checked each of the 3 steps twice."
    ),
    "The answer is 18...": _behind("The answer is {v}..."),
    "The answer is eighteen.": _in_words,
    "The answer is 17 or 18.": _behind("The answer is {o} or {v}."),
    "The final answer is 18": _behind("The final answer is {v}"),
    "**Answer:** 18": _behind("**Answer:** {c}"),
    "Answer: 18, a note behind": _behind(
        "Answer: {v}\n\nNote: this assumes that all 7 days of the week are alike."
    ),
    "\\boxed{18}": _behind("\\boxed{{v}}"),
    "$\\boxed{18}$.": _behind("Therefore, the answer is $\\boxed{{v}}$."),
    "\\boxed{\\$18}": _behind("\\[\n\\boxed{\\${c}}\n\\]"),
    "\\boxed{18 units}": _behind("\\boxed{{v} \\text{ {u}}}"),
    "$$\\boxed{1,234}$$": _behind("$$\\boxed{{c}}$$"),
    "\\boxed{18.0}": _behind("So we get \\boxed{{v}.0}"),
    "\\boxed{17}, taken back": _behind("\\boxed{{o}}\nWait, one step is missing.\n\\boxed{{v}}"),
    "<think>, \\boxed{18}": _thought("Adding it all up gives \\boxed{{v}}."),
    "<think>, #### 18": _thought("#### {v}"),
    "<think>, The answer is 18.": _thought("The answer is {v}."),
    "<think>, never closed": _unclosed,
    "cut": _cut,
    "a sentence": _behind("So in the end there are {c} {u}"),
    "$x = 18$": _behind("Therefore, $x = {v}$."),
}

COMMITS_TO_NONE: Final = frozenset({"<think>, never closed", "cut", "The answer is 17 or 18."})
"""Forms that give no answer that could be right: cut short, or two at once."""
CUT: Final = frozenset({"<think>, never closed", "cut"})
"""Forms that ended at a token limit."""

_UNDER_20: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS: Final = (
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
_LARGE: Final = ((10**6, "million"), (1000, "thousand"), (100, "hundred"))


def words(number: int) -> str:
    """A whole number in English words."""
    if number < 0:
        return f"minus {words(-number)}"
    if number < 20:
        return _UNDER_20[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens] + (f"-{_UNDER_20[ones]}" if ones else "")
    size, name = next(large for large in _LARGE if number >= large[0])
    many, rest = divmod(number, size)
    return f"{words(many)} {name}" + (f" {words(rest)}" if rest else "")
