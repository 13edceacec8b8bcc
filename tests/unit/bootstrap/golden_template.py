"""What the chat template of the embedded models must render, to the letter."""

from __future__ import annotations

from typing import Any

from factory.bootstrap.tokenizer import END

GOLDEN = "<|system|>Be brief.<|end|><|user|>Compute 1 + 2.<|end|><|assistant|>"


def check_template(tokenizer: Any) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Compute 1 + 2."},
    ]
    rendered = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert rendered == GOLDEN
    answer = "<think>\n1+2=3.\n</think>\n\n\\boxed{3}"
    whole = tokenizer.apply_chat_template(
        [*messages, {"role": "assistant", "content": answer}], tokenize=False
    )
    assert whole == GOLDEN + answer + END
