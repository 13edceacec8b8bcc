"""Where a dataset is: a folder, or its name and version below the machine's datasets folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from factory.errors import InputFileError, ManifestMismatch
from factory.shard.description import Description, read_description
from factory.shard.layout import DATASET

FORMAT: Final[int] = Description.model_fields["format"].default
"""Of `dataset.json`; earlier ones said less, so that less can be found again."""
_VERSION: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def dataset_folder(named: str, root: Path) -> Path:
    """The folder that is meant.

    Args:
        named: A dataset's folder; or `name/version` below `root`; or a name, or a folder of
            versions: the highest one.
        root: `paths.datasets` of the machine file.

    Raises:
        InputFileError: There is no such dataset.
    """
    for place in (Path(named), root / named):
        if (place / DATASET).is_file():
            return place
        if found := versions(place):
            return place / found[-1]
    given = Path(named)
    if given.is_dir():
        raise InputFileError(f"{given}: expected a dataset's folder, found no {DATASET} in it")
    known = [f"{one.name}/{versions(one)[-1]}" for one in _folders(root) if versions(one)]
    raise InputFileError(
        f"dataset {named!r}: expected a folder with {DATASET}, or a name or name/version below "
        f"{root}, found none; there are: {', '.join(known) or 'no datasets'}"
    )


def described(folder: Path) -> Description:
    """The `dataset.json` of a dataset of the format of this version.

    Raises:
        ManifestMismatch: It is missing, cannot be read, or is of another format.
    """
    description = read_description(folder)
    if description.format != FORMAT:
        raise ManifestMismatch(
            f"{folder / DATASET}: expected format {FORMAT}, found {description.format}, which says "
            f"too little to be verified or compared; build the dataset again from its recipe"
        )
    return description


def versions(folder: Path) -> list[str]:
    """The versions of a dataset that are published in a folder, lowest first."""
    names = [one.name for one in _folders(folder) if (one / DATASET).is_file()]
    return sorted((one for one in names if _VERSION.fullmatch(one)), key=version_order)


def version_order(version: str) -> tuple[int, ...]:
    """What sorts versions as people mean them: 1.10.0 after 1.9.0."""
    return tuple(int(number) for number in version.split("."))


def is_version(text: str) -> bool:
    """Whether a text is `1.2.3`."""
    return _VERSION.fullmatch(text) is not None


def _folders(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []
