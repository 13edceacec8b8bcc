"""Programs that are compiled, or run by a program of the image: what is executed, not forked.

A compiled program is kept in kernel memory between its runs: the working folder allows no
execution and is emptied after each step, and process 1 never has the bytes in its own memory.
"""

from __future__ import annotations

import fcntl
import os
import resource
import stat

from sandboxes.inside.confine import EXTRA_FD, FILE_BYTES, WORK, signals

ARTIFACT = f"{WORK}/program"
"""Where a compiler leaves the program."""
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


def become(argv: list[str]) -> int:
    """Execute a command; an empty one means the compiled program. Returns only where it fails."""
    signals.signal(signals.SIGPIPE, signals.SIG_DFL)
    signals.signal(signals.SIGXFSZ, signals.SIG_DFL)
    # Without a soft limit each thread gets 2 MiB of stack, and the first one what it needs.
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (hard, hard))
    try:
        if argv:
            os.umask(0o022)
            os.execv(argv[0], argv)
        os.execve(EXTRA_FD, ["program"], dict(os.environ))
    except OSError as error:
        os.write(2, f"{argv[:1] or 'the program'}: {error}\n".encode())
    return 127


def kept_artifact() -> int | None:
    """A sealed file in memory with the program that the compiler left; None where it left none."""
    try:
        source = os.open(ARTIFACT, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        about = os.fstat(source)
        if not stat.S_ISREG(about.st_mode) or not 0 < about.st_size <= FILE_BYTES:
            return None
        kept = os.memfd_create("program", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        left = about.st_size
        while left:
            sent = os.sendfile(kept, source, None, left)  # type: ignore[arg-type]
            if not sent:
                break
            left -= sent
        fcntl.fcntl(kept, fcntl.F_ADD_SEALS, SEALS)
        return kept
    finally:
        os.close(source)
