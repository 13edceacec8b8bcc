"""How long a completion may be, and the context that the model is served with.

A completion that meets the end of the context is cut there, as at its own limit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from factory.errors import RecipeError

WANTED: Final = 32768
"""Tokens of a completion in the DeepSeek-R1 report."""
PROMPT: Final = 2048
"""Tokens that are left for a prompt beside the longest completion, where the context has them."""


@dataclass(frozen=True)
class Lengths:
    """In tokens."""

    max_tokens: int
    """Of a completion."""
    max_model_len: int
    """Prompt and completion together."""
    notes: list[str] = field(default_factory=list[str])


def lengths(
    model: str, context: int | None, *, max_tokens: int | None, max_model_len: int | None
) -> Lengths:
    """The lengths for a model; those that are given stay as they are.

    Without `max_tokens` a completion has the report's 32,768, and what the context has where that
    is less: then a note says so.

    Args:
        context: What the model's configuration allows; None where it says nothing.

    Raises:
        RecipeError: The given lengths do not fit, or the context is not known.
    """
    if context is None and max_model_len is None:
        raise RecipeError(
            f"model {model}: expected max_position_embeddings in its config.json, found none; say "
            f"with --max-model-len how many tokens prompt and completion may have together"
        )
    if context is not None and max_model_len is not None and max_model_len > context:
        raise RecipeError(
            f"--max-model-len (or max_model_len of the recipe): expected at most the {context:,} "
            f"tokens that {model} takes (max_position_embeddings), found {max_model_len:,}; lower "
            f"it, and --max-tokens with it"
        )
    most = max_model_len or context or 0
    if max_tokens is not None and max_tokens > most:
        raise RecipeError(
            f"--max-tokens (or max_tokens of the recipe): expected at most the {most:,} tokens "
            f"that prompt and completion of {model} have together, found {max_tokens:,}; lower it"
        )
    longest = max_tokens or min(WANTED, most)
    served = max_model_len or min(most, longest + PROMPT)
    if max_tokens is None and served < WANTED + PROMPT:
        note = (
            f"prompt and completion of {model} share {served:,} tokens: completions are cut where "
            f"these end, and not after {WANTED:,} (--max-tokens, --max-model-len)"
        )
        return Lengths(longest, served, [note])
    return Lengths(longest, served)
