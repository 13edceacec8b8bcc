"""Two small processes that a server lives under, so that no server outlives who started it.

`python -I keeper.py COMMAND…` makes a session of its own. Its first process forks a second one,
which starts the command. The second ends the whole session but the first (SIGTERM, SIGKILL after a
grace period) as soon as the command has ended, standard input closes or the first is gone; the
first goes when its parent does. So whichever of the three is killed, also by `kill -9` of the run,
somebody is left to end the server and all that the server started: if the second is killed, that
is the first. Only if both are killed at once does the kernel end the command alone, and what that
leaves behind is in `session_members`. The status is the command's. It uses the standard library
alone and imports nothing of ours.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

_POLL_S: Final = 0.5
_WAIT_S: Final = 0.05
_GRACE_S: Final = 5.0
_PR_SET_PDEATHSIG: Final = 1


def keep(command: list[str]) -> int:
    """Run a command until it ends or the parent goes; its exit status."""
    parent = os.getppid()
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    first = os.getpid()
    second = os.fork()
    if second == 0:
        try:
            os._exit(_run(command, first))
        except BaseException:  # noqa: BLE001 - this process is a copy and must end here
            traceback.print_exc()
        finally:
            os._exit(1)
    while os.getppid() == parent:
        ended, status = os.waitpid(second, os.WNOHANG)
        if ended:
            _end_session()  # there is nothing left, unless it was killed or failed
            return os.waitstatus_to_exitcode(status)
        time.sleep(_WAIT_S)
    return 1  # the second one sees it


def _run(command: list[str], first: int) -> int:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_dies_with(os.getpid()))
    while child.poll() is None and os.getppid() == first:
        readable, _, _ = select.select([0], [], [], _POLL_S)
        if readable and os.read(0, 1) == b"":
            break
    _end_session()
    return child.wait()


def _dies_with(keeper: int) -> Callable[[], None]:
    """What the child does before it becomes the command: it has the kernel end it with us."""
    library = ctypes.CDLL(None, use_errno=True)  # loaded here, because little is safe after a fork

    def ask_the_kernel() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
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


def _end_session() -> None:
    """End everything of the session but the keeper, by force after a while."""
    os.killpg(0, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_S
    while time.monotonic() < deadline and _kept():
        time.sleep(_WAIT_S)
    for other in _kept():
        with _gone_is_fine():
            os.kill(other, signal.SIGKILL)


def _kept() -> list[int]:
    return [one for one in session_members(os.getsid(0)) if one != os.getpid()]


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
