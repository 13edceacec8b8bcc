"""The scratch folder of a run: inside its artifact, hidden, gone when the run ends."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

SCRATCH: Final = ".scratch"


@contextmanager
def scratch_in(folder: Path) -> Generator[Path]:
    """An empty folder for files that nobody else reads; what a killed run left there is cleared."""
    scratch = folder / SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
