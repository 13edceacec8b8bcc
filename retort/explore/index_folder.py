"""The folder that holds what the explorer made of a source; its name says of which content.

`<artifacts>/explore/<name>-<key>`: made in a hidden folder beside it and renamed, so that it is
there whole or not at all. The key digests the sources' manifests, and the size and time of change
of every file: where one changed, another folder is made. Each may be deleted at any time.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from factory.artifact import DISK_FULL, sole_writer
from factory.digest import KEY_HEX, digest
from factory.errors import InputFileError, ManifestMismatch, StorageFull
from factory.parts import sync_folder, write_atomically
from retort.explore.light_build import build_light
from retort.explore.light_files import TableHead
from retort.explore.light_rows import Place, Source
from retort.explore.light_table import LightTable
from schemas.row import Row

FORMAT: Final = 3
"""Of the files in the folder; another one is another key."""
_HEAD: Final = "index.json"


class IndexHead(Row):
    """`index.json`."""

    title: str
    places: list[Place]
    table: TableHead


@dataclass(frozen=True)
class Opened:
    """What is shown."""

    kind: str
    name: str
    title: str
    folder: Path
    """The index folder."""
    table: LightTable
    clusters: Path | None
    """The folder of the dataset whose ledger names duplicates."""


def open_source(source: Source, root: Path, *, rebuild: bool = False) -> Opened:
    """The light table of a source, made where it is not there yet.

    Args:
        root: The folder of all indexes; made where it is not there.
        rebuild: Make it again.

    Raises:
        Busy: Another process makes the same one, or its index of texts.
        InputFileError: The folder cannot be made.
        ManifestMismatch: A file of the source is missing or not whole.
        StorageFull: The disk has no room.
    """
    key = source_key(source)
    folder = root / f"{source.name}-{key}"
    if rebuild or not (folder / _HEAD).is_file():
        _make_root(root)
        with sole_writer(root / f".{source.name}-{key}.building", tidy=True):
            _make(source, folder)
    head = IndexHead.model_validate_json((folder / _HEAD).read_bytes())
    table = LightTable(folder, head.table, head.places)
    return Opened(source.kind, source.name, head.title, folder, table, source.clusters)


def open_index(folder: Path) -> LightTable:
    """The light table of a finished index folder."""
    head = IndexHead.model_validate_json((folder / _HEAD).read_bytes())
    return LightTable(folder, head.table, head.places)


def source_key(source: Source) -> str:
    """Digest of the content of a source, as far as manifests and file times tell."""
    files: dict[str, list[int]] = {}
    for place in source.places:
        for path in filter(None, (place.path, place.verdicts)):
            try:
                found = Path(path).stat()
            except OSError as error:
                raise ManifestMismatch(
                    f"{path}: expected a file of {source.title}, found none ({error.strerror}); "
                    f"make it again, or name another one"
                ) from error
            files[path] = [found.st_size, found.st_mtime_ns]
    return digest({"format": FORMAT, "digests": source.digests, "files": files})[:KEY_HEX]


def texts_lock(folder: Path) -> Path:
    """What the process holds that builds the index of texts of an index folder."""
    return folder / ".texts-building"


def _make_root(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputFileError(
            f"{root}: expected a folder for the explorer's indexes, found that it cannot be made "
            f"({error.strerror}); set paths.artifacts in the machine file"
        ) from error


def _make(source: Source, folder: Path) -> None:
    root = folder.parent
    for left in root.glob(f".{folder.name}.tmp-*"):
        shutil.rmtree(left, ignore_errors=True)
    scratch = Path(mkdtemp(prefix=f".{folder.name}.tmp-", dir=root))
    try:
        head = IndexHead(
            title=source.title, places=source.places, table=build_light(source, scratch)
        )
        write_atomically(scratch / _HEAD, head.model_dump_json().encode())
        scratch.chmod(0o755)
        if folder.exists():
            with sole_writer(texts_lock(folder), tidy=True):
                shutil.rmtree(folder)
        scratch.replace(folder)
        sync_folder(root)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise StorageFull(
            f"{root}: expected room for an index, found the disk full "
            f"({os.strerror(error.errno)}); free some space, or set paths.artifacts in the machine "
            f"file"
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
