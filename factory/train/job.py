"""A training job: everything that one training needs, as a JSON file that each rank reads."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from schemas.row import Row, Settings


class TrainingJob(Settings):
    """What to train, on what, how, and where to write."""

    tokens: list[str] = Field(min_length=1)
    """Token files (`factory.train.tokens`)."""
    base: str
    """Folder in Hugging Face layout, or a hub name."""
    revision: str = ""
    """Commit of a hub name; empty for a folder."""
    out_dir: str
    """Gets `model/`, `log.jsonl`, and while it works `checkpoints/` and `work/`."""
    end_token_id: int
    """The token that ends a turn: what generation stops at."""
    lr: float
    epochs: int = 1
    batch_tokens: int = 16384
    """Tokens per optimizer step over all ranks."""
    warmup_ratio: float = 0.03
    min_lr_ratio: float = 0.1
    weight_decay: float = 0.0
    """Of matrices only."""
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    clip_grad_norm: float = 1.0
    zero_stage: int = 2
    precision: Literal["float32", "bfloat16"] = "float32"
    gradient_checkpointing: bool = False
    seed: int = 0
    ranks: int = 2
    device: Literal["cpu", "cuda"] = "cpu"
    micro_batch_tokens: int = 4096
    """Padded tokens of one forward pass per rank."""
    checkpoint_every_steps: int = 50
    checkpoints_kept: int = 2
    stall_timeout_s: float = 600.0
    """Without any progress for so long, the ranks are ended."""

    @property
    def out(self) -> Path:
        """`out_dir` as a path."""
        return Path(self.out_dir)

    @property
    def work(self) -> Path:
        """Files that only this training reads."""
        return self.out / "work"


class TrainingOutcome(Row):
    """What a finished training reports."""

    steps: int
    epochs: int
    tokens: int
    """Tokens seen, all epochs."""
    target_tokens: int
    parameters: int
    first_loss: float
    final_loss: float
    """Mean loss per target token of the last step."""
    tokens_per_s: float
    """Over the steps since the last start, all ranks."""
    target_tokens_per_s: float
    packing_efficiency: float
    row_tokens: int
    ranks: int
    wall_s: float
    """Of the steps since the last start."""
