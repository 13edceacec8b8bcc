"""Canonical digests: equal content has equal digests, on any machine, in any order of keys."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

ID_HEX = 32
KEY_HEX = 12
_CHANCE_HEX = 16


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no spaces, non-ASCII kept, NaN refused; models by their fields."""
    return _CANONICAL.encode(value)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    raise TypeError(f"{type(value).__name__} has no canonical form")


_CANONICAL: Final = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()


def stage_key(section: Any, code_version: int, inputs: Mapping[str, str]) -> str:
    """Key of a stage: its recipe section, its code version and the keys of what it reads."""
    return digest({"section": section, "code": code_version, "inputs": dict(inputs)})[:KEY_HEX]


def candidate_id(
    problem_id: str, index: int, teacher: str, sampling_digest: str, prompt_digest: str
) -> str:
    """Identity of a candidate, 32 hexadecimal digits.

    Two requests with the same identity are the same candidate: it is drawn once and kept. The
    round is not part of it, nor is the server or the time.
    """
    return digest([problem_id, index, teacher, sampling_digest, prompt_digest])[:ID_HEX]


def candidate_ids(
    problem_id: str,
    indices: Iterable[int],
    teacher: str,
    sampling_digest: str,
    prompt_digest: str,
) -> list[str]:
    """`candidate_id` of each index, several times as fast as one by one."""
    marker = "\0"
    whole = canonical_json([problem_id, marker, teacher, sampling_digest, prompt_digest])
    before, after = whole.rsplit(canonical_json(marker), 1)
    begun = hashlib.sha256(before.encode("utf-8", "surrogatepass"))
    end = after.encode("utf-8", "surrogatepass")
    ids: list[str] = []
    for index in indices:
        one = begun.copy()
        one.update(b"%d" % index + end)
        ids.append(one.hexdigest()[:ID_HEX])
    return ids


def chance(seed: int, name: str) -> str:
    """A fixed draw for a name: 16 hexadecimal digits, uniform over seeds and names."""
    return digest([seed, name])[:_CHANCE_HEX]


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes; remembered while its size and time of change stay the same."""
    stat = path.stat()
    return _file_sha256(str(path), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=4096)
def _file_sha256(path: str, size: int, mtime_ns: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_digest(folder: Path, *, without: Collection[str] = ()) -> str:
    """Digest of every file below a folder by relative path and bytes; hidden files are left out.

    Args:
        without: Relative paths that do not count.
    """
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    named = {path.relative_to(folder).as_posix(): path for path in files}
    return digest({name: file_sha256(path) for name, path in named.items() if name not in without})


def fingerprint(path: Path) -> str:
    """Digest of a file or a folder, whichever it is."""
    return folder_digest(path) if path.is_dir() else file_sha256(path)
