"""Base students with random weights, for tests of the path and as the start of embedded models."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from factory.errors import RecipeError
from factory.models import EMBEDDED
from factory.recipe_file import existing
from factory.train.files import describe_files
from factory.train.render import end_token_id, load_tokenizer
from schemas.manifest import PartFile
from schemas.train_settings import RandomBase

_POSITIONS: Final = 32768
_HEAD_SIZES: Final = (32, 64, 80, 96, 112, 128, 160, 192, 224, 256, 512)
"""What the CPU attention of vLLM 0.32 supports; the engine does not start with another size."""


def make_random_base(base: RandomBase, out_dir: Path) -> list[PartFile]:
    """A model of this shape with random weights by seed, in Hugging Face layout in `out_dir`.

    Embeddings are tied; weights are float32; the vocabulary is the tokenizer's, so every id that
    it gives has an embedding.

    Raises:
        RecipeError: No such tokenizer, or a shape that no model has.
        TrainError: The tokenizer has no chat template, or one without an end of turn.
    """
    if base.hidden_size % base.heads or base.heads % base.kv_heads:
        raise RecipeError(
            f"base: expected hidden_size a multiple of heads and heads one of kv_heads, found "
            f"{base.hidden_size}, {base.heads} and {base.kv_heads}"
        )
    if base.hidden_size // base.heads not in _HEAD_SIZES:
        raise RecipeError(
            f"base: expected hidden_size / heads to be one of {_HEAD_SIZES}, which vLLM serves on "
            f"a CPU, found {base.hidden_size // base.heads}; a student of {base.hidden_size} could "
            f"have {max(1, base.hidden_size // 32)} heads"
        )
    tokenizer = load_tokenizer(str(_tokenizer_folder(base.tokenizer)))
    return make_base(base, tokenizer, out_dir)


def make_base(
    base: RandomBase,
    tokenizer: Any,
    out_dir: Path,
    *,
    positions: int = _POSITIONS,
    tied: bool = True,
) -> list[PartFile]:
    """As `make_random_base`, with a tokenizer that is loaded already (`base.tokenizer` unread).

    Args:
        base: Its shape.
        tokenizer: It decides the vocabulary.
        out_dir: Gets the model.
        positions: `max_position_embeddings`.
        tied: Whether the output layer is the embedding.
    """
    import torch
    import transformers

    from factory.train.export import save_model

    end = end_token_id(tokenizer)
    shape: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": base.hidden_size,
        "intermediate_size": base.intermediate_size,
        "num_hidden_layers": base.layers,
        "num_attention_heads": base.heads,
        "num_key_value_heads": base.kv_heads,
        "max_position_embeddings": positions,
        "tie_word_embeddings": tied,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": end,
        "pad_token_id": tokenizer.pad_token_id,
    }
    config: Any
    if base.arch == "qwen2":
        config, kind = transformers.Qwen2Config(**shape), transformers.Qwen2ForCausalLM
    elif base.arch == "qwen3":
        # its own default is 128, whatever the hidden size
        config = transformers.Qwen3Config(**shape, head_dim=base.hidden_size // base.heads)
        kind = transformers.Qwen3ForCausalLM
    else:
        config, kind = transformers.LlamaConfig(**shape), transformers.LlamaForCausalLM
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(base.seed)
        model: Any = kind(config)
    save_model(model.float(), tokenizer, out_dir, end_token_id=end)
    return describe_files(out_dir)


def _tokenizer_folder(name: str) -> Path:
    if name.startswith("embedded:"):
        folder = EMBEDDED / name.removeprefix("embedded:")
        if not folder.is_dir():
            raise RecipeError(f"tokenizer {name}: expected a folder at {folder}, found none")
        return folder
    return existing(name, f"tokenizer {name}")
