"""Time of a rank per optimizer step: processor and wall, and the most memory it held."""

from __future__ import annotations

import json
import time
from pathlib import Path

from factory.train.memory_held import resident_peak

WARM_UP_STEPS = 3


class Clock:
    """Laps at the ends of steps."""

    def __init__(self) -> None:
        self._laps: list[tuple[float, float, int]] = []

    def lap(self, tokens: int) -> None:
        """A step of so many tokens over all ranks has ended."""
        self._laps.append((time.process_time(), time.perf_counter(), tokens))

    def write(self, folder: Path, rank: int) -> None:
        """`rank-N.json`: from the end of the warm-up to the end of the last step."""
        first, last = self._laps[WARM_UP_STEPS - 1], self._laps[-1]
        content = {
            "cpu_s": last[0] - first[0],
            "wall_s": last[1] - first[1],
            "tokens": sum(tokens for _, _, tokens in self._laps[WARM_UP_STEPS:]),
            "memory_bytes": resident_peak(),
        }
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"rank-{rank}.json").write_text(json.dumps(content), encoding="utf-8")
