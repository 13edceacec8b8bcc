"""Files of an artifact that are no Parquet parts: a model's weights, configuration, tokenizer."""

from __future__ import annotations

from pathlib import Path

from factory.digest import file_sha256
from factory.models import CARD
from schemas.manifest import PartFile


def describe_files(root: Path, below: str = ".") -> list[PartFile]:
    """Every file below a folder of the artifact, by path relative to `root`; none has rows. The
    model's card is no part: another wording makes no other model."""
    return [
        PartFile(
            path=path.relative_to(root).as_posix(),
            rows=0,
            bytes=path.stat().st_size,
            sha256=file_sha256(path),
        )
        for path in sorted((root / below).rglob("*"))
        if path.is_file() and path != root / below / CARD
    ]
