"""A model whose tokens are words: it thinks so many of them, closes its thought and answers.

What it writes follows from the prompt alone, as with a real model, so that a request may go on
where another ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CLOSE = "</think>"


@dataclass(frozen=True)
class WordModel:
    """Thinks anew for `thought` words after each `Wait`."""

    thought: int = 4
    answer: int = 2
    context: int = 1000
    """Words that prompt and completion may have together."""
    thinks: bool = True
    """Whether what follows `<think>` is a thought; else the whole text is an answer."""

    def complete(self, prompt: str, max_tokens: int, stop: list[str]) -> dict[str, Any]:
        """One choice of vLLM's answer."""
        room = min(max_tokens, self.context - len(prompt.split()))
        text, tokens = "", 0
        while tokens < room:
            word = self._next(prompt + text)
            if word is None:
                return _choice(text, "stop", tokens)
            tokens += 1
            if word in stop:
                return _choice(text, "stop", tokens, stop_reason=word)
            text += word if word == CLOSE else f" {word}"
        return _choice(text, "length", tokens)

    def _next(self, written: str) -> str | None:
        """The next word; None at the end."""
        thought, closed, answer = written.partition("<think>")[2].partition(CLOSE)
        if self.thinks and not closed:
            done = len(thought.rpartition("Wait")[2].split())
            return f"t{done}" if done < self.thought else CLOSE
        done = len((answer if self.thinks else written.rpartition(":")[2]).split())
        return f"a{done}" if done < self.answer else None

    def answered(self, body: dict[str, Any]) -> dict[str, Any]:
        """What a server that serves it answers."""
        one = self.complete(body["prompt"], body["max_tokens"], body.get("stop", []))
        choices = [one | {"index": index} for index in range(body["n"])]
        tokens = len(one["token_ids"]) * len(choices)
        usage = {"prompt_tokens": len(body["prompt"].split()), "completion_tokens": tokens}
        return {"choices": choices, "usage": usage}


def _choice(text: str, end: str, tokens: int, stop_reason: str | None = None) -> dict[str, Any]:
    return {
        "text": text,
        "finish_reason": end,
        "stop_reason": stop_reason,
        "token_ids": list(range(tokens)),
    }
