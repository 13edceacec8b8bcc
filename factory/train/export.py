"""Export: a folder in Hugging Face layout that vLLM and transformers load, there whole or not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from factory.parts import sync_folder
from factory.train.job import TrainingJob


def export_student(
    model: Any, tokenizer: Any, job: TrainingJob, state_dict: dict[str, Any] | None
) -> None:
    """`job.out/model`; rank 0 calls it, with the whole weights."""
    if job.precision == "bfloat16":
        import torch

        model.config.dtype = torch.bfloat16
    save_model(
        model, tokenizer, job.out / "model", end_token_id=job.end_token_id, state_dict=state_dict
    )


def save_model(
    model: Any,
    tokenizer: Any,
    folder: Path,
    *,
    end_token_id: int,
    state_dict: dict[str, Any] | None = None,
) -> None:
    """Write weights, configuration, tokenizer, chat template and generation configuration.

    Args:
        model: A transformers model; tied weights are written once.
        tokenizer: Written as the fast tokenizer it is, with its chat template.
        folder: Replaced as a whole where it exists.
        end_token_id: What generation stops at. Sampling settings of the base are left out,
            since vLLM would take them for its defaults.
        state_dict: Weights by name, where the model itself does not hold them (ZeRO-3).
    """
    from transformers import GenerationConfig
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    hidden = folder.with_name(f".{folder.name}.{os.getpid()}")
    if hidden.exists():
        shutil.rmtree(hidden)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else end_token_id
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=end_token_id, pad_token_id=pad
    )
    model.config.use_cache = True
    model.config.eos_token_id = end_token_id
    model.config.pad_token_id = pad
    model.save_pretrained(hidden, state_dict=state_dict)
    end_token = tokenizer.convert_ids_to_tokens(end_token_id)
    if tokenizer.eos_token != end_token:
        tokenizer.eos_token = end_token
    tokenizer.save_pretrained(hidden)
    for path in sorted(hidden.rglob("*")):
        if path.is_file():
            with open(path, "rb+") as file:
                os.fsync(file.fileno())
    if folder.exists():
        shutil.rmtree(folder)
    hidden.replace(folder)
    sync_folder(folder.parent)
