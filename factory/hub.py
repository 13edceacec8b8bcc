"""Rows of a Hugging Face dataset, by name and revision, or of a local copy in its shape."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final, Protocol

from factory.digest import digest, fingerprint
from factory.errors import RecipeError, RetortError
from factory.files.row_files import batch_rows, wanted_columns
from factory.recipe_file import ROOT, existing

_BATCH_ROWS: Final = 256
"""Rows with the tests of a program may have a megabyte each."""


class DatasetSplit(Protocol):
    """One split of a dataset, as sources and imported generations name it."""

    @property
    def dataset(self) -> str:
        """Name on the hub, or the path of a local copy."""
        ...

    @property
    def revision(self) -> str:
        """Full commit hash; empty only for a local copy."""
        ...

    @property
    def config(self) -> str:
        """Empty: the one that the dataset has, or its default."""
        ...

    @property
    def split(self) -> str: ...


def hub_folder(place: DatasetSplit, who: str) -> Path | None:
    """The folder of a local copy; None where `dataset` is a name on the hub.

    Args:
        who: Who names it, for messages: `source gsm8k`.

    Raises:
        RecipeError: A folder that is not there, or a name without a revision.
    """
    if place.dataset.startswith(("./", "${RETORT_DATA}")) or (ROOT / place.dataset).is_dir():
        return existing(place.dataset, who)
    if not place.revision:
        raise RecipeError(
            f"{who}: expected `revision`, the full commit hash of {place.dataset}, found none; a "
            f"name alone does not say which data"
        )
    return None


def hub_fingerprint(place: DatasetSplit, who: str) -> str:
    """Digest of a local copy's files, or of name and revision.

    Raises:
        RecipeError: See `hub_folder`.
    """
    folder = hub_folder(place, who)
    return fingerprint(folder) if folder else digest([place.dataset, place.revision])


def hub_rows(
    place: DatasetSplit,
    who: str,
    error: type[RetortError],
    *,
    required: Collection[str] = (),
    optional: Collection[str] = (),
) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Dataset and split for messages, row number from 1, and values by column, of each row.

    The library keeps the dataset in its cache in Arrow form and reads it from there: memory holds
    one batch of rows.

    Args:
        required, optional: Columns that are wanted, as for `factory.files.row_files.read_rows`.

    Raises:
        `error`: The dataset cannot be loaded, or a text is not UTF-8; with the row.
        RecipeError: See `hub_folder`.
    """
    for where, number, values in hub_rows_or_errors(
        place, who, error, required=required, optional=optional
    ):
        if isinstance(values, RetortError):
            raise values
        yield where, number, values


def hub_rows_or_errors(
    place: DatasetSplit,
    who: str,
    error: type[RetortError],
    *,
    required: Collection[str] = (),
    optional: Collection[str] = (),
) -> Iterator[tuple[str, int, dict[str, Any] | RetortError]]:
    """As `hub_rows`, but a row with a text that is not UTF-8 gives its error in its place.

    Raises:
        `error`: The dataset cannot be loaded.
        RecipeError: See `hub_folder`.
    """
    folder = hub_folder(place, who)
    from datasets import disable_progress_bars, load_dataset
    from datasets.exceptions import DatasetsError

    if os.environ.get("RETORT_PROGRESS") == "0":
        disable_progress_bars()

    try:
        loaded = load_dataset(
            str(folder) if folder else place.dataset,
            name=place.config or None,
            split=place.split,
            revision=None if folder else place.revision,
        )
    except (DatasetsError, OSError, ValueError) as cause:
        raise error(
            f"{who}: expected split {place.split!r} of dataset {place.dataset!r}, found "
            f"{type(cause).__name__}: {cause}; check name, revision, config and split, and that "
            f"the hub or the folder can be reached"
        ) from cause
    columns = wanted_columns(loaded.column_names, required, optional)
    if columns is not None:
        loaded = loaded.select_columns(columns)
    where, number = f"{place.dataset} ({place.split})", 0
    for batch in loaded.with_format("arrow").iter(_BATCH_ROWS):
        for values in batch_rows(batch):
            number += 1
            if isinstance(values, str):
                values = error(f"{where}, row {number}: {values}; convert the dataset")
            yield where, number, values
