"""The end of a rank's process.

DeepSpeed keeps a reference to the process group for good, so gloo's threads live on behind
`destroy_process_group`. One of them that meets an interpreter which is being taken down ends the
process by SIGABRT ("terminate called without an active exception"): on a busy machine one launch in
ten, after everything was done. So ranks end without taking the interpreter down.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End this process with an exit code, what it printed flushed; nothing else is done."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def run_rank(act: Callable[[], int]) -> NoReturn:
    """The whole of a rank's process: ends it with what `act` returns, or with 1 and the trace of
    what it raised."""
    code = 1
    try:
        code = act()
    except BaseException:  # noqa: BLE001 - as the interpreter does where nobody catches
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    leave(code)
