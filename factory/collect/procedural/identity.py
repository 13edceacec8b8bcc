"""Questions to a model about itself, in English and Chinese, each with a reference answer.

`{name}` and `{maker}` stand in questions and answers and are filled in from the source's settings,
so the splits do not depend on them. The skeleton is the question without its opening: held-out
questions are other questions, not other greetings. The answers claim only what is true of any
language model that is asked without tools. A judge compares with them: no wording is the only one.
"""

from __future__ import annotations

import random
import re
from typing import Final

from factory.collect.procedural.identity_questions import (
    CHINESE,
    CHINESE_OTHERS,
    ENGLISH,
    ENGLISH_OTHERS,
    OTHERS,
    Question,
)
from factory.collect.procedural.splits import Drawn

_OPENINGS: Final = (
    *("", "Hi! ", "Hello! ", "Hey, ", "Quick question: ", "Please tell me: "),
    *("I am curious: ", "Before we start: "),
)
_CHINESE_OPENINGS: Final = ("", "你好，", "您好！", "请问，", "我想知道，", "简单问一下：")
_CHINESE_SHARE: Final = 0.35


def draw(rng: random.Random) -> Drawn:
    """One question with its answer; the same generator state gives the same one."""
    chinese = rng.random() < _CHINESE_SHARE
    asked, answer, category = rng.choice(_ALL_CHINESE if chinese else _ALL_ENGLISH)
    opening = rng.choice(_CHINESE_OPENINGS if chinese else _OPENINGS)
    return Drawn(
        skeleton=" ".join(re.findall(r"\w+", asked.casefold())),
        statement=opening + asked,
        gold=answer,
        category=category,
        level="",
        solution=answer,
        trace=lambda rng: answer,
    )


def _told(questions: tuple[Question, ...]) -> list[tuple[str, str, str]]:
    return [(asked, one.answer, one.category) for one in questions for asked in one.asked]


def _about_others(questions: tuple[Question, ...]) -> list[tuple[str, str, str]]:
    """The questions about other models, told of each of them."""
    return [
        (asked.format(other=other, name="{name}"), answer, category)
        for asked, answer, category in _told(questions)
        for other in OTHERS
    ]


_ALL_ENGLISH: Final = [*_told(ENGLISH), *_about_others(ENGLISH_OTHERS)]
_ALL_CHINESE: Final = [*_told(CHINESE), *_about_others(CHINESE_OTHERS)]
