"""What vLLM's `/pooling` answers for a conversation, read strictly: the reward of its end.

A sequence-classification model (`task` `classify`) gives one row of values for the whole
conversation, a token reward model (`token_classify`) one row per token, of which the last counts.
A reward model has one value in a row. More are the classes of another kind of model, or the steps
of a process reward model: such a server is refused.
"""

from __future__ import annotations

import math
from typing import Any, Final, cast

from pydantic_core import from_json

from factory.generate.answers import Answer, Text
from factory.generate.refusals import DETAIL_CHARS, Kind, NoAnswer
from schemas.candidate import FinishReason

PATH: Final = "/pooling"
_REMEDY: Final = (
    "serve a reward model with one value, with `--runner pooling` (docs/test_time.md names some)"
)


def read_reward(body: bytes, wanted: int) -> Answer | NoAnswer:
    """The reward, as the text of the one completion of an answer.

    Args:
        wanted: Conversations in the request: 1.
    """
    assert wanted == 1
    try:
        content: Any = from_json(body, allow_inf_nan=True)
    except ValueError as error:
        return _bad(f"not JSON ({error}): {body[:80]!r}")
    rows: Any = content.get("data") if isinstance(content, dict) else None
    if not isinstance(rows, list) or len(cast("list[Any]", rows)) != 1:
        return _bad(f"not one reward: {body[:80]!r}")
    row: Any = rows[0]
    values: Any = row.get("data") if isinstance(row, dict) else None
    if isinstance(values, list) and values and isinstance(values[-1], list):
        values = cast("Any", values[-1])
    if not isinstance(values, list) or not values:
        return _bad(f"not a reward: {str(cast('Any', values))[:80]!r}")
    numbers = cast("list[Any]", values)
    if len(numbers) != 1:
        return NoAnswer(Kind.REFUSED, f"{len(numbers)} values where one is expected", _REMEDY)
    number = numbers[0]
    if not isinstance(number, int | float) or not math.isfinite(number):
        return _bad(f"the reward is {number!r}")
    usage: Any = content.get("usage")
    tokens: Any = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    tokens = tokens if isinstance(tokens, int) else None
    text = Text(repr(float(number)), FinishReason.STOP, tokens, 0)
    return Answer([text], tokens, 0)


def _bad(detail: str) -> NoAnswer:
    return NoAnswer(Kind.BAD, detail[:DETAIL_CHARS])
