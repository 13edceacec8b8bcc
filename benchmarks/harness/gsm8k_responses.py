"""Stored responses to GSM8K's test problems, made from its own worked solutions.

Which form a response has, whether it is right and by which slip it is wrong follow from the numbers
of problem and response alone, so the same responses come out everywhere. Each form is used equally
often, and each with right and with wrong answers; slips are those that models make: off by one, a
step left out, a factor of ten, a half, two digits changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from .gsm8k_forms import COMMITS_TO_NONE, CUT, FORMS, Worked
from .stored import SAMPLES, Response

_STEP: Final = re.compile(r"<<[^>]*>>")
_NUMBER: Final = re.compile(r"(?<![\d.,])\d[\d,]*(?:\.\d+)?")
_UNITS: Final = ("dollars", "eggs", "apples", "hours", "people", "miles", "pages", "minutes")
WRONG_OF_TEN: Final = 4
"""So many of ten responses are made with a slip."""


def gsm8k_responses(
    rows: Sequence[dict[str, Any]], forms: Sequence[str] = tuple(FORMS), samples: int = SAMPLES
) -> list[Response]:
    """So many responses to each row of the test file, in these forms in turn."""
    return [
        one for at, row in enumerate(rows) for one in _responses(at, row["answer"], forms, samples)
    ]


def _responses(at: int, solution: str, forms: Sequence[str], samples: int) -> Iterator[Response]:
    reasoning, _, gold = solution.rpartition("####")
    gold = gold.strip().replace(",", "")
    reasoning = _STEP.sub("", reasoning).strip()
    for index in range(samples):
        turn = at * samples + index
        form = forms[turn % len(forms)]
        is_wrong = (turn // len(forms)) % 10 < WRONG_OF_TEN
        slips = slips_of(gold, reasoning)
        answer = slips[turn % len(slips)] if is_wrong else gold
        other = next(one for one in slips[::-1] if one != answer)
        worked = Worked(
            _with_last(reasoning, gold, answer), answer, other, _UNITS[turn % len(_UNITS)]
        )
        yield Response(
            problem=at,
            index=index,
            form=form,
            text=FORMS[form](worked),
            right=not is_wrong and form not in COMMITS_TO_NONE,
            cut=form in CUT,
        )


def slips_of(gold: str, reasoning: str) -> list[str]:
    """Wrong answers, all different: at least three."""
    value = int(gold)
    steps = [int(one.replace(",", "")) for one in _NUMBER.findall(reasoning) if "." not in one]
    found = [value + 1, value - 1, value * 10, value // 2, int(gold[::-1].replace("-", ""))]
    found += [one for one in steps[-3:-1] if one]
    return [str(one) for one in dict.fromkeys(found) if one != value]


def _with_last(reasoning: str, gold: str, answer: str) -> str:
    """The reasoning with the last mention of its result changed to the answer."""
    places = [
        found for found in _NUMBER.finditer(reasoning) if found[0].replace(",", "").strip() == gold
    ]
    if answer == gold or not places:
        return reasoning
    start, end = places[-1].span()
    return f"{reasoning[:start]}{answer}{reasoning[end:]}"
