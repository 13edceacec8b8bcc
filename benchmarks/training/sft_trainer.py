"""What the benchmarks need of TRL's SFTTrainer: documents in its form, and DeepSpeed on CPU."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import deepspeed.ops
from accelerate import DistributedType, PartialState
from datasets import Dataset

from factory.train.tokens import TokenFiles


def trl_rows(tokens: Sequence[str]) -> Dataset:
    """The documents of token files, in their order, with what is only read masked in the labels."""
    data = TokenFiles([Path(path) for path in tokens])
    documents = [data.document(number) for number in range(len(data))]
    return Dataset.from_dict(
        {
            "input_ids": [one.ids.tolist() for one in documents],
            "labels": [
                [-100] * one.prompt_tokens + one.ids[one.prompt_tokens :].tolist()
                for one in documents
            ],
        }
    )


def use_deepspeed(device: str) -> None:
    """Have the trainer find DeepSpeed on CPU too; before its configuration is made.

    accelerate has no backend for it there: it would see one rank, or, told to use the CPU, train
    without DeepSpeed and say nothing. As for ours, nothing is compiled.
    """
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    if device == "cpu":
        PartialState._prepare_backend = lambda *_: ("gloo", DistributedType.NO)


def check_deepspeed(trainer: Any) -> None:
    """Refuse a trainer that does not train with DeepSpeed on all ranks.

    Raises:
        SystemExit: It does not.
    """
    state = trainer.accelerator.state
    found = (state.distributed_type, state.num_processes)
    expected = (DistributedType.DEEPSPEED, int(os.environ["WORLD_SIZE"]))
    if found != expected:
        raise SystemExit(f"the peer's ranks: expected {expected}, found {found}")
