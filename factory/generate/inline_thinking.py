"""A chat answer as one text, with its reasoning inline and in `<think>` exactly once.

Servers give reasoning in three ways: inside the content, in a field of its own
(`reasoning_content`, or `reasoning` since vLLM 0.12 and on OpenRouter), or in the content without
its opening tag, because the chat template had forced it. All three end in the same text. A start
that Retort itself forces (`Rendered.forced`, prompts rendered here) is not put back here: whoever
rendered the prompt knows it and puts it before the completion.
"""

from __future__ import annotations

from typing import Final

_OPEN: Final = "<think>"
_CLOSE: Final = "</think>"


def with_thinking_inline(content: str | None, reasoning: str | None) -> str | None:
    """The whole text of a chat answer; None where it has neither content nor reasoning.

    Reasoning without any content after it stays open: it was cut, or the model never closed it.
    """
    if not reasoning or (content is not None and content.lstrip().startswith(_OPEN)):
        return None if content is None else _opened(content)
    thought = reasoning.strip().removeprefix(_OPEN).removesuffix(_CLOSE).strip()
    if not content:
        return f"{_OPEN}\n{thought}"
    return f"{_OPEN}\n{thought}\n{_CLOSE}\n\n{content.lstrip().removeprefix(_CLOSE).lstrip()}"


def _opened(content: str) -> str:
    """Content that closes a thought which it did not open, opened."""
    closed = content.find(_CLOSE)
    if closed == -1 or content.find(_OPEN, 0, closed) != -1:
        return content
    return f"{_OPEN}\n{content.lstrip()}"
