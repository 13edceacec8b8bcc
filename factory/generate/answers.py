"""What an OpenAI-compatible server answers, read strictly: completions, or why there are none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, cast

from pydantic_core import from_json

from factory.generate.inline_thinking import with_thinking_inline
from factory.generate.refusals import DETAIL_CHARS, Kind, NoAnswer, read_error
from schemas.candidate import FinishReason

_ENDS: Final = {
    "stop": FinishReason.STOP,
    "eos_token": FinishReason.STOP,  # TGI
    "stop_sequence": FinishReason.STOP,  # TGI
    "end_turn": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,  # Mistral
    "repetition": FinishReason.LENGTH,  # vLLM, where it was told to cut loops
}
_DECLINED: Final = frozenset({"content_filter", "tool_calls", "function_call"})
_TOKEN_IDS: Final = b'token_ids":['
"""Ends the keys `token_ids` and `prompt_token_ids` as vLLM writes them. Never inside a text, where
a quotation mark follows a backslash."""
_ONE_OF_MANY: Final = (
    "the server does not know `n`: set candidates_per_request = 1 in the machine file"
)


class Text(NamedTuple):
    """One completion as the server gave it."""

    text: str
    finish_reason: FinishReason
    prompt_tokens: int | None
    completion_tokens: int | None
    stopped_at: str | None = None
    """The stop string of the request that ended it, which the text is without (vLLM's
    `stop_reason`); None where another thing did, or the server does not say."""


class Answer(NamedTuple):
    """All completions of a request, and the server's own count of tokens."""

    texts: Sequence[Text]
    prompt_tokens: int | None
    completion_tokens: int | None
    """Of all texts together."""


def read_completions(body: bytes, wanted: int) -> Answer | NoAnswer:
    """The completions in a 200 answer, in the order of their index.

    Reasoning that the server split off is put back inline as `<think>…</think>`. Token counts are
    those of each completion where the server gives token ids, else its total where one was asked.

    Args:
        wanted: How many were asked for; an answer with another number is a bad one.
    """
    try:
        content: Any = from_json(_with_counts_for_token_ids(body))
    except ValueError as error:
        return _bad(f"not JSON ({error}): {body[:80]!r}")
    choices: Any = content.get("choices") if isinstance(content, dict) else None
    if not isinstance(choices, list):
        return _error_in_a_good_answer(content, body)
    usage: Any = content.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    prompt_tokens, total = (
        _count(usage.get("prompt_tokens")),
        _count(usage.get("completion_tokens")),
    )
    texts: dict[int, Text] = {}
    for place, choice in enumerate(cast("list[Any]", choices)):
        if not isinstance(choice, dict):
            return _bad(f"not a completion: choice {place} is {str(choice)[:80]!r}")
        text = _text(
            cast("dict[str, Any]", choice), place, prompt_tokens, total if wanted == 1 else None
        )
        if isinstance(text, NoAnswer):
            return text
        index: Any = choice.get("index", place)
        if not isinstance(index, int) or index in texts:
            return _bad(f"choice {place} has the index {index!r}")
        texts[index] = text
    if texts.keys() != set(range(wanted)) or len(choices) != wanted:
        found = f"expected {wanted} choices, found {len(choices)} ({list(texts)[:20]})"
        if len(choices) == 1 < wanted:
            return NoAnswer(Kind.REFUSED, found, _ONE_OF_MANY)
        return _bad(found)
    ordered = [texts[index] for index in range(wanted)]
    counts = [one.completion_tokens for one in ordered]
    if total is None and None not in counts:
        total = sum(count or 0 for count in counts)
    return Answer(ordered, prompt_tokens, total)


def _text(
    choice: dict[str, Any], place: int, prompt_tokens: int | None, total: int | None
) -> Text | NoAnswer:
    reason: Any = choice.get("finish_reason")
    message: Any = choice.get("message")
    in_message = isinstance(message, dict)
    if reason in _DECLINED or (in_message and message.get("refusal")):
        return NoAnswer(Kind.DECLINED, f"choice {place} ended by {reason!r}")
    text: Any = _inline(cast("dict[str, Any]", message)) if in_message else choice.get("text")
    if not isinstance(text, str):
        return _bad(f"choice {place} has neither text nor content")
    end = _ENDS.get(reason) if isinstance(reason, str) else None
    if end is None:
        return _bad(f"choice {place} ended by {reason!r}")
    ids: Any = choice.get("token_ids")
    tokens = len(ids) if isinstance(ids, list) else _count(ids)
    stop: Any = choice.get("stop_reason")
    stopped_at = stop if isinstance(stop, str) else None
    return Text(text, end, prompt_tokens, total if tokens is None else tokens, stopped_at)


def _inline(message: dict[str, Any]) -> str | None:
    content: Any = message.get("content")
    if content is not None and not isinstance(content, str):
        return None
    reasoning: Any = message.get("reasoning_content") or message.get("reasoning")
    return with_thinking_inline(content, reasoning if isinstance(reasoning, str) else None)


def _with_counts_for_token_ids(body: bytes) -> bytes:
    """The body with each list of token ids replaced by its length: making integers of them would
    take six times as long as all the rest of a long answer."""
    at = body.find(_TOKEN_IDS)
    if at == -1:
        return body
    pieces: list[bytes] = []
    done = 0
    while at != -1:
        begin = at + len(_TOKEN_IDS)
        end = body.find(b"]", begin)
        if end == -1:
            break
        count = body.count(b",", begin, end) + 1 if body[begin:end].strip() else 0
        pieces += [body[done : begin - 1], b"%d" % count]
        done = end + 1
        at = body.find(_TOKEN_IDS, done)
    return b"".join([*pieces, body[done:]])


def _error_in_a_good_answer(content: Any, body: bytes) -> NoAnswer:
    """What a 200 answer without choices means: some gateways put the real status inside."""
    inner: Any = content
    if isinstance(content, dict) and isinstance(content.get("error"), dict):
        inner = cast("dict[str, Any]", content)["error"]
    code: Any = inner.get("code") if isinstance(inner, dict) else None
    if isinstance(code, int) and 400 <= code < 600:
        return read_error(code, body)
    said = read_error(400, body)
    return (
        said if said.kind in (Kind.OVERLONG, Kind.CROWDED) else _bad(f"no choices: {body[:200]!r}")
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _bad(detail: str) -> NoAnswer:
    return NoAnswer(Kind.BAD, detail[:DETAIL_CHARS])
