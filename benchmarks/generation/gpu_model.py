"""A model for one GPU that needs no download: the shape of Qwen2.5-1.5B, weights at random.

Random weights hardly ever end a completion, so each has `max_tokens` tokens: a steady load.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Final

from factory.models import Model, local_model
from factory.recipe_file import existing
from schemas.generate_settings import Generate, Sampling
from schemas.machine import Endpoints, Machine, Vllm
from schemas.teacher_settings import VllmTeacher

GPU_IN_FLIGHT: Final = (64, 96, 128)
_NAME: Final = "qwen2-1.5b-random"


def random_qwen2(folder: Path) -> Model:
    """The model, made in a folder, with the tokenizer of Qwen2.5.

    Raises:
        SystemExit: There is no GPU here.
    """
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    if not torch.cuda.is_available():
        raise SystemExit(
            "benchmarks/generate.py gpu: expected an NVIDIA GPU that torch sees, found none; run "
            "it on one in an environment made by `make setup-gpu`, or leave out `gpu` for the CPU"
        )
    tokenizer = existing("${RETORT_DATA}/tokenizers/qwen2.5", "tokenizer of Qwen2.5")
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=151936,
        hidden_size=1536,
        intermediate_size=8960,
        num_hidden_layers=28,
        num_attention_heads=12,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        bos_token_id=151643,
        eos_token_id=151645,
    )
    Qwen2ForCausalLM(config).bfloat16().save_pretrained(folder)
    for file in tokenizer.iterdir():
        shutil.copyfile(file, folder / file.name)
    assert "chat_template" in json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    return local_model(folder, _NAME)


def gpu_settings(demo: Generate) -> Generate:
    """The demonstration's settings for this model: bfloat16, 512 tokens each."""
    return demo.model_copy(
        update={
            "teacher": VllmTeacher(
                engine="vllm", model=_NAME, max_model_len=2048, dtype="bfloat16"
            ),
            "sampling": Sampling(temperature=1.0, max_tokens=512),
        }
    )


def gpu_machine() -> Machine:
    """Server and `LLM.generate` share the GPU's memory: each stays loaded while it waits."""
    return Machine(
        vllm=Vllm(max_num_seqs=512, gpu_memory_utilization=0.42),
        teacher=Endpoints(requests_in_flight=128),
    )
