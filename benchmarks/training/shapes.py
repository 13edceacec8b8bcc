"""Shapes of models with random weights, what is measured with them, and the tokens they see."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from factory.train.job import TrainingJob
from factory.train.tokens import Document, write_tokens

from .lengths import draw

SHAPES: Final[dict[str, dict[str, Any]]] = {
    "tiny": {
        **{"vocab_size": 300, "hidden_size": 64, "intermediate_size": 160},
        **{"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2},
        **{"tie_word_embeddings": True},
    },
    "1.5B": {
        **{"vocab_size": 151936, "hidden_size": 1536, "intermediate_size": 8960},
        **{"num_hidden_layers": 28, "num_attention_heads": 12, "num_key_value_heads": 2},
        **{"tie_word_embeddings": True},
    },
    "7B": {
        **{"vocab_size": 152064, "hidden_size": 3584, "intermediate_size": 18944},
        **{"num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4},
        **{"tie_word_embeddings": False},
    },
}
"""Of Qwen2.5-1.5B and Qwen2.5-7B, as their configurations on the hub have them; `tiny` is for
tests of the script."""
END: Final = 0


@dataclass(frozen=True)
class Lengths:
    """Documents of a measurement, and how many tokens go forward at once."""

    longest: int
    scale: float
    micro_batch_tokens: int
    said: str
    """Where the lengths are from."""


LENGTHS: Final[dict[str, Lengths]] = {
    "tiny": Lengths(256, 0.25, 512, "real, a quarter as long"),
    "4K": Lengths(4096, 1.0, 16384, "real, 0.5K in the mean"),
    "16K": Lengths(16384, 13.0, 16384, "responses 13 times the real ones, 5K in the mean"),
    "32K": Lengths(32768, 25.0, 32768, "responses 25 times the real ones, 9K in the mean"),
}
"""Longest document and scale of the responses (`training.lengths`)."""


def config_of(shape: str, layers: int | None = None) -> Any:
    """A Qwen2 configuration, with so many layers or all."""
    import transformers

    kept = {} if layers is None else {"num_hidden_layers": layers}
    return transformers.Qwen2Config(
        **(SHAPES[shape] | kept),
        **{"max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "use_cache": False},
        **{"rope_parameters": {"rope_type": "default", "rope_theta": 1e6}},
        **{"bos_token_id": END, "eos_token_id": END, "pad_token_id": END},
    )


def random_model(config: Any, *, attention: str, device: str, precision: str) -> Any:
    """The model with random weights, made where it will be used."""
    import torch
    import transformers

    torch.manual_seed(0)
    with torch.device(device):
        model: Any = transformers.AutoModelForCausalLM.from_config(
            config, dtype=getattr(torch, precision), attn_implementation=attention
        )
    return model.train()


def write_documents(path: Path, lengths: Lengths, tokens: int, vocabulary: int) -> None:
    """A token file of at least so many tokens in all: random ids, the end token last."""
    rng = np.random.default_rng(0)
    documents: list[Document] = []
    for prompt, length in draw(tokens, scale=lengths.scale, longest=lengths.longest, seed=0):
        ids = rng.integers(1, vocabulary, length).astype(np.int32)
        ids[-1] = END
        documents.append(Document(ids, prompt))
    write_tokens(path, documents)


def tokenizer() -> Any:
    """As much of a tokenizer as a trainer asks for when documents are token ids already."""
    import transformers
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    words = Tokenizer(WordLevel({"<end>": END}, unk_token="<end>"))
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, eos_token="<end>", pad_token="<end>"
    )


def fit(shape: str, job: TrainingJob, memory_bytes: float) -> tuple[int, bool]:
    """(layers, gradient checkpointing) with which a training takes at most so much memory.

    All layers without checkpointing if that fits, else with it, else fewer layers with it.
    """
    layers = int(SHAPES[shape]["num_hidden_layers"])
    if _needed_bytes(shape, layers, job, checkpointing=False) <= memory_bytes:
        return layers, False
    while layers > 1 and _needed_bytes(shape, layers, job, checkpointing=True) > memory_bytes:
        layers -= 1
    return layers, True


def _needed_bytes(shape: str, layers: int, job: TrainingJob, *, checkpointing: bool) -> int:
    from factory.train.memory import count_parameters
    from factory.train.memory_parts import activations, logits, states

    config = config_of(shape, layers)
    tokens = job.micro_batch_tokens
    as_run = job.model_copy(update={"gradient_checkpointing": checkpointing})
    held = activations(as_run, config, rows=1, row_tokens=tokens)
    held += logits(as_run, config, tokens)
    return held + sum(states(as_run, count_parameters(config))[0].values())
