"""How long a model thinks, forced: what is asked next for a candidate that is not at its end.

After Muennighoff et al. 2025 (s1, arXiv 2501.19393, section 3.1). Thinking that ends by itself
while waits are left loses its end, `wait` is written in its place and the model goes on; thinking
that reaches its cap is closed by `closing`, and the model goes on with its answer. Forcing more
thinking stops at the cap too: a thought that ends there is closed as the model closed it.

Covered: models whose thinking stands between `<think>` and `</think>`. What is written without any
`<think>` is no thinking, and is only drawn in pieces. Not forced: a model that ends its whole text
inside its thinking has ended, and an answer is never cut or prolonged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from factory.generate.answers import Text
from schemas.candidate import FinishReason
from schemas.validate_settings import BudgetForcing

_OPEN: Final = "<think>"
CLOSE: Final = "</think>"


@dataclass(frozen=True, slots=True)
class Written:
    """A candidate as far as it is written."""

    text: str
    """What follows the prompt, with what was forced into it."""
    tokens: int = 0
    """Written by the model, with the ends of thinking that were left out of the text."""
    waits: int = 0
    """Written in the place of an end of thinking."""
    requests: int = 0
    thinks: bool = True
    """Whether it is at its thinking, or at its answer."""
    end: FinishReason | None = None
    """None where it is to go on."""


def room(written: Written, budget: BudgetForcing, max_tokens: int) -> int:
    """Tokens that the next request may write."""
    most = max_tokens
    if written.thinks and budget.max_thinking_tokens is not None:
        most = min(most, budget.max_thinking_tokens)
    return most - written.tokens


def fields(written: Written, budget: BudgetForcing, max_tokens: int) -> dict[str, Any]:
    """What the next request says of how much may be written, and of where it stops."""
    asked: dict[str, Any] = {"max_tokens": room(written, budget, max_tokens)}
    if written.thinks and written.waits < budget.waits:
        asked["stop"] = [CLOSE]
    return asked


def after(
    written: Written, text: Text, tokens: int, budget: BudgetForcing, max_tokens: int, forced: str
) -> Written:
    """What is written once a request is answered, and whether it is to go on.

    Args:
        text: The answer; one that stopped at `</think>` is without it.
        tokens: Of the answer, by the server's count.
        max_tokens: Of the whole completion.
        forced: The start of the completion that the prompt holds.
    """
    asked = room(written, budget, max_tokens)
    whole = written.text + text.text
    now = replace(
        written, text=whole, tokens=written.tokens + tokens, requests=written.requests + 1
    )
    if not written.thinks:
        return replace(now, end=text.finish_reason)
    if text.stopped_at == CLOSE:
        return _closed_by_itself(now, budget, max_tokens)
    out_of_context = text.finish_reason is FinishReason.LENGTH and tokens < asked
    if text.finish_reason is FinishReason.STOP or out_of_context:
        return replace(now, end=text.finish_reason)
    if _OPEN in forced + whole and CLOSE not in whole:
        now = replace(now, text=whole + budget.closing)
    return _at_its_answer(now, max_tokens, cut=whole)


def _closed_by_itself(now: Written, budget: BudgetForcing, max_tokens: int) -> Written:
    if room(now, budget, max_tokens) > 0:
        return replace(now, text=now.text + budget.wait, waits=now.waits + 1)
    return _at_its_answer(replace(now, text=now.text + CLOSE), max_tokens, cut=now.text + CLOSE)


def _at_its_answer(now: Written, max_tokens: int, *, cut: str) -> Written:
    """The answer follows; where no token is left for it, the text is cut as the model left it."""
    if now.tokens >= max_tokens:
        return replace(now, text=cut, end=FinishReason.LENGTH)
    return replace(now, thinks=False)
