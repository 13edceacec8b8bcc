"""What an OpenAI-compatible server answers, read strictly: completions, or why there are none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from pydantic import BaseModel, ValidationError

from schemas.candidate import FinishReason

_OVERLONG: Final = re.compile(
    r"maximum context length|context_length_exceeded|longer than the maximum model length"
    r"|prompt is too long|reduce the length|exceeds? the (context|model)",
    re.IGNORECASE,
)
_DETAIL_CHARS: Final = 300


class Kind(Enum):
    """What an answer without completions means for its request and its server."""

    OVERLONG = auto()
    """The prompt does not fit: this request can never be answered."""
    REFUSED = auto()
    """Key, address or model is wrong: no request can be answered."""
    BUSY = auto()
    """Too many requests (429) or overloaded (503): ask again later."""
    BAD = auto()
    """Any other error, or an answer that is not one: ask again a few times."""


@dataclass(frozen=True)
class NoAnswer:
    """An answer without completions."""

    kind: Kind
    detail: str


@dataclass(frozen=True)
class Text:
    """One completion as the server gave it."""

    text: str
    finish_reason: FinishReason
    prompt_tokens: int | None
    completion_tokens: int | None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Message(BaseModel):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class _Choice(BaseModel):
    index: int
    finish_reason: str | None = None
    text: str | None = None
    message: _Message | None = None
    token_ids: list[int] | None = None


class _Body(BaseModel):
    choices: list[_Choice]
    usage: _Usage | None = None


def read_completions(body: bytes, wanted: int) -> list[Text] | NoAnswer:
    """The completions in a 200 answer, in the order of their index.

    Reasoning that the server split off is put back inline as `<think>…</think>`. Token counts are
    those of each completion where the server gives token ids, else its total where one was asked.

    Args:
        wanted: How many were asked for; an answer with another number is a bad one.
    """
    try:
        parsed = _Body.model_validate_json(body)
    except ValidationError as error:
        where = error.errors()[0]
        return _bad(f"not a completion: {where['msg']} at {where['loc']}, {body[:80]!r}")
    choices = sorted(parsed.choices, key=lambda choice: choice.index)
    if [choice.index for choice in choices] != list(range(wanted)):
        return _bad(f"expected {wanted} choices, found {[choice.index for choice in choices]}")
    usage = parsed.usage or _Usage()
    texts: list[Text] = []
    for choice in choices:
        text = choice.text if choice.message is None else _inline(choice.message)
        if text is None:
            return _bad(f"choice {choice.index} has neither text nor content")
        if choice.finish_reason not in ("stop", "length"):
            return _bad(f"choice {choice.index} ended by {choice.finish_reason!r}")
        tokens = len(choice.token_ids) if choice.token_ids is not None else None
        if tokens is None and wanted == 1:
            tokens = usage.completion_tokens
        texts.append(Text(text, FinishReason(choice.finish_reason), usage.prompt_tokens, tokens))
    return texts


def read_error(status: int, body: bytes) -> NoAnswer:
    """What an answer with another status than 200 means."""
    said = " ".join(body[:2000].decode("utf-8", "replace").split())
    detail = f"HTTP {status}: {said[:_DETAIL_CHARS]}"
    if status in (400, 413, 422) and _OVERLONG.search(said):
        return NoAnswer(Kind.OVERLONG, detail)
    if status in (401, 403, 404):
        return NoAnswer(Kind.REFUSED, detail)
    if status in (429, 503):
        return NoAnswer(Kind.BUSY, detail)
    return NoAnswer(Kind.BAD, detail)


def _inline(message: _Message) -> str | None:
    reasoning = message.reasoning_content or message.reasoning
    if reasoning is None:
        return message.content
    return f"<think>\n{reasoning.strip()}\n</think>\n\n{message.content or ''}"


def _bad(detail: str) -> NoAnswer:
    return NoAnswer(Kind.BAD, detail[:_DETAIL_CHARS])
