"""Remove a user's files as that user: root here cannot enter its private folders."""

from __future__ import annotations

import contextlib
import os


def wipe_as(uid: int, folder: str) -> None:
    """Remove what stands in `folder`, in a process of that user; the caller checks the rest."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            _wipe(folder)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def _wipe(top: str) -> None:
    for folder, folders, _ in os.walk(top):
        for path in (f"{folder}/{name}" for name in folders):
            if not os.path.islink(path):  # noqa: PTH114 - names of any bytes, any depth
                with contextlib.suppress(OSError):
                    os.chmod(path, 0o700)  # noqa: PTH101
    for folder, folders, files in os.walk(top, topdown=False):
        for path in (f"{folder}/{name}" for name in files + folders):
            with contextlib.suppress(OSError):
                if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114
                    os.rmdir(path)  # noqa: PTH106
                else:
                    os.unlink(path)  # noqa: PTH108
