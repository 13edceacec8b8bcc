"""The training loop, as it runs in each rank: `python -m factory.train.loop JOB.json`.

A plain DeepSpeed loop; `factory.train.launch` starts one process per rank under torchrun's
environment. Rank 0 writes the logs; an error made on purpose is written to `work/` for the
parent. Dropout is off in the families we train, and torch's generators are seeded anew for each
step, so a step depends only on the weights and the plan.
"""

from __future__ import annotations

import gc
import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from factory.errors import RetortError, TrainError
from factory.train.failure import tell_crashes, write_refusal
from factory.train.finished import write_outcome
from factory.train.job import TrainingJob, TrainingOutcome
from factory.train.launch import bind_to_parent
from factory.train.leave import run_rank
from factory.train.log import StepFacts, TrainingLog
from factory.train.plan import Plan, make_plan
from factory.train.pulse import Pulse
from factory.train.schedule import learning_rate
from factory.train.tokens import TokenFiles


def plan_of(job: TrainingJob, data: TokenFiles, *, row_tokens: int | None = None) -> Plan:
    """The plan of a job: the same in every rank, and before the training starts.

    Args:
        row_tokens: See `make_plan`.
    """
    return make_plan(
        data.lengths,
        data.prompt_tokens,
        epochs=job.epochs,
        batch_tokens=job.batch_tokens,
        seed=job.seed,
        packing=job.packing,
        row_tokens=row_tokens,
    )


def train(job: TrainingJob) -> TrainingOutcome:
    """Train, or continue to train, and export; the same weights whoever stopped it on its way.

    Raises:
        TrainError: See `launch.run_training`.
    """
    outcome = _Training(job).run()
    gc.collect()  # the engine, a circle of references, would keep its memory from the next student
    return outcome


class _Training:
    """One training in one rank."""

    def __init__(self, job: TrainingJob) -> None:
        from factory.train.architecture import check_model
        from factory.train.attention import attention_of, is_flat
        from factory.train.batches import Batches
        from factory.train.engine import load_base, start_engine
        from factory.train.evaluate import Evaluation
        from factory.train.grad_norm import tell_grad_norm
        from factory.train.loss import Learner

        self.job = job
        self.rank, self.ranks = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        self.pulse = Pulse(job, self.rank)
        data = TokenFiles([Path(path) for path in job.tokens])
        self.documents = len(data)
        self.plan = plan_of(job, data)
        self.model, self.tokenizer = load_base(job)
        check_model(self.model.config, data, len(self.tokenizer))
        self.learner = Learner(self.model, kernel=job.loss)
        self.parameters = sum(
            getattr(one, "ds_numel", one.numel()) for one in self.learner.parameters()
        )
        self.engine, self.optimizer = start_engine(self.learner, job)
        tell_grad_norm(self.engine)
        self.device = self.engine.device
        pad = self.tokenizer.pad_token_id
        pad_id = job.end_token_id if pad is None else pad
        flat = is_flat(attention_of(job, self.model.config))
        self.batches = Batches(data, pad_id=pad_id, flat=flat, device=self.device)
        self.rows_per_micro = self.plan.rows_per_micro(job.micro_batch_tokens)
        self.evaluation: Evaluation | None = None
        if job.eval_tokens:
            held_out = TokenFiles([Path(path) for path in job.eval_tokens])
            self.evaluation = Evaluation(
                held_out,
                Batches(held_out, pad_id=pad_id, flat=flat, device=self.device),
                rank=self.rank,
                ranks=self.ranks,
                micro_batch_tokens=job.micro_batch_tokens,
            )
        self.checkpoints = job.out / "checkpoints"
        self.identity = {
            "ranks": self.ranks,
            "plan": self.plan.digest(),
            "settings": job.settings_digest(),
        }
        self.saved_s = time.monotonic()

    def run(self) -> TrainingOutcome:
        """All steps that are left, and the export."""
        import torch

        from factory.train import checkpoint
        from factory.train.engine import whole_state
        from factory.train.export import export_student

        job, steps = self.job, self.plan.steps
        done = checkpoint.resume(self.engine, self.checkpoints, self.identity, job)
        log = (
            TrainingLog(job, self.plan, done, self.model.config, self.device)
            if self.rank == 0
            else None
        )
        if done == 0:
            self._evaluate(log, 0)
        self.saved_s = time.monotonic()
        steps_s = 0.0
        for number in range(done, len(steps)):
            facts = self._step(number)
            self.pulse.stepped()
            steps_s += facts.step_s
            if log is not None:
                log.step(number, facts)
            last = number + 1 == len(steps)
            if last or (number + 1) % job.eval_every_steps == 0:
                self._evaluate(log, number + 1)
            if not last and (facts.save or (number + 1) % job.checkpoint_every_steps == 0):
                with self.pulse.long("save"):
                    checkpoint.save(
                        self.engine,
                        self.checkpoints,
                        number + 1,
                        self.identity,
                        job.checkpoints_kept,
                    )
                self.saved_s = time.monotonic()
        with self.pulse.long("export"):
            state = whole_state(self.engine, self.learner, job)
            if self.rank == 0:
                export_student(self.model, self.tokenizer, job, state)
            torch.distributed.barrier()
        self.pulse.stop()
        self.engine.destroy()  # else DeepSpeed itself holds the engine as long as the process lives
        return self._outcome(log, done, steps_s)

    def _step(self, number: int) -> StepFacts:
        """One optimizer step."""
        import torch

        job = self.job
        begun = time.monotonic()
        torch.manual_seed(
            int(np.random.SeedSequence([job.seed, number, self.rank]).generate_state(1)[0])
        )
        rate = learning_rate(
            number,
            steps=len(self.plan.steps),
            peak=job.lr,
            warmup_ratio=job.warmup_ratio,
            min_lr_ratio=job.min_lr_ratio,
            schedule=job.schedule,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss, save = self._gradients(number)
        if not math.isfinite(loss):
            raise self._not_finite(number, "loss", loss, rate)
        self.engine.step()
        norm = float(self.engine.get_global_grad_norm())
        if not math.isfinite(norm):
            raise self._not_finite(number, "gradient norm", norm, rate)
        waited_s, self.batches.waited_s = self.batches.waited_s, 0.0
        return StepFacts(
            loss=loss,
            lr=rate,
            grad_norm=norm,
            step_s=time.monotonic() - begun,
            data_wait_s=waited_s,
            save=save,
        )

    def _gradients(self, number: int) -> tuple[float, bool]:
        """Gradients of one optimizer step; its mean loss per target token over all ranks, and
        whether a checkpoint is due by rank 0's clock."""
        import torch

        from factory.train.loss import step_share

        step = self.plan.steps[number]
        # [sum of losses, whether a checkpoint is due]: one message tells both to all ranks
        total = torch.zeros(2, dtype=torch.float64, device=self.device)
        if self.rank == 0 and time.monotonic() - self.saved_s > self.job.checkpoint_every_s:
            total[1] = 1
        for batch in self.batches.of(self._micros(number)):
            loss_sum = self.engine(*batch.inputs())
            total[0] += loss_sum.detach().double()
            self.engine.backward(
                step_share(loss_sum, step.targets, self.ranks), scale_wrt_gas=False
            )
        torch.distributed.all_reduce(total)
        loss_sum, save = total.tolist()
        return loss_sum / step.targets, save > 0

    def _micros(self, number: int) -> Iterator[tuple[tuple[int, ...], ...]]:
        return iter(self.plan.steps[number].share(self.rank, self.ranks, self.rows_per_micro))

    def _not_finite(self, number: int, what: str, found: float, rate: float) -> TrainError:
        return TrainError(
            f"step {number + 1}: expected a finite {what}, found {found}; lower the learning rate "
            f"({rate:.3g}) or look at the data; the last checkpoint is kept in {self.checkpoints}"
        )

    def _evaluate(self, log: TrainingLog | None, done: int) -> None:
        if self.evaluation is None:
            return
        with self.pulse.long("evaluate"):
            loss = self.evaluation.loss(self.engine)
        if log is not None:
            log.evaluated(done, loss)

    def _outcome(self, log: TrainingLog | None, done: int, wall_s: float) -> TrainingOutcome:
        steps = self.plan.steps
        seen = steps[done:]
        figures: dict[str, Any] = (
            {"first_loss": math.nan, "final_loss": math.nan} if log is None else log.figures()
        )
        if log is not None:
            log.close()
        return TrainingOutcome(
            steps=len(steps),
            epochs=self.job.epochs,
            documents=self.documents,
            tokens=sum(step.tokens for step in steps),
            target_tokens=sum(step.targets for step in steps),
            parameters=self.parameters,
            tokens_per_s=sum(step.tokens for step in seen) / max(wall_s, 1e-9),
            target_tokens_per_s=sum(step.targets for step in seen) / max(wall_s, 1e-9),
            packing_efficiency=self.plan.efficiency,
            row_tokens=self.plan.row_tokens,
            ranks=self.ranks,
            wall_s=wall_s,
            **figures,
        )


def main(path: str) -> int:
    """Train as the rank that the environment says.

    Exit code 0; 3 after an error made on purpose, which `work/error-<rank>.json` tells, as it
    tells one that nobody expected.
    """
    bind_to_parent()
    job = TrainingJob.model_validate_json(Path(path).read_text(encoding="utf-8"))
    rank = int(os.environ["RANK"])
    tell_crashes(job, rank)
    try:
        outcome = train(job)
    except RetortError as error:
        write_refusal(job, rank, error)
        sys.stderr.write(f"rank {rank}: {error}\n")
        return 3
    if rank == 0:
        write_outcome(job, outcome)
    import torch.distributed

    torch.distributed.destroy_process_group()
    return 0


if __name__ == "__main__":
    run_rank(lambda: main(sys.argv[1]))
