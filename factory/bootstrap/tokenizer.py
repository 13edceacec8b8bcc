"""The tokenizer of the embedded models: a byte-level BPE, one token per digit, with `<think>`.

It is a `Qwen2Tokenizer` with its own vocabulary: transformers gives every model of Qwen2
architecture that class, and with it Qwen2's way to cut text into words, whatever the file says.
So the merges are learned on words that are cut in that way.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, cast

END: Final = "<|end|>"
"""Ends every turn."""
PAD: Final = "<|endoftext|>"
"""Padding; the name that Qwen2's class expects to find."""
ROLES: Final = ("<|system|>", "<|user|>", "<|assistant|>")
THINK: Final = ("<think>", "</think>")
VOCABULARY: Final = 1024
"""Tokens, all included: 256 bytes, the 7 above, and merges."""
POSITIONS: Final = 1024
"""Longest sequence of the embedded models, in tokens."""

CHAT_TEMPLATE: Final = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
"""The generation prompt forces no `<think>`: the model writes it itself where it reasons."""


def make_tokenizer(texts: Iterable[str]) -> Any:
    """A fast tokenizer trained on these texts; the same texts give the same tokenizer.

    `<think>` and `</think>` are one token each and not special, so decoding shows them.
    """
    import json

    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer

    specials = [PAD, END, *ROLES]
    trained = Tokenizer(models.BPE())
    trained.normalizer = Qwen2Tokenizer().backend_tokenizer.normalizer
    trained.pre_tokenizer = Qwen2Tokenizer().backend_tokenizer.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(THINK),
        special_tokens=specials,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    trained.train_from_iterator(texts, trainer)
    merges = json.loads(trained.to_str())["model"]["merges"]
    tokenizer: Any = cast(Any, Qwen2Tokenizer)(
        vocab=trained.get_vocab(),
        merges=[tuple(pair) for pair in merges],
        unk_token=PAD,
        pad_token=PAD,
        eos_token=END,
        model_max_length=POSITIONS,
    )
    tokenizer.add_tokens([AddedToken(one, special=True, normalized=False) for one in specials])
    tokenizer.add_tokens([AddedToken(one, special=False, normalized=False) for one in THINK])
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Write the tokenizer and its chat template into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
