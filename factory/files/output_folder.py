"""The folder into which a command writes its result, beside the scratch folder it works in."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from factory.artifact import DISK_FULL, sole_writer
from factory.errors import InputFileError, StorageFull


@contextmanager
def scratch_for_output(out_dir: Path, files: Sequence[Path], *, name: str) -> Generator[Path]:
    """An empty folder within `out_dir`, which this process alone writes to until the block ends.

    What a killed run left of such folders is removed first. After an error `out_dir` is as it was:
    not there, where it was not.

    Args:
        files: The input, which must lie elsewhere.
        name: What the names of scratch folders begin with; hidden.

    Raises:
        InputFileError: `out_dir` is a file, or a file of the input lies in it.
        Busy: Another run writes to it.
        StorageFull: The block found the disk full.
    """
    for file in files:
        if file.resolve().parent == out_dir.resolve():
            raise InputFileError(
                f"{file}: expected input outside of the output's folder; give another one than "
                f"{out_dir}"
            )
    if out_dir.exists() and not out_dir.is_dir():
        raise InputFileError(
            f"{out_dir}: expected a folder for the result, found a file; name another one"
        )
    with sole_writer(out_dir, tidy=True):
        for left in out_dir.glob(f"{name}*"):
            shutil.rmtree(left, ignore_errors=True)
        scratch = Path(mkdtemp(prefix=name, dir=out_dir))
        try:
            yield scratch
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            raise StorageFull(
                f"{out_dir}: expected room for a copy of the input, uncompressed, and for the "
                f"result, found the disk full ({error}); what was there is as it was"
            ) from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
