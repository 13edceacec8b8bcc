"""What a name on the command line opens: a run, a dataset, or a folder of Parquet files."""

from __future__ import annotations

from pathlib import Path

from factory.dataset.place import dataset_folder
from factory.errors import InputFileError
from factory.recipe_file import resolve_plain
from factory.run_record import RUN_FILE, read_run
from retort.explore.dataset_source import DatasetSource, data_files
from retort.explore.light_rows import Source
from retort.explore.run_source import RunSource
from schemas.machine import Machine


def source_of(named: str, machine: Machine) -> Source:
    """The run or dataset that is meant; a run where both have the name.

    Raises:
        InputFileError: There is neither.
        ManifestMismatch: The run or dataset is not whole.
    """
    runs, datasets = (resolve_plain(one) for one in (machine.paths.runs, machine.paths.datasets))
    for folder in (Path(named), runs / named):
        if (folder / RUN_FILE).is_file():
            return RunSource(read_run(folder))
    if data_files(Path(named)):
        return DatasetSource(Path(named))
    if named == "latest":
        return RunSource(read_run(runs / named))
    try:
        return DatasetSource(dataset_folder(named, datasets))
    except InputFileError as error:
        raise InputFileError(
            f"{named!r}: expected a run below {runs}, a dataset below {datasets}, or a folder of "
            f"either, found none; {error}"
        ) from error
