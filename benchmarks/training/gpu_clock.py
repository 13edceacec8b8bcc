"""What a process takes from the end of its warm-up on: seconds of each step, and memory."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from factory.train.memory_held import memory_held


class Clock:
    """Laps at the ends of optimizer steps, the device having finished them."""

    def __init__(self, device: str, warm_up_steps: int) -> None:
        self._device = torch.device(device)
        self._cuda = device == "cuda"
        self._warm_up_steps = warm_up_steps
        self._laps: list[float] = []

    def lap(self) -> None:
        """A step has ended."""
        if self._cuda:
            torch.cuda.synchronize()
        self._laps.append(time.perf_counter())
        if self._cuda and len(self._laps) == self._warm_up_steps:
            torch.cuda.reset_peak_memory_stats()

    def write(self, path: Path, **others: Any) -> None:
        """Seconds between laps after the warm-up, the most memory in them (on CPU: in all)."""
        laps = self._laps[self._warm_up_steps - 1 :]
        memory = memory_held(self._device)
        took = [stop - start for start, stop in pairwise(laps)]
        path.write_text(json.dumps({"step_s": took, "memory_bytes": memory} | others))
