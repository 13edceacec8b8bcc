"""Where the explorer puts what it makes: in its own folder, whatever a source is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.artifact import sole_writer
from factory.errors import Busy, InputFileError
from factory.recipe_file import load_machine
from retort.explore.index_folder import open_source, texts_lock
from retort.explore.light_rows import file_name
from retort.explore.named_source import source_of
from tests.unit.explore.opened_runs import describe, made_rows, write_data


@pytest.mark.parametrize(
    "name", ["../../evil", "/etc", "a b", "", "ü" * 300, "..", "new\nline", "C:\\x", "\x00"]
)
def test_a_source_of_any_name_is_a_short_file_of_its_folder(tmp_path: Path, name: str) -> None:
    made = tmp_path / f"{file_name(name)}-key"
    made.mkdir()
    assert made.resolve().parent == tmp_path
    assert len(made.name) <= 84


def test_a_dataset_that_names_itself_with_a_path_is_indexed_in_the_folder_of_indexes(
    tmp_path: Path, hostile_dataset: tuple[Path, Path]
) -> None:
    folder, machine = hostile_dataset
    root = tmp_path / "below" / "explore"
    here = open_source(source_of(str(folder), load_machine(str(machine))), root)
    assert here.folder.parent == root
    assert here.title == "../../../evil 1.0.0"
    assert not [one for one in tmp_path.rglob("*evil*") if root not in one.parents]


@pytest.fixture
def hostile_dataset(tmp_path: Path) -> tuple[Path, Path]:
    """A dataset of Retort's format with a name that leads elsewhere, and a machine file."""
    folder = tmp_path / "set"
    machine = write_data(folder, made_rows(9))
    describe(folder, "../../../evil")
    return folder, machine


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    machine = write_data(tmp_path / "set", made_rows(9))
    (tmp_path / "file").write_text("")
    source = source_of(str(tmp_path / "set"), load_machine(str(machine)))
    with pytest.raises(InputFileError, match=r"file/explore: expected a folder"):
        open_source(source, tmp_path / "file" / "explore")


def test_an_index_is_not_made_again_under_a_process_that_builds_its_texts(tmp_path: Path) -> None:
    machine = write_data(tmp_path / "set", made_rows(9))
    source = source_of(str(tmp_path / "set"), load_machine(str(machine)))
    here = open_source(source, tmp_path / "explore")
    before = (here.folder / "index.json").stat().st_ino
    with sole_writer(texts_lock(here.folder), tidy=True), pytest.raises(Busy):
        open_source(source, tmp_path / "explore", rebuild=True)
    assert (here.folder / "index.json").stat().st_ino == before
    open_source(source, tmp_path / "explore", rebuild=True)
    assert (here.folder / "index.json").stat().st_ino != before
    assert [one.name for one in (tmp_path / "explore").iterdir()] == [here.folder.name]
