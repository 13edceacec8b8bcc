"""Why a rank ended: written by the rank and its launcher, read by the parent."""

from __future__ import annotations

import json
import signal
import sys
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from factory.artifact import DISK_FULL
from factory.errors import RetortError, StorageFull, TrainError
from factory.parts import write_atomically
from factory.train.job import TrainingJob

_REPORT: Final = "launcher.json"
_TAIL_LINES: Final = 25
_TAIL_LINES_KILLED: Final = 8
"""They tell how the other ranks fared."""
_TRACE_LINES: Final = 12
_CRASHES: Final = {-signal.SIGABRT, -signal.SIGBUS, -signal.SIGFPE, -signal.SIGILL, -signal.SIGSEGV}
"""What a process does to itself; its output tells where it was."""


def write_refusal(job: TrainingJob, rank: int, error: RetortError) -> None:
    """A rank ends with an error made on purpose."""
    _write(job.work, rank, {"refusal": str(error), "full": isinstance(error, StorageFull)})


def tell_crashes(job: TrainingJob, rank: int) -> None:
    """From here on an exception that nobody catches is written down too."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, trace)
        lines = "".join(traceback.format_exception(kind, error, trace)).splitlines()
        full = isinstance(error, OSError) and error.errno in DISK_FULL
        _write(job.work, rank, {"trace": lines[-_TRACE_LINES:], "full": full})

    sys.excepthook = hook


def write_exits(work: Path, exits: dict[int, int]) -> None:
    """The launcher's report: rank -> exit code, below zero for a signal."""
    write_atomically(work / _REPORT, json.dumps(exits).encode())


def clear_failures(work: Path) -> None:
    """Remove what an earlier run told."""
    for stale in [*work.glob("error-*.json"), work / _REPORT]:
        stale.unlink(missing_ok=True)


def why_it_ended(
    job: TrainingJob, code: int, output: Path, *, gone: int | None = None
) -> RetortError:
    """The error of a training that stopped: what a rank refused; else which was killed, or what
    went wrong first; with the end of the output.

    Args:
        code: The launcher's.
        output: Of the launcher and all ranks.
        gone: The rank on this host that ended first, where the launcher does not tell more.
    """
    told = sorted(_told(job.work), key=lambda one: one["time"])
    for one in told:
        if "refusal" in one:
            return (StorageFull if one["full"] else TrainError)(one["refusal"])
        if one["full"]:
            return StorageFull(
                f"training in {job.out}: expected room to write, found the disk full "
                f"({one['trace'][-1]}); make room and run again, it continues from the last "
                f"checkpoint"
            )
    kept = "the last checkpoint is kept, run again to continue"
    tail_lines = _TAIL_LINES
    killed = {rank: exit for rank, exit in _exits(job.work).items() if exit < 0}
    if killed:
        if set(killed.values()) != {-signal.SIGTERM}:  # which the launcher sends to the others
            killed = {rank: exit for rank, exit in killed.items() if exit != -signal.SIGTERM}
        who = ", ".join(f"rank {rank} by {_signal(exit)}" for rank, exit in killed.items())
        crashed = _CRASHES.issuperset(killed.values())
        tail_lines = _TAIL_LINES if crashed else _TAIL_LINES_KILLED
        what = f"{'crashed' if crashed else 'killed from outside'}: {who}; {kept}"
    elif gone is not None and gone not in {one["rank"] for one in told}:
        tail_lines = _TAIL_LINES_KILLED
        what = f"rank {gone} ended first and told nothing (exit code {_code(code)}); {kept}"
    elif told:
        trace = "\n".join(told[0]["trace"])
        return TrainError(
            f"training in {job.out}: rank {told[0]['rank']} ended with an error; {kept}. Its end "
            f"(all in {output}):\n{trace}"
        )
    else:
        what = f"a rank ended with an error (exit code {_code(code)}); {kept}"
    tail = output.read_text(encoding="utf-8", errors="replace").splitlines()[-tail_lines:]
    return TrainError(f"training in {job.out}: {what}. The end of {output}:\n" + "\n".join(tail))


def _write(work: Path, rank: int, content: dict[str, Any]) -> None:
    content = {"rank": rank, "time": time.time(), **content}
    write_atomically(work / f"error-{rank}.json", json.dumps(content).encode())


def _told(work: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in work.glob("error-*.json")]


def _exits(work: Path) -> dict[int, int]:
    path = work / _REPORT
    if not path.is_file():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    return {int(rank): exit for rank, exit in content.items()}


def _signal(exit: int) -> str:
    try:
        return signal.Signals(-exit).name
    except ValueError:
        return f"signal {-exit}"


def _code(code: int) -> str:
    """An exit code, with the signal that a launcher's code of more than 128 stands for."""
    if code > 128:
        for number in (256 - code, code - 128):  # as DeepSpeed's launcher and as a shell say it
            if number in {one.value for one in signal.Signals}:
                return f"{code}, {signal.Signals(number).name}"
    return str(code)
