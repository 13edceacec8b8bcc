"""`log.jsonl`: one line per optimizer step, for people and for the parent's progress bar.

`loss` is the mean per target token in nats, over all ranks; `grad_norm` is taken before clipping
and null for ZeRO stage 0, where DeepSpeed does not tell it; `left_s` is the time left.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any, Final

from factory.parts import write_atomically
from factory.train.plan import Plan

LOG: Final = "log.jsonl"


class TrainingLog:
    """The log of a training; lines of steps that a kill undid are taken out when it continues."""

    def __init__(self, folder: Path, plan: Plan, done: int) -> None:
        self._path = folder / LOG
        self._plan = plan
        kept = [line for line in read_log(folder) if line["step"] <= done]
        self._losses: list[float] = [line["loss"] for line in kept]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        write_atomically(self._path, text.encode())
        self._done = done
        self._started = self._last = time.monotonic()

    def step(self, number: int, loss: float, rate: float, grad_norm: Any) -> None:
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
            "loss": loss,
            "lr": rate,
            "grad_norm": None if grad_norm is None else float(grad_norm),
            "tokens": step.tokens,
            "target_tokens": step.targets,
            "tokens_per_s": round(step.tokens / step_s, 1),
            "target_tokens_per_s": round(step.targets / step_s, 1),
            "left_s": round((now - self._started) / steps_done * left, 1),
        }
        self._last = now
        self._losses.append(loss)
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def history(self) -> list[float]:
        """The loss of each step so far."""
        return list(self._losses)


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of a training's log; a line that a kill cut short is left out."""
    path = folder / LOG
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
