"""TRL's SFTTrainer on a model with random weights: `python -m training.gpu_trl WORK.json`.

As its users run it: bfloat16, packing (best fit decreasing, flattened, which is its way without
padding), its own chunked loss, the same DeepSpeed configuration, gradient checkpointing where ours
has it. Attention is flash attention where its package is installed, else torch's with a mask.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from factory.train.attention import FLAT, register
from factory.train.job import TrainingJob

from .gpu_clock import Clock
from .sft_trainer import check_deepspeed, trl_rows, use_deepspeed
from .shapes import config_of, random_model, tokenizer


class Timed(TrainerCallback):
    """Laps at the ends of optimizer steps."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._clock.lap()


def main() -> None:
    """Train some steps, and write what they took."""
    work = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    job = TrainingJob.model_validate(work["job"])
    attention = "flash_attention_2" if importlib.util.find_spec("flash_attn") else "sdpa"
    if work["our_attention"]:
        register()
        attention = FLAT
    use_deepspeed(job.device)
    rows_per_step = job.batch_tokens // work["row_tokens"]
    rows_per_micro = job.micro_batch_tokens // work["row_tokens"]
    steps = work["warm_up_steps"] + work["steps"]
    clock = Clock(job.device, work["warm_up_steps"])
    trainer = SFTTrainer(
        model=random_model(
            config_of(work["shape"], work["layers"]),
            attention=attention,
            device=job.device,
            precision=job.precision,
        ),
        args=SFTConfig(
            output_dir=str(Path(work["out"]).with_suffix("")),
            bf16=job.precision == "bfloat16",
            deepspeed=work["deepspeed"],
            packing=True,
            max_length=work["row_tokens"],
            per_device_train_batch_size=rows_per_micro,
            gradient_accumulation_steps=rows_per_step // rows_per_micro,
            gradient_checkpointing=job.gradient_checkpointing,
            gradient_checkpointing_kwargs={"use_reentrant": False},
            max_steps=steps,
            learning_rate=job.lr,
            weight_decay=0.0,
            max_grad_norm=job.clip_grad_norm,
            optim="adamw_torch_fused",
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            seed=0,
        ),
        train_dataset=trl_rows(job.tokens),
        processing_class=tokenizer(),
        callbacks=[Timed(clock)],
    )
    check_deepspeed(trainer)
    rows = [sum(row["seq_lengths"]) for row in trainer.train_dataset]
    trainer.train()
    # rows are shuffled, so a step holds this many in the mean
    mean = round(sum(rows) / len(rows) * rows_per_step)
    clock.write(
        Path(work["out"]),
        tokens=[mean] * work["steps"],
        data_wait_s=None,
        losses=[line["loss"] for line in trainer.state.log_history if "loss" in line],
        attention=trainer.model.config._attn_implementation,
        parameters=sum(one.numel() for one in trainer.model.parameters()),
    )


if __name__ == "__main__":
    main()
