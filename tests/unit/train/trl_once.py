"""TRL's SFTTrainer on a job's documents: `-m tests.unit.train.trl_once JOB`; weights in `trl/`.

In the plan's order, as many documents a step as each of its steps has, in micro-batches of two
that are padded. Its losses are printed as JSON on the last line.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

from factory.train.job import TrainingJob
from factory.train.loop import plan_of
from factory.train.tokens import TokenFiles


def main(path: str) -> None:
    """Train, and save the model."""
    job = TrainingJob.model_validate_json(Path(path).read_text())
    data = TokenFiles([Path(one) for one in job.tokens])
    plan = plan_of(job, data)
    (step_rows,) = {len(step.rows) for step in plan.steps}
    documents = [data.document(n) for step in plan.steps for row in step.rows for n in row]
    rows: list[dict[str, Any]] = [
        {
            "input_ids": one.ids.tolist(),
            "completion_mask": [int(at >= one.prompt_tokens) for at in range(len(one.ids))],
        }
        for one in documents
    ]
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(job.base, dtype=torch.float32),
        args=SFTConfig(
            output_dir=str(job.out / "trl"),
            use_cpu=True,
            bf16=False,
            packing=False,
            completion_only_loss=True,
            max_length=None,
            train_sampling_strategy="sequential",
            per_device_train_batch_size=2,
            gradient_accumulation_steps=step_rows // 2,
            gradient_checkpointing=False,
            num_train_epochs=1,
            optim="adamw_torch",
            learning_rate=job.lr,
            lr_scheduler_type="constant",
            weight_decay=job.weight_decay,
            adam_beta1=job.betas[0],
            adam_beta2=job.betas[1],
            adam_epsilon=job.eps,
            max_grad_norm=job.clip_grad_norm,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            seed=0,
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(job.base),
    )
    trainer.train()
    trainer.save_model()
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    (job.out / "trl" / "losses.json").write_text(json.dumps(losses))


if __name__ == "__main__":
    main(sys.argv[1])
