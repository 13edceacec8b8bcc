"""Texts that anyone may have written, shown to a model so that none can end its own block.

Each stands between two lines that hold a nonce, a digest of all that is shown. What the nonce
cannot hold is the model's mind: a text may still talk a weak one into what it likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from factory.digest import digest
from schemas.sample import Message

MOST_ANSWER_CHARS: Final = 32_000
"""Of a longer answer its first and last halves are shown, and the model is told."""


def shortened(answer: str) -> tuple[str, int]:
    """An answer as it is shown, and how many characters are left out of its middle."""
    left_out_chars = max(0, len(answer) - MOST_ANSWER_CHARS)
    if not left_out_chars:
        return answer, 0
    half = MOST_ANSWER_CHARS // 2
    return f"{answer[:half]}\n[…]\n{answer[-half:]}", left_out_chars


def told_of(left_out_chars: int) -> str:
    """What the model is told where something is left out of the block ANSWER."""
    return (
        f"The ANSWER is shown without {left_out_chars:,} characters from its middle, "
        "where […] stands; what is left out is no fault of it."
    )


def turns_block(history: Sequence[Message]) -> tuple[str, str]:
    """The turns before a problem as one block."""
    return "EARLIER TURNS", "\n".join(f"[{turn.role}]\n{turn.content}" for turn in history)


def fenced(blocks: Sequence[tuple[str, str]]) -> tuple[str, list[str]]:
    """The nonce, 16 hexadecimal digits that stand nowhere in the texts, and the blocks with it."""
    number = 0
    while True:
        nonce = digest([blocks, number])[:16]
        if not any(nonce in text for _, text in blocks):
            break
        number += 1
    return nonce, [
        f"<<<{name} {nonce}>>>\n{text}\n<<<END {name} {nonce}>>>" for name, text in blocks
    ]
