"""The text of every candidate, from its problem and its role alone; as JSON, ready to be sent.

Traces are put together from pieces of real texts (`made_texts.pieces`), 1.0 to 2.6 KB of them, and
3.2 to 4 KB for what is surplus, so that the shortest ones are those that are planned. Two traces
share no more than the statement and chance pieces: their similarity is far below any threshold.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from functools import lru_cache
from hashlib import shake_128
from typing import Final

from made_texts.pieces import pieces

from .asked import Asked
from .real_texts import benchmark_items
from .roles import FIRST_WRONG, ROLES, Fate, Role

STOP: Final = b"stop"
LENGTH: Final = b"length"

_SHORT: Final = (1_000, 2_600)
_LONG: Final = (3_200, 4_000)
"""Characters of pieces, at least; a text ends with the piece that reaches its number."""
_DRAWS: Final = 96
_DRAWN: Final = struct.Struct(f"<{_DRAWS + 1}I")
_PARAGRAPH: Final = 4
_FOREIGN: Final = "我们先把这个问题分成几个部分，然后逐一计算每个部分的结果。"
_LOOP: Final = "Wait, let me check this step again. " * 30
_ONE_MORE: Final = "That is all that has to be said about it."
_NO_ANSWER: Final = "I cannot settle this one."
_OTHER_LANGUAGE: Final = "```javascript\nconsole.log(1)\n```"


@dataclass(frozen=True)
class Completion:
    """One candidate as it is sent."""

    text: bytes
    """Inside of a JSON string."""
    finish_reason: bytes


def completion(asked: Asked, place: int) -> Completion:
    """The candidate whose seed leaves this remainder."""
    if asked.fate is Fate.EASY:
        return _thought(asked, place, _traced(asked.number, place), _right(asked, place))
    if asked.fate is Fate.HOPELESS:
        return _thought(asked, place, _traced(asked.number, place), _wrong(asked, place))
    role = ROLES[place]
    if role is Role.NEAR:
        return _near(asked, place)
    if role is Role.EXACT:
        return _thought(asked, 0, _traced(asked.number, 0, spaced=True), _right(asked, 0))
    if role is Role.SAID:
        said = "The program is below." if asked.source == "code" else _said(asked.right[0])
        return Completion(_marked(_escaped(said), _right(asked, 0)), STOP)
    trace = _traced(asked.number, place, _LONG if role is Role.SURPLUS else _SHORT)
    if role in (Role.RIGHT, Role.SURPLUS):
        return _thought(asked, place, trace, _right(asked, place))
    if role is Role.WRONG:
        return _thought(asked, place, trace, _wrong(asked, place - FIRST_WRONG))
    if role is Role.UNPARSABLE:
        return _thought(asked, place, trace, _nothing(asked))
    if role is Role.CUT:
        return Completion(b"<think>\\n" + _restated(asked.statement) + trace, LENGTH)
    if role is Role.BARE:
        answer = _boxed(asked.right[0]) if asked.source == "words" else _plain(asked, 0)
        return Completion(_restated(asked.statement) + trace + b"\\n\\n" + _escaped(answer), STOP)
    planted = _FOREIGN if role is Role.FOREIGN else _LOOP
    return _thought(asked, place, _escaped(planted) + b"\\n\\n" + trace, _right(asked, 0))


def _near(asked: Asked, place: int) -> Completion:
    """A right trace with one sentence more; or one with an item of a benchmark in it."""
    more = b"\\n" + _escaped(_ONE_MORE)
    if asked.fate is Fate.TOLD:
        item = _items()[asked.number % len(_items())]
        trace = _traced(asked.number, place) + b"\\n\\n" + _escaped(item)
        return _thought(asked, place, trace, _right(asked, place))
    if asked.fate is Fate.TWIN:
        trace = _traced(asked.number - 1, 1) + more
        answer = _right(asked, 1)
        return Completion(_marked(_restated(asked.before) + trace, answer), STOP)
    return _thought(asked, 0, _traced(asked.number, 0) + more, _right(asked, 0))


def _thought(asked: Asked, place: int, trace: bytes, answer: bytes) -> Completion:
    return Completion(_marked(_restated(asked.statement) + trace, answer), STOP)


def _marked(trace: bytes, answer: bytes) -> bytes:
    return b"<think>\\n" + trace + b"\\n</think>\\n\\n" + answer


def _restated(statement: str) -> bytes:
    return b"So the problem is this: " + _escaped(statement) + b"\\n\\n"


# ----------------------------------------------------------------------------------------- answers


def _right(asked: Asked, place: int) -> bytes:
    return _escaped(_plain(asked, place))


def _plain(asked: Asked, place: int) -> str:
    return _answer(asked, asked.right[place % len(asked.right)])


def _wrong(asked: Asked, turn: int) -> bytes:
    return _escaped(_answer(asked, asked.wrong[turn % len(asked.wrong)]))


def _answer(asked: Asked, answer: str) -> str:
    if asked.source == "code":
        return f"```python\n{answer}\n```"
    return answer if asked.source == "words" else _boxed(answer)


def _boxed(answer: str) -> str:
    return f"The answer is $\\boxed{{{answer}}}$."


def _said(answer: str) -> str:
    return f"The answer is {answer}."


def _nothing(asked: Asked) -> bytes:
    """What no grader of the source can read an answer from."""
    texts = {"code": _OTHER_LANGUAGE, "words": ""}
    return _escaped(texts.get(asked.source, _NO_ANSWER))


# ------------------------------------------------------------------------------------------ traces


def _traced(
    number: int, place: int, chars: tuple[int, int] = _SHORT, *, spaced: bool = False
) -> bytes:
    """Pieces of one trace; `spaced` has the same words in other white space."""
    texts, lengths = _pieces()
    drawn = _DRAWN.unpack(shake_128(b"%d %d" % (number, place)).digest(_DRAWN.size))
    left = chars[0] + drawn[_DRAWS] % (chars[1] - chars[0])
    chosen: list[bytes] = []
    for draw in drawn:
        at = draw % len(texts)
        chosen.append(texts[at])
        left -= lengths[at]
        if left <= 0:
            break
    line = b" \\n" if spaced else b"\\n"
    starts = range(0, len(chosen), _PARAGRAPH)
    return b"\\n\\n".join([line.join(chosen[start : start + _PARAGRAPH]) for start in starts])


@lru_cache(maxsize=1)
def _pieces() -> tuple[list[bytes], list[int]]:
    """The pieces as JSON, and how many characters each has."""
    texts = [piece for piece in pieces().traces if "~~~" not in piece]
    return [_escaped(text) for text in texts], [len(text) for text in texts]


@lru_cache(maxsize=1)
def _items() -> list[str]:
    """Items of a benchmark that are long enough to be found and short enough to be surely kept."""
    return [item for item in benchmark_items("gsm8k") if 100 <= len(item) <= 400 and item.isascii()]


@lru_cache(maxsize=4096)
def _escaped(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()[1:-1]
