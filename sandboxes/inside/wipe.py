"""Remove a user's files as that user: root here cannot enter its private folders."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # `typing` would be in the memory of every run
if TYPE_CHECKING:
    from collections.abc import Callable


def wipe_as(uid: int, folder: str) -> None:
    """Remove what stands in `folder`, in a process of that user; the caller checks the rest."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            wipe(folder)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def wipe(top: str) -> None:
    """Remove what this user may remove below a folder.

    What a folder holds is moved up before the folder goes: no path is ever long, however deep
    the folders are.
    """
    os.chdir(top)
    moved = 0
    while names := os.listdir():
        before = moved, len(names)
        for name in names:
            _can(os.unlink, name)
            _can(os.chmod, name, 0o700)
            for inner in _names(name):
                path = f"{name}/{inner}"
                _can(os.unlink, path)
                # A folder that may not be written to cannot be moved.
                _can(os.chmod, path, 0o700)
                # To a name that the program cannot have taken.
                moved += _can(os.rename, path, os.urandom(12).hex())
            _can(os.rmdir, name)
        if before == (moved, len(os.listdir())):
            return


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _can(action: Callable[..., object], *arguments: object) -> bool:
    try:
        action(*arguments)
    except OSError:
        return False
    return True
