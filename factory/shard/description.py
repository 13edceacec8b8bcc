"""`dataset.json`: what a dataset is, from what it was made, and how to check it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from factory.digest import file_sha256
from factory.errors import ManifestMismatch
from factory.shard.layout import DATASET
from schemas.manifest import LedgerEntry, PartFile
from schemas.row import Row


class Description(Row):
    """The content of `dataset.json`. No times: equal inputs give equal bytes."""

    format: int = 2
    """2 has the columns `category`, `form` and `made_of`, and what stands beside the rows."""
    name: str
    version: str
    rows: int
    digest: str
    """Of the rows' content, whatever the layout of files: two datasets with equal digests hold
    the same rows."""
    files: list[PartFile]
    """Every file but `dataset.json` itself, with its SHA-256."""
    columns: list[str]
    configs: dict[str, int] = Field(default_factory=dict)
    """Rows of each config that can be loaded; `default` has the rows that `digest` is of."""
    digests: dict[str, str] = Field(default_factory=dict)
    """Config -> digest of its rows, of those whose rows are not made from the default one's."""
    templates: dict[str, str] = Field(default_factory=dict)
    """Model that wrote rows -> SHA-256 of the chat template that it was asked with, of those that
    Retort served itself."""
    recipe: str
    sections: dict[str, str] = Field(default_factory=dict)
    """Section of the recipe -> digest of what it says; `recipe.json` has the whole."""
    code_versions: dict[str, int] = Field(default_factory=dict)
    """Stage -> version of its code."""
    upstream: dict[str, str]
    """Stage -> key of the artifact that was read."""
    ledger: list[LedgerEntry]
    """Where every row went, from the problems read to the rows published; rounds summed."""


def read_description(folder: Path) -> Description:
    """The `dataset.json` of a dataset's folder.

    Raises:
        ManifestMismatch: There is none, or it is not one of this version.
    """
    path = folder / DATASET
    try:
        return Description.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ManifestMismatch(f"{path}: expected a dataset, found none") from error
    except ValueError as error:
        raise ManifestMismatch(
            f"{path}: not a description of this version ({error}); build the dataset again"
        ) from error


def check_files(folder: Path, description: Description) -> None:
    """Every file is there with the bytes that the description says.

    Raises:
        ManifestMismatch: One is missing or differs.
    """
    for file in description.files:
        path = folder / file.path
        found = file_sha256(path) if path.is_file() else "no file"
        if found != file.sha256:
            raise ManifestMismatch(
                f"{path}: expected SHA-256 {file.sha256}, found {found}; delete the artifact of "
                f"shard and run again"
            )
