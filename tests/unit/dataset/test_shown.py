"""`retort dataset show` and `card`, and how a dataset is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory.dataset.place import dataset_folder, versions
from factory.errors import InputFileError
from retort.command import main
from tests.unit.dataset.written_datasets import dropped, write_dataset
from tests.unit.shard.sample_artifacts import sample, unit_recipe


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of datasets with three versions of `unit-set`."""
    for version in ("1.9.0", "1.10.0", "1.2.0"):
        write_dataset(
            tmp_path / "datasets" / "unit-set" / version,
            [sample(1), sample(2, source="other", license="Apache-2.0", form="rewritten")],
            drops=[dropped(9, "incorrect")],
            recipe=unit_recipe(version=version),
        )
    paths = f'[paths]\ndatasets = "{tmp_path}/datasets"\n'
    (tmp_path / "machine.toml").write_text(paths, encoding="utf-8")
    return tmp_path


def command(root: Path, *arguments: str) -> int:
    return main(["dataset", *arguments, "--machine", str(root / "machine.toml")])


def test_a_dataset_is_named_by_folder_by_version_or_by_name_alone(root: Path) -> None:
    datasets = root / "datasets"
    newest = datasets / "unit-set" / "1.10.0"
    assert versions(datasets / "unit-set") == ["1.2.0", "1.9.0", "1.10.0"]
    for named in (str(newest), "unit-set/1.10.0", "unit-set", str(datasets / "unit-set")):
        assert dataset_folder(named, datasets) == newest
    with pytest.raises(InputFileError, match=r"there are: unit-set/1\.10\.0"):
        dataset_folder("another", datasets)


def test_what_a_dataset_is_can_be_read_and_parsed(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(root, "show", "unit-set", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["name"], told["version"], told["rows"]) == ("unit-set", "1.10.0", 2)
    assert told["configs"] == {"default": 2, "reasoning_content": 2}
    assert told["counts"] == {
        "domain": {"math": 2},
        "source": {"unit": 1, "other": 1},
        "license": {"MIT": 1, "Apache-2.0": 1},
        "generation_model": {"unit-teacher@abc": 2},
        "form": {"rewritten": 1, "completion": 1},
    }
    assert "first_rows" not in told
    assert command(root, "show", "unit-set") == 0
    said = capsys.readouterr().out
    assert told["digest"] in said
    assert ["select", "3", "2", "incorrect", "1"] in [line.split() for line in said.splitlines()]


def test_rows_are_shown_with_long_turns_cut_in_the_middle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = "<think>\n" + "begin " * 400 + "end\n</think>\n\n2"
    folder = write_dataset(tmp_path, [sample(1), sample(2, long), sample(3)])
    assert main(["dataset", "show", str(folder), "--rows", "2"]) == 0
    said = capsys.readouterr().out
    assert "--- row 2" in said
    assert "--- row 3" not in said
    assert "[… 1,2" in said
    assert "  </think>" in said
    assert main(["dataset", "show", str(folder), "--rows", "2", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["first_rows"]
    assert rows[1]["messages"][1]["content"] == long


def test_the_card_is_printed_as_it_is(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(root, "card", "unit-set/1.2.0") == 0
    card = root / "datasets" / "unit-set" / "1.2.0" / "README.md"
    assert capsys.readouterr().out == card.read_text(encoding="utf-8")
    card.unlink()
    assert command(root, "card", "unit-set/1.2.0") == 1
    assert "expected the dataset's card" in capsys.readouterr().err


def test_a_shard_that_is_gone_is_one_clear_line(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = root / "datasets" / "unit-set" / "1.2.0"
    next((folder / "data").iterdir()).unlink()
    for more in ((), ("--rows", "1")):
        assert command(root, "show", "unit-set/1.2.0", *more) == 1
        assert "`retort dataset verify` names" in capsys.readouterr().err
