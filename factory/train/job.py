"""A training job: everything that one training needs, as a JSON file that each rank reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field

from factory.digest import digest
from schemas.row import Row, Settings

_OF_THE_MACHINE: Final = frozenset(
    {
        "tokens",
        "eval_tokens",
        "out_dir",
        "ranks",
        "hostfile",
        "micro_batch_tokens",
        "offload",
        "checkpoint_every_steps",
        "checkpoint_every_s",
        "checkpoints_kept",
        "eval_every_steps",
        "stall_timeout_s",
        "peak_tflops",
    }
)
"""Decide where and how, not what is learned from which data."""


class TrainingJob(Settings):
    """What to train, on what, how, and where to write."""

    tokens: list[str] = Field(min_length=1)
    """Token files (`factory.train.tokens`)."""
    eval_tokens: list[str] = Field(default_factory=list)
    """Token files of held-out documents; none: no evaluation loss."""
    base: str
    """Folder in Hugging Face layout, or a hub name."""
    revision: str = ""
    """Commit of a hub name; empty for a folder."""
    chat_template: str = ""
    """Jinja source that the student's tokenizer gets; empty: the base's own."""
    rope_base: float | None = None
    positions: int | None = None
    out_dir: str
    """Gets `model/`, `log.jsonl`, `tensorboard/`, and while it works `checkpoints/` and
    `work/`."""
    end_token_id: int
    """The token that ends a turn: what generation stops at."""
    lr: float
    epochs: int = 1
    batch_tokens: int = 16384
    """Tokens per optimizer step over all ranks."""
    packing: bool = True
    schedule: Literal["cosine", "linear", "constant", "warmup-stable-decay"] = "cosine"
    warmup_ratio: float = 0.03
    min_lr_ratio: float = 0.1
    weight_decay: float = 0.0
    """Of matrices only."""
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    clip_grad_norm: float = 1.0
    zero_stage: int = 2
    precision: Literal["float32", "bfloat16"] = "float32"
    offload: Literal["none", "optimizer", "all"] = "none"
    deepspeed: dict[str, Any] = Field(default_factory=dict)
    """What a DeepSpeed JSON says, apart from what the loop owns; empty: the fields above."""
    gradient_checkpointing: bool = False
    loss: Literal["chunked", "liger"] = "chunked"
    seed: int = 0
    ranks: int = 2
    """Over all hosts."""
    hostfile: str = ""
    device: Literal["cpu", "cuda"] = "cpu"
    micro_batch_tokens: int = 4096
    """Padded tokens of one forward pass per rank."""
    eval_every_steps: int = 50
    checkpoint_every_steps: int = 50
    checkpoint_every_s: float = 1800.0
    checkpoints_kept: int = 2
    stall_timeout_s: float = 600.0
    """Without any progress for so long, the ranks are ended."""
    peak_tflops: float | None = None
    """Dense peak of one rank, 10^12 operations per second; None: by the device's name."""

    @property
    def out(self) -> Path:
        """`out_dir` as a path."""
        return Path(self.out_dir)

    @property
    def work(self) -> Path:
        """Files that only this training reads."""
        return self.out / "work"

    def settings_digest(self) -> str:
        """Digest of what decides the weights, apart from the data and the number of ranks."""
        return digest(self.model_dump(exclude=set(_OF_THE_MACHINE)))


class TrainingOutcome(Row):
    """What a finished training reports."""

    steps: int
    epochs: int
    documents: int
    tokens: int
    """Tokens seen, all epochs."""
    target_tokens: int
    parameters: int
    first_loss: float
    final_loss: float
    """Mean loss per target token of the last step."""
    first_eval_loss: float | None = None
    """On the held-out documents, before the first step; None where none are held out."""
    final_eval_loss: float | None = None
    tokens_per_s: float
    """Over the steps since the last start, all ranks."""
    target_tokens_per_s: float
    data_wait_ratio: float = 0.0
    """Share of that time in which rank 0 waited for rows."""
    mfu: float | None = None
    """Model's operations over the ranks' peak, in [0, 1]; None where the peak is not known."""
    memory_bytes: int = 0
    """Most that one rank held: of the GPU, or resident on CPU."""
    packing_efficiency: float
    row_tokens: int
    ranks: int
    wall_s: float
    """Of the steps since the last start."""
