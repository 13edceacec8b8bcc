"""The parent's sign of life, for ranks on other hosts, which the kernel does not end with it."""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Generator
from typing import Final

from factory.train.job import TrainingJob
from factory.train.pulse import write_sign

_BEAT_S: Final = 2.0


@contextlib.contextmanager
def lease(job: TrainingJob) -> Generator[str]:
    """The name of this run, which its ranks hold as long as the parent says it; empty where there
    is no hostfile. Afterwards, or when another run begins, they end within seconds."""
    if not job.hostfile:
        yield ""
        return
    path = job.work / "lease"
    run = secrets.token_hex(8)
    over = threading.Event()

    def beat() -> None:
        count = 0
        while not over.wait(_BEAT_S):
            count += 1
            write_sign(path, f"{run} {count}")

    write_sign(path, f"{run} 0")
    thread = threading.Thread(target=beat, name="lease", daemon=True)
    thread.start()
    try:
        yield run
    finally:
        over.set()
        thread.join()
        write_sign(path, "over")
