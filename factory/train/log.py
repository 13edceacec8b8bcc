"""`log.jsonl`: one line per optimizer step, for people and for the parent's progress bar.

`loss` is the mean per target token in nats, over all ranks; `grad_norm` is taken before clipping
and null for ZeRO stage 0, where DeepSpeed does not tell it; `left_s` is the time left. A line with
`eval_loss` and without `loss` is an evaluation after so many steps.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from factory.parts import write_atomically
from factory.train.job import TrainingJob
from factory.train.plan import Plan

LOG: Final = "log.jsonl"


@dataclass(frozen=True)
class StepFacts:
    """What the loop knows of one optimizer step."""

    loss: float
    """Mean per target token over all ranks."""
    lr: float
    grad_norm: float | None
    """Before clipping."""
    data_wait_s: float
    """How long rank 0 waited for rows."""
    save: bool
    """A checkpoint is due by the clock."""


class TrainingLog:
    """The log of a training; lines of steps that a kill undid are taken out when it continues."""

    def __init__(self, job: TrainingJob, plan: Plan, done: int, config: Any, device: Any) -> None:
        del config, device
        self._path = job.out / LOG
        self._plan = plan
        kept = [line for line in read_log(job.out) if line["step"] <= done]
        self._losses: list[float] = [line["loss"] for line in kept if "loss" in line]
        self._evaluations: list[float] = [line["eval_loss"] for line in kept if "eval_loss" in line]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        write_atomically(self._path, text.encode())
        self._done = done
        self._started = self._last = time.monotonic()

    def step(self, number: int, facts: StepFacts) -> None:
        """Add the line of one step (counted from 0)."""
        now = time.monotonic()
        step = self._plan.steps[number]
        step_s = max(now - self._last, 1e-9)
        steps_done = number + 1 - self._done
        left = len(self._plan.steps) - number - 1
        line = {
            "step": number + 1,
            "steps": len(self._plan.steps),
            "epoch": step.epoch + 1,
            "loss": facts.loss,
            "lr": facts.lr,
            "grad_norm": facts.grad_norm,
            "tokens": step.tokens,
            "target_tokens": step.targets,
            "tokens_per_s": round(step.tokens / step_s, 1),
            "target_tokens_per_s": round(step.targets / step_s, 1),
            "left_s": round((now - self._started) / steps_done * left, 1),
        }
        self._last = now
        self._losses.append(facts.loss)
        self._write(line)

    def evaluated(self, done: int, loss: float) -> None:
        """Add the evaluation after `done` steps."""
        self._evaluations.append(loss)
        self._write({"step": done, "steps": len(self._plan.steps), "eval_loss": loss})
        self._last = time.monotonic()

    def figures(self) -> dict[str, Any]:
        """What of an outcome only the log knows."""
        found: dict[str, Any] = {"first_loss": self._losses[0], "final_loss": self._losses[-1]}
        if self._evaluations:
            found["first_eval_loss"] = self._evaluations[0]
            found["final_eval_loss"] = self._evaluations[-1]
        return found

    def _write(self, line: dict[str, Any]) -> None:
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of a training's log; a line that a kill cut short is left out."""
    path = folder / LOG
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
