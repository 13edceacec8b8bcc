"""`log.jsonl`: one line per optimizer step, for people and for the parent's progress bar.

Of a step:
- `loss`: mean per target token in nats, over all ranks.
- `lr`, `grad_norm`: the learning rate; the norm of the whole gradient, before clipping.
- `tokens`, `target_tokens`: of all ranks; `tokens_per_s`, `target_tokens_per_s` over `step_s`, the
  time of the step itself: evaluation, checkpoints and the log are not in it.
- `mfu`: operations of the model, without what gradient checkpointing computes again, over the peak
  of all ranks; null where the peak is not known.
- `memory_bytes`: the most that rank 0 held since it started: allocated on its GPU, or resident on
  CPU.
- `data_wait_s`: how long rank 0 waited for rows.
- `left_s`: time left, as the steps since the start took it, evaluation and checkpoints included.
- `time`: when the step ended, in seconds since 1970.

A line with `eval_loss` and without `loss` is an evaluation after so many steps. The same figures
are drawn by TensorBoard from `tensorboard/`.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from factory.parts import write_atomically
from factory.train.flops import peak_flops, training_flops
from factory.train.job import TrainingJob
from factory.train.memory_held import memory_held
from factory.train.plan import Plan
from factory.train.tensorboard import Curves

LOG: Final = "log.jsonl"
_TAIL_BYTES: Final = 1 << 14


@dataclass(frozen=True)
class StepFacts:
    """What the loop knows of one optimizer step."""

    loss: float
    """Mean per target token over all ranks."""
    lr: float
    grad_norm: float
    """Before clipping."""
    step_s: float
    """From the first row to the new weights."""
    data_wait_s: float
    """How long rank 0 waited for rows."""
    save: bool
    """A checkpoint is due by the clock."""


class TrainingLog:
    """The log of a training; lines of steps that a kill undid are taken out when it continues.

    Args:
        done: Steps that are kept; 0 begins anew.
        config: Of the model, as transformers has it; for MFU.
        device: Of rank 0.
    """

    def __init__(self, job: TrainingJob, plan: Plan, done: int, config: Any, device: Any) -> None:
        self._path = job.out / LOG
        self._plan, self._config, self._device = plan, config, device
        kept = [line for line in read_log(job.out) if line["step"] <= done] if done else []
        self._losses: list[float] = [line["loss"] for line in kept if "loss" in line]
        self._evaluations: list[float] = [line["eval_loss"] for line in kept if "eval_loss" in line]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        write_atomically(self._path, text.encode())
        self._curves = Curves(job.out, done)
        self._peak = _peak_of_all(job, device)
        self._done = done
        self._begun = time.monotonic()
        self._flops = self._steps_s = self._waited_s = 0.0

    def step(self, number: int, facts: StepFacts) -> None:
        """Add the line of one step (counted from 0)."""
        step = self._plan.steps[number]
        step_s = max(facts.step_s, 1e-9)
        flops = None if self._peak is None else self._operations(number)
        self._flops += flops or 0.0
        self._steps_s += step_s
        self._waited_s += facts.data_wait_s
        self._losses.append(facts.loss)
        steps = len(self._plan.steps)
        here_s = (time.monotonic() - self._begun) / (number + 1 - self._done)
        self._write(
            {
                "step": number + 1,
                "steps": steps,
                "epoch": step.epoch + 1,
                "loss": facts.loss,
                "lr": facts.lr,
                "grad_norm": facts.grad_norm,
                "tokens": step.tokens,
                "target_tokens": step.targets,
                "tokens_per_s": round(step.tokens / step_s, 1),
                "target_tokens_per_s": round(step.targets / step_s, 1),
                "mfu": self._mfu(flops, step_s),
                "memory_bytes": memory_held(self._device),
                "data_wait_s": round(facts.data_wait_s, 6),
                "step_s": round(step_s, 6),
                "left_s": round(here_s * (steps - number - 1), 1),
                "time": round(time.time(), 3),
            }
        )

    def evaluated(self, done: int, loss: float) -> None:
        """Add the evaluation after `done` steps."""
        self._evaluations.append(loss)
        steps = len(self._plan.steps)
        now = round(time.time(), 3)
        self._write({"step": done, "steps": steps, "eval_loss": loss, "time": now})

    def figures(self) -> dict[str, Any]:
        """What of an outcome only the log knows; of the steps since the last start."""
        found: dict[str, Any] = {
            "first_loss": self._losses[0],
            "final_loss": self._losses[-1],
            "data_wait_ratio": self._waited_s / max(self._steps_s, 1e-9),
            "mfu": self._mfu(None if self._peak is None else self._flops, self._steps_s),
            "memory_bytes": memory_held(self._device),
        }
        if self._evaluations:
            found["first_eval_loss"] = self._evaluations[0]
            found["final_eval_loss"] = self._evaluations[-1]
        return found

    def close(self) -> None:
        """Nothing more will be written."""
        self._curves.close()

    def _operations(self, number: int) -> float:
        step = self._plan.steps[number]
        return training_flops(
            self._config, tokens=step.tokens, targets=step.targets, pairs=step.pairs
        )

    def _mfu(self, flops: float | None, wall_s: float) -> float | None:
        if flops is None or self._peak is None or wall_s <= 0:
            return None
        return round(flops / wall_s / self._peak, 5)

    def _write(self, line: dict[str, Any]) -> None:
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._curves.add(line)


def _peak_of_all(job: TrainingJob, device: Any) -> float | None:
    """Operations per second that all ranks could do; None where a rank's peak is not known."""
    if job.peak_tflops is not None:
        peak: float | None = job.peak_tflops * 1e12
    elif device.type == "cuda":
        import torch

        peak = peak_flops(torch.cuda.get_device_name(device), job.precision)
    else:
        peak = None
    return None if peak is None else peak * job.ranks


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of a training's log; a line that a kill cut short is left out."""
    path = folder / LOG
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def last_step(folder: Path) -> dict[str, Any] | None:
    """The last step's line, read from the end of the log; None where there is none yet."""
    path = folder / LOG
    if not path.is_file():
        return None
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL_BYTES))
        lines = file.read().split(b"\n")
    first = 0 if size <= _TAIL_BYTES else 1  # the first line of the tail has lost its beginning
    for text in reversed(lines[first:-1]):
        line = json.loads(text)
        if "loss" in line:
            return line
    return None
