"""A small process that a server lives under, so that no server outlives the run that started it.

`python -I keeper.py COMMAND…` starts the command in its own session and waits. It ends the whole
process group (SIGTERM, SIGKILL after a grace period) as soon as its standard input closes or its
parent is gone, which the kernel sees to even after `kill -9` of the run. When the keeper itself is
killed, the kernel ends the command; what that leaves behind is in `session_members`. It ends with
the command's exit status. It uses the standard library alone and imports nothing of ours.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

_POLL_S: Final = 0.5
_GRACE_S: Final = 5.0
_PR_SET_PDEATHSIG: Final = 1


def keep(command: list[str]) -> int:
    """Run a command until it ends or the parent goes; its exit status."""
    parent = os.getppid()
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_dies_with(os.getpid()))
    while child.poll() is None:
        readable, _, _ = select.select([0], [], [], _POLL_S)
        closed = bool(readable) and os.read(0, 1) == b""
        if closed or os.getppid() != parent:
            break
    _end_group(child)
    return child.returncode


def _dies_with(keeper: int) -> Callable[[], None]:
    """What the child does before it becomes the command: it has the kernel end it with us."""
    library = ctypes.CDLL(None, use_errno=True)  # loaded here, because little is safe after a fork

    def ask_the_kernel() -> None:
        if sys.platform == "linux":
            library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != keeper:
            os._exit(1)  # it was killed before the line above

    return ask_the_kernel


def session_members(session: int) -> list[int]:
    """Processes of a session other than the one that leads it, which had made it by `keep`."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != session:
            with _gone_is_fine():
                if _session(entry) == session:
                    found.append(int(entry.name))
    return found


def _end_group(child: subprocess.Popen[bytes]) -> None:
    os.killpg(0, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_S
    while time.monotonic() < deadline and (child.poll() is None or session_members(os.getpid())):
        time.sleep(0.05)
    for other in session_members(os.getpid()):
        with _gone_is_fine():
            os.kill(other, signal.SIGKILL)
    child.wait()


class _gone_is_fine:  # noqa: N801 - reads as a phrase in a `with`
    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, ProcessLookupError)


def _session(entry: Path) -> int | None:
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[3])


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1:]))
