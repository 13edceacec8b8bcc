"""Problems from a Hugging Face dataset, by name and revision, or from a local copy in its shape."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from factory.collect.rows import SourceRow
from factory.errors import RecipeError, SourceError
from factory.recipe_file import ROOT, existing
from schemas.recipe import HubSource


def hub_folder(source: HubSource) -> Path | None:
    """The folder of a local copy; None where `dataset` is a name on the hub.

    Raises:
        RecipeError: A folder that is not there, or a name without a revision.
    """
    if source.dataset.startswith(("./", "${RETORT_DATA}")) or (ROOT / source.dataset).is_dir():
        return existing(source.dataset, f"source {source.name}")
    if not source.revision:
        raise RecipeError(
            f"source {source.name}: expected `revision`, the full commit hash of "
            f"{source.dataset}, found none; a name alone does not say which data"
        )
    return None


def hub_rows(source: HubSource) -> Iterator[SourceRow]:
    """Rows of one split of the dataset.

    Raises:
        SourceError: The dataset cannot be loaded.
        RecipeError: See `hub_folder`.
    """
    folder = hub_folder(source)
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError

    try:
        loaded = load_dataset(
            str(folder) if folder else source.dataset,
            name=source.config or None,
            split=source.split,
            revision=None if folder else source.revision,
        )
    except (DatasetsError, OSError, ValueError) as error:
        raise SourceError(
            f"source {source.name}: expected split {source.split!r} of dataset "
            f"{source.dataset!r}, found {type(error).__name__}: {error}; check name, revision, "
            f"config and split, and that the hub or the folder can be reached"
        ) from error
    for number, values in enumerate(loaded, 1):
        yield SourceRow(dict(values), f"{source.dataset} ({source.split})", number)
