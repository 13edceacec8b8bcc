"""Our trainer's loop on a model with random weights: `python -m training.gpu_ours WORK.json`.

The loop is the real one (`factory.train.loop`): its plan, batches, engine, loss and steps. Only the
base is not read from files, and nothing is logged, saved or exported.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from factory.train import engine
from factory.train.attention import attention_of
from factory.train.job import TrainingJob
from factory.train.loop import _Training

from .gpu_clock import Clock
from .shapes import config_of, random_model, tokenizer


def main() -> None:
    """Train some steps, and write what they took."""
    work = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    job = TrainingJob.model_validate(work["job"])
    config = config_of(work["shape"], work["layers"])

    def load_random(job: TrainingJob) -> tuple[Any, Any]:
        model = random_model(
            config,
            attention=attention_of(job, config),
            device=job.device,
            precision=job.precision,
        )
        if job.gradient_checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        return model, tokenizer()

    engine.load_base = load_random
    training = _Training(job)
    clock = Clock(job.device, work["warm_up_steps"])
    waited: list[float] = []
    losses: list[float] = []
    steps = training.plan.steps[: work["warm_up_steps"] + work["steps"]]
    for number in range(len(steps)):
        facts = training._step(number)
        clock.lap()
        waited.append(facts.data_wait_s)
        losses.append(facts.loss)
    training.pulse.stop()
    clock.write(
        Path(work["out"]),
        tokens=[step.tokens for step in steps[work["warm_up_steps"] :]],
        data_wait_s=sum(waited[work["warm_up_steps"] :]),
        losses=losses,
        attention=attention_of(job, config),
        parameters=training.parameters,
    )


if __name__ == "__main__":
    main()
