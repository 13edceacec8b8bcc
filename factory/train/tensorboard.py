"""`tensorboard/`: the figures of the log as curves, with the optimizer step as x."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

FOLDER: Final = "tensorboard"
_OF_A_STEP: Final = (
    *("loss", "lr", "grad_norm", "tokens_per_s", "target_tokens_per_s", "mfu", "memory_bytes"),
    *("data_wait_s", "step_s"),
)


class Curves:
    """Writes `train/NAME` and `eval/loss`; what a kill undid is hidden when it continues.

    Each line is flushed, so a step that a checkpoint holds is in the files too.

    Args:
        out: Of the training.
        done: Steps that are kept; 0 begins anew.
    """

    def __init__(self, out: Path, done: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(  # type: ignore[no-untyped-call]
            str(out / FOLDER), purge_step=done + 1 if done else 0
        )

    def add(self, line: dict[str, Any]) -> None:
        """Draw one line of the log."""
        step, now = line["step"], line["time"]
        if "eval_loss" in line:
            self._writer.add_scalar("eval/loss", line["eval_loss"], step, now)
        for name in _OF_A_STEP:
            if line.get(name) is not None:
                self._writer.add_scalar(f"train/{name}", line[name], step, now)
        self._writer.flush()

    def close(self) -> None:
        """Nothing more will be drawn."""
        self._writer.close()
