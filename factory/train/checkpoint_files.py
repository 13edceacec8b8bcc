"""The files of a checkpoint: written through to the disk with their checksums, and compared.

The checksum is of the bytes that were meant to be written, taken on their way, so what a disk
lost or changed shows too, and no file is read again when it is saved.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from factory.errors import TrainError

_ALGORITHM: Final = "sha256"


class FileFacts(NamedTuple):
    """What a file must be."""

    size_bytes: int
    sha256: str


class FilesWritten:
    """What one rank wrote in one save, by path, and the first error that it met.

    After an error nothing more is written and none is raised: each rank goes through the whole
    save, so that nobody waits for one that has left it.
    """

    def __init__(self) -> None:
        self.facts: dict[Path, FileFacts] = {}
        self.error: OSError | None = None

    def save(self, state_dict: Any, path: str) -> None:
        """Write one file; called by DeepSpeed."""
        import torch

        if self.error is not None:
            return
        try:
            with open(path, "wb") as file, ThreadPoolExecutor(1) as pool:
                stream: Any = _Hashed(file, pool)
                try:
                    torch.save(state_dict, stream)
                except RuntimeError:  # how torch tells that its stream failed
                    if stream.error is None:
                        raise
                    raise stream.error from None
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self.error = error
            return
        self.facts[Path(path)] = FileFacts(stream.size_bytes, stream.hash.hexdigest())


class _Hashed:
    """A file being written and the hash of what went into it, taken while it is written."""

    def __init__(self, file: Any, pool: Executor) -> None:
        self._file, self._pool = file, pool
        self.hash = hashlib.new(_ALGORITHM)
        self.size_bytes = 0
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        if self.error is not None:
            raise self.error
        hashed = self._pool.submit(self.hash.update, data)
        try:
            self._file.write(data)
        except OSError as error:
            self.error = error
            raise
        finally:
            hashed.result()  # the memory is torch's again after this call
        self.size_bytes += len(data)
        return len(data)

    def flush(self) -> None:
        self._file.flush()


@contextmanager
def files_written(engine: Any) -> Generator[FilesWritten]:
    """DeepSpeed's engine writes its checkpoint's files through `FilesWritten` in this block.

    Its scripts that convert checkpoints are not copied beside them.
    """
    written = FilesWritten()
    before = engine.checkpoint_engine.save, engine._copy_recovery_script
    engine.checkpoint_engine.save = written.save
    engine._copy_recovery_script = lambda save_path: None
    try:
        yield written
    finally:
        engine.checkpoint_engine.save, engine._copy_recovery_script = before


def check_files(
    folder: Path, facts: Mapping[str, FileFacts], names: Sequence[str], *, remedy: str
) -> None:
    """Compare some files of a checkpoint, read as a stream, with what was written.

    Raises:
        TrainError: One is missing, cut short or has other bytes.
    """
    for name in names:
        expected, path = facts[name], folder / name
        try:
            size = path.stat().st_size
            if size != expected.size_bytes:
                raise _wrong(path, f"{expected.size_bytes} bytes", f"{size}", remedy)
            with open(path, "rb") as file:
                found = hashlib.file_digest(file, _ALGORITHM).hexdigest()
        except OSError as error:
            raise _wrong(
                path, f"{expected.size_bytes} bytes", f"none ({error.strerror})", remedy
            ) from error
        if found != expected.sha256:
            raise _wrong(path, f"SHA-256 {expected.sha256}", found, remedy)


def _wrong(path: Path, expected: str, found: str, remedy: str) -> TrainError:
    return TrainError(
        f"checkpoint {path.parent}, file {path.name}: expected {expected}, found {found}; {remedy}"
    )


def shared_out(facts: Mapping[str, FileFacts], ranks: int) -> list[list[str]]:
    """The files of a checkpoint for each rank, so that all have about as many bytes."""
    shares: list[list[str]] = [[] for _ in range(ranks)]
    loads = [0] * ranks
    for name in sorted(facts, key=lambda one: (-facts[one].size_bytes, one)):
        least = loads.index(min(loads))
        shares[least].append(name)
        loads[least] += facts[name].size_bytes
    return shares
