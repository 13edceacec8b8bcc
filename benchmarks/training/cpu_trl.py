"""One rank of TRL's SFTTrainer: `torchrun -m training.cpu_trl WORK.json`, timed at each step."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer

from factory.train.leave import run_rank

from .cpu_clock import Clock
from .sft_trainer import check_deepspeed, trl_rows, use_deepspeed


class Timed(TrainerCallback):
    """Laps at the ends of optimizer steps."""

    def __init__(self, tokens: list[int]) -> None:
        self.clock = Clock()
        self._tokens = tokens

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.clock.lap(self._tokens[state.global_step - 1])


def main() -> int:
    """Train, and write what it took."""
    work = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    use_deepspeed("cpu")
    bf16 = work["job"]["precision"] == "bfloat16"
    model = AutoModelForCausalLM.from_pretrained(
        work["job"]["base"], dtype=torch.float32, attn_implementation=work["attention"]
    )
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=str(Path(work["out"]) / "trl"),
            bf16=bf16,
            deepspeed=work["deepspeed"],
            packing=True,
            max_length=work["row_length"],
            per_device_train_batch_size=work["rows_per_device"],
            gradient_accumulation_steps=1,
            gradient_checkpointing=False,
            num_train_epochs=work["job"]["epochs"],
            learning_rate=work["job"]["lr"],
            lr_scheduler_type="cosine",
            warmup_steps=1,
            weight_decay=0.0,
            max_grad_norm=1.0,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            seed=0,
        ),
        train_dataset=trl_rows(work["job"]["tokens"]),
        processing_class=AutoTokenizer.from_pretrained(work["job"]["base"]),
    )
    check_deepspeed(trainer)
    packed = [sum(row["seq_lengths"]) for row in trainer.train_dataset]
    rows_of_step = work["rows_per_device"] * int(os.environ["WORLD_SIZE"])
    steps = -(-len(packed) // rows_of_step)
    mean = sum(packed) / steps  # rows are shuffled: a step holds this many on average
    timed = Timed([round(mean)] * (steps * work["job"]["epochs"]))
    trainer.add_callback(timed)
    trainer.train()
    timed.clock.write(Path(work["out"]), int(os.environ["RANK"]))
    torch.distributed.destroy_process_group()
    return 0


if __name__ == "__main__":
    run_rank(main)
