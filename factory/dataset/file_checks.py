"""Whether the files of a dataset are those that `dataset.json` names, byte by byte.

Covered: every file that is missing, too much, or has other bytes. Not covered: `dataset.json`
itself, which nothing vouches for; `factory.dataset.said_checks` compares it with what it says of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from factory.dataset.checks import Check, Fault
from factory.shard.description import Description
from factory.shard.layout import DATASET

_CHUNK_BYTES: Final = 4 * 1024 * 1024
_OF_HUBS: Final = frozenset({".git", ".gitattributes", ".cache", ".huggingface"})
"""What a hub, git or a download puts beside the files of a dataset; it is none of its content."""


def check_names(folder: Path, description: Description) -> Check:
    """No file is missing and none is too much."""
    named = {one.path for one in description.files} | {DATASET}
    found = set(files_below(folder))
    missing = [Fault(file=path, expected="a file", found="none") for path in sorted(named - found)]
    unknown = [
        Fault(
            file=path,
            expected=f"no file that {DATASET} does not name",
            found="one",
            remedy="remove it, or keep it elsewhere",
        )
        for path in sorted(found - named)
    ]
    return Check(
        name="files", looked_at=f"{len(named):,} files are named", faults=[*missing, *unknown]
    )


def files_below(folder: Path) -> Iterator[str]:
    """Every file below a folder by its path relative to it, with `/`, sorted; what hubs put there
    is left out."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if relative.parts[0] not in _OF_HUBS and (path.is_symlink() or not path.is_dir()):
            yield relative.as_posix()


def check_bytes(folder: Path, description: Description, advance: Callable[[int], object]) -> Check:
    """Every file that is there has the size and the SHA-256 that `dataset.json` says.

    Args:
        advance: Told how many bytes were read, now and then.
    """
    faults: list[Fault] = []
    size = 0
    for file in description.files:
        path = folder / file.path
        if not path.is_file():
            advance(file.bytes)
            continue
        found, sha256 = _hash(path, advance)
        size += found
        if found != file.bytes:
            faults.append(
                Fault(file=file.path, expected=f"{file.bytes:,} bytes", found=f"{found:,}")
            )
        elif sha256 != file.sha256:
            faults.append(Fault(file=file.path, expected=f"SHA-256 {file.sha256}", found=sha256))
    return Check(
        name="bytes",
        looked_at=f"SHA-256 of {len(description.files):,} files, {size:,} bytes",
        faults=faults,
    )


def _hash(path: Path, advance: Callable[[int], object]) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            advance(len(chunk))
    return size, digest.hexdigest()
