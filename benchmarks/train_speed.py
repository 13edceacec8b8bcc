"""How fast a student learns on CPU: precision, attention and length of the packed rows.

Forward and backward pass of the demonstration's base on its own lessons, one thread, no DeepSpeed.
Settings take turns in each repeat; tokens per second of CPU time, medians, and the ratio to the
first setting (float32, torch's fused attention, rows of 512 tokens). `flat` is our own attention
(`factory.train.attention`), with documents one after the other instead of in rows.

    python benchmarks/train_speed.py [--quick]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from factory.bootstrap.lessons import Syllabus, write_lessons
from factory.models import resolve_model
from factory.train.attention import FLAT, register
from factory.train.batches import Batches
from factory.train.loss import Learner
from factory.train.plan import make_plan
from factory.train.render import load_tokenizer
from factory.train.tokens import TokenFiles

_SETTINGS = (
    ("float32", "sdpa", 512),
    ("float32", "sdpa", 256),
    ("float32", "eager", 256),
    ("float32", "flat", 256),
    ("bfloat16", "sdpa", 512),
    ("bfloat16", "sdpa", 256),
    ("bfloat16", "eager", 256),
    ("bfloat16", "flat", 256),
)
_MICRO_TOKENS = 2048


def speed(data: TokenFiles, dtype: str, attention: str, row_tokens: int, steps: int) -> float:
    """Tokens per second of CPU time, after a first step that does not count."""
    plan = make_plan(
        data.lengths,
        data.prompt_tokens,
        epochs=1,
        batch_tokens=2 * _MICRO_TOKENS,
        seed=0,
        row_tokens=row_tokens,
    )
    model: Any = AutoModelForCausalLM.from_pretrained(
        resolve_model("embedded:base-qwen2").location,
        dtype=getattr(torch, dtype),
        attn_implementation=FLAT if attention == "flat" else attention,
    )
    model.config.use_cache = False
    learner = Learner(model.train())
    batches = Batches(data, pad_id=0, flat=attention == "flat", device=torch.device("cpu"))
    begun, tokens = 0.0, 0
    for number, step in enumerate(plan.steps[: steps + 1]):
        if number == 1:
            begun, tokens = time.process_time(), 0
        micros = step.share(0, 1, max(1, _MICRO_TOKENS // plan.row_tokens))
        for batch in batches.of(iter(micros)):
            (learner(*batch.inputs()) / step.targets).backward()
        tokens += step.tokens
    return tokens / (time.process_time() - begun)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one repeat instead of five")
    repeats = 1 if parser.parse_args().quick else 5
    torch.set_num_threads(1)
    register()
    found: dict[tuple[str, str, int], list[float]] = {one: [] for one in _SETTINGS}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lessons.arrow"
        tokenizer = load_tokenizer(resolve_model("embedded:base-qwen2").location)
        write_lessons(path, Syllabus(300, 150, 100, 0, 0), tokenizer, seed=1)
        data = TokenFiles([path])
        for _ in range(repeats):
            for one in _SETTINGS:
                found[one].append(speed(data, *one, steps=5))
    print("| precision | attention | tokens of a row | tokens / CPU second | ratio |")
    print("|---|---|---|---|---|")
    first = statistics.median(found[_SETTINGS[0]])
    for (dtype, attention, row_tokens), speeds in found.items():
        median = statistics.median(speeds)
        print(f"| {dtype} | {attention} | {row_tokens} | {median:,.0f} | {median / first:.2f} |")


if __name__ == "__main__":
    main()
