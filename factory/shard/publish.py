"""Publication: a built dataset becomes visible under its name and version, whole or not at all.

Covered: `kill -9` at any moment leaves either no folder of that version or the whole one, because
the files are named a second time (hard links; copied where the file system has none) and made
durable beside it, and one rename shows them; what a killed publication left behind is removed by
the next one. The artifact and the published folder share their bytes, so a dataset takes its room
once. Two publications at once: the second is refused.
A version never changes. A file that is gone from a published folder, or has another size, is
noticed. Not covered: people who edit files there in place and keep their size (they edit the
artifact too); `retort dataset verify` finds that.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Final

from factory.artifact import sole_writer
from factory.errors import ManifestMismatch, PublishError
from factory.parts import sync_folder
from factory.shard.description import Description, check_files, read_description
from factory.shard.layout import CARD, DATASET

_STAGING: Final = ".publishing-"
_NO_LINKS: Final = frozenset(
    {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EACCES}
)
"""Why a file cannot have a second name there."""


def publish(built: Path, datasets_root: Path, name: str, version: str) -> Path:
    """The folder `datasets_root/name/version` with the built dataset in it.

    The same content (rows of all configs, and card) again changes nothing.

    Args:
        built: Folder with `dataset.json`, card and shards.

    Raises:
        PublishError: That version is there with another content or is not whole, or `built` is
            another dataset.
        ManifestMismatch: `built` is not whole.
        Busy: Another process publishes under this name.
    """
    description = read_description(built)
    if (description.name, description.version) != (name, version):
        raise PublishError(
            f"{built}: expected dataset {name} {version}, found {description.name} "
            f"{description.version}; build it again from the recipe that is to be published"
        )
    if description.rows == 0:
        raise PublishError(
            f"{built}: expected rows to publish, found none; `retort summary` and the parts "
            f"`dropped-*` of select say where they went"
        )
    target = datasets_root / name / version
    with sole_writer(target.parent):
        _remove_leftovers(target.parent)
        if target.exists():
            _must_be_the_same(target, description)
            return target
        check_files(built, description)
        staging = target.with_name(f"{_STAGING}{version}")
        if not _place_durably(built, staging, [*(one.path for one in description.files), DATASET]):
            check_files(staging, description)
        staging.rename(target)
        sync_folder(target.parent)
    return target


def is_published(built: Path, folder: Path) -> bool:
    """Whether the folder holds the content that was built, with all its files; False where either
    is missing."""
    try:
        found = read_description(folder)
        return _content(read_description(built)) == _content(found) and not _lost(folder, found)
    except ManifestMismatch:
        return False


def _content(description: Description) -> dict[str, str]:
    """What makes a version the one that it is: its rows, those of the other configs, and its card.
    Not the layout of shards."""
    cards = {file.path: file.sha256 for file in description.files if file.path == CARD}
    return {"default": description.digest, **description.digests, **cards}


def _lost(folder: Path, description: Description) -> list[str]:
    """Files that are not there with their size."""
    paths = {file.path: folder / file.path for file in description.files}
    return [
        file.path
        for file in description.files
        if not paths[file.path].is_file() or paths[file.path].stat().st_size != file.bytes
    ]


def _must_be_the_same(target: Path, description: Description) -> None:
    try:
        found = read_description(target)
    except ManifestMismatch as error:
        raise PublishError(
            f"{target}: expected a published dataset or nothing, found a folder without a valid "
            f"{DATASET}; raise `shard.version`, or remove the folder by hand"
        ) from error
    ours, theirs = _content(description), _content(found)
    if ours != theirs:
        same_rows = {**ours, CARD: ""} == {**theirs, CARD: ""}
        raise PublishError(
            f"{target}: version {description.version} is published with other "
            f"{'words on its card' if same_rows else 'rows'}; a version never changes: raise "
            f"`shard.version` in the recipe and run again"
        )
    if lost := _lost(target, found):
        raise PublishError(
            f"{target}: expected all files of version {description.version}, found {lost[0]} "
            f"missing or of another size ({len(lost)} such files); remove the folder by hand and "
            f"run again: the same rows are published"
        )


def _remove_leftovers(folder: Path) -> None:
    """What killed publications left: the lock is ours, so nobody works on it."""
    for path in sorted(folder.glob(f"{_STAGING}*")):
        shutil.rmtree(path)


def _place_durably(source: Path, staging: Path, paths: list[str]) -> bool:
    """Give the files a second name each, or copy those that cannot have one (another file system,
    or one without links); whether none was copied."""
    copied = False
    for path in paths:
        place = staging / path
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source / path, place)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            shutil.copyfile(source / path, place)
            copied = True
        with open(place, "rb") as file:
            os.fsync(file.fileno())
    for folder in sorted({(staging / path).parent for path in paths}, reverse=True):
        sync_folder(folder)
    return not copied
