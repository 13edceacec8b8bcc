"""What a server means by an answer without completions, from its status and its words.

The words are those of vLLM (0.4 to 0.32), OpenAI, SGLang, llama.cpp, TGI and OpenRouter. A prompt
that does not fit into the context is told from a prompt that fits while prompt and `max_tokens`
together do not: the first can never be answered, the second can be with fewer tokens.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Final

DETAIL_CHARS: Final = 300
_READ_BYTES: Final = 1500
"""What was asked may be quoted further on, and is not to be taken for the server's own words."""

_CONTEXT: Final = re.compile(r"maximum context length (?:is|of) (\d+)|must be <= (\d+)\. Given:")
_PROMPT: Final = re.compile(
    r"(at least )?(\d+) (?:in the messages|in your prompt|of text input|tokens from the input"
    r"|input tokens|`inputs` tokens)"
)
_OVERLONG: Final = re.compile(
    r"maximum context length|context_length_exceeded|longer than the maximum model length"
    r"|longer than the model's context length|exceeds? the (context|model|maximum allowed length)"
    r"|exceeds? (the )?(available )?context (size|window)|exceed_context_size_error"
    r"|`inputs` must have less than|prompt is too long|input is too long|maximum prompt length"
    r"|input token count .{0,40} exceeds|reduce the length|max_tokens must be at least 1, got 0",
    re.IGNORECASE,
)
_LIMIT: Final = re.compile(
    r"max_(completion_|new_)?tokens`?'?.{0,40}(too large|cannot be greater than|must be <=)"
    r"|valid range of max_tokens|supports at most \d+ completion tokens"
    r"|maximum allowed number of output tokens",
    re.IGNORECASE,
)
_DECLINED: Final = re.compile(
    r"content_filter|content management policy|ResponsibleAIPolicy|data_?inspection_?failed",
    re.IGNORECASE,
)
_REFUSED: Final = re.compile(
    r"model_not_found|invalid_api_key|insufficient_quota|api key not valid|incorrect api key"
    r"|invalid model|model .{0,120}(does not exist|not found)",
    re.IGNORECASE,
)
_ENGINE_DIED: Final = re.compile(r"EngineCore encountered an issue|EngineDeadError")

CHECK_ACCESS: Final = "check the key, the address and the model's name"


class Kind(Enum):
    """What an answer without completions means for its request and its server."""

    OVERLONG = auto()
    """The prompt does not fit: this request can never be answered."""
    CROWDED = auto()
    """The prompt fits, prompt and `max_tokens` together do not: ask for fewer tokens."""
    DECLINED = auto()
    """The server will not answer this prompt, or ended the answer by its own rules."""
    REFUSED = auto()
    """Key, address, model or a setting is wrong: no request can be answered."""
    BUSY = auto()
    """Too many requests (429) or overloaded (503): ask again later."""
    AWAY = auto()
    """No connection: nothing was asked."""
    BROKEN = auto()
    """The connection broke off."""
    DYING = auto()
    """The server says that its engine died; it will soon be gone."""
    BAD = auto()
    """Any other error, or an answer that is not one: ask again a few times."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """An answer without completions."""

    kind: Kind
    detail: str
    remedy: str = CHECK_ACCESS
    """For REFUSED: what to do."""
    wait_s: float | None = None
    """For BUSY: how long the server asks to be left alone."""
    context: int | None = None
    """For CROWDED: tokens that fit together."""
    prompt_tokens: int | None = None
    """For CROWDED: length of the prompt, where the server says it exactly."""


def read_error(status: int, body: bytes, retry_after: str | None = None) -> NoAnswer:
    """What an answer with another status than 200 means."""
    said = " ".join(body[:_READ_BYTES].decode("utf-8", "replace").split())
    detail = f"HTTP {status}: {said[:DETAIL_CHARS]}"
    if 300 <= status < 400:
        remedy = "give the address where it points to"
        return NoAnswer(Kind.REFUSED, detail, remedy)
    if status == 429 or status in (503, 529):
        if "insufficient_quota" in said:
            return NoAnswer(Kind.REFUSED, detail, "top up the account")
        return NoAnswer(Kind.BUSY, detail, wait_s=_seconds(retry_after))
    if "exceed_context_size_error" in said:  # llama.cpp has sent it with 500 too
        return NoAnswer(Kind.OVERLONG, detail)
    if status in (401, 402, 403, 404, 405):
        return NoAnswer(Kind.REFUSED, detail)
    if 400 <= status < 500:
        return _client_error(status, said, detail)
    if _ENGINE_DIED.search(said):
        return NoAnswer(Kind.DYING, detail)
    return NoAnswer(Kind.BAD, detail)


def _client_error(status: int, said: str, detail: str) -> NoAnswer:
    context, prompt = _CONTEXT.search(said), _PROMPT.search(said)
    if context and prompt:
        fits, length = int(context[1] or context[2]), int(prompt[2])
        if length < fits:
            exact = None if prompt[1] else length
            return NoAnswer(Kind.CROWDED, detail, context=fits, prompt_tokens=exact)
        return NoAnswer(Kind.OVERLONG, detail)
    if _LIMIT.search(said):
        return NoAnswer(Kind.REFUSED, detail, "lower max_tokens of the recipe's sampling")
    if _OVERLONG.search(said) or status == 413:
        return NoAnswer(Kind.OVERLONG, detail)
    if _DECLINED.search(said):
        return NoAnswer(Kind.DECLINED, detail)
    if _REFUSED.search(said):
        return NoAnswer(Kind.REFUSED, detail)
    return NoAnswer(Kind.BAD, detail)


def _seconds(retry_after: str | None) -> float | None:
    """`Retry-After`, a number or a date, as seconds from now; None where it is neither."""
    if retry_after is None:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
