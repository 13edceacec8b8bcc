"""Which attention a training uses, and whether its rows are flattened for it."""

from __future__ import annotations

from factory.train.job import TrainingJob


def attention_of(job: TrainingJob) -> str:
    """torch's fused attention, but not on CPU in bfloat16, where its backward pass is 1.4 times as
    slow as plain matrices (`benchmarks/train_speed.py`)."""
    return "eager" if job.device == "cpu" and job.precision == "bfloat16" else "sdpa"


def is_flat(attention: str) -> bool:
    """Whether this attention takes documents one after the other, without rows and padding."""
    del attention
    return False
