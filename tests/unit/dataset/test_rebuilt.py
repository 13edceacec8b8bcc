"""`retort dataset rebuild`: from the dataset's own recipe, compared by the digest of the rows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from factory.dataset.rebuilt import compare_rebuilt
from factory.dataset.verify import must_be_whole
from factory.recipe_file import load_machine, load_recipe
from factory.shard.description import read_description
from factory.shard.publish import publish
from pipelines.rebuilt import rebuild, unfinished_stages
from retort.command import main
from tests.unit.dataset.written_datasets import (
    hashed_again,
    write_dataset,
    write_description,
)
from tests.unit.shard.sample_artifacts import sample, unit_recipe


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the artifacts and the published dataset of `import-tiny`."""
    root = tmp_path_factory.mktemp("place")
    lines = [f'{name} = "{root}/{name}"' for name in ("artifacts", "runs", "datasets")]
    (root / "machine.toml").write_text("workers = 1\n[paths]\n" + "\n".join(lines) + "\n")
    machine = load_machine(str(root / "machine.toml"))
    recipe = load_recipe("recipes/import-tiny.toml")
    stages = unfinished_stages(recipe, machine)
    assert [stage.name for stage in stages] == ["collect", "generate", "grade", "select"]
    built = rebuild(recipe, machine, stages, root / "built")
    publish(built, root / "datasets", "import-tiny", "1.0.0")
    yield root


def command(place: Path, *more: str) -> int:
    return main(["dataset", *more, "--machine", str(place / "machine.toml")])


def test_what_a_run_publishes_is_whole(place: Path) -> None:
    folder = place / "datasets" / "import-tiny" / "1.0.0"
    assert must_be_whole(folder).rows > 0


def test_a_dataset_is_made_again_with_the_same_digest_and_nothing_is_left(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path for path in place.rglob("*") if path.name != ".lock"}
    assert command(place, "rebuild", "import-tiny") == 0
    said = capsys.readouterr().out
    assert "(equal)" in said
    digest = read_description(place / "datasets" / "import-tiny" / "1.0.0").digest
    assert said.count(digest) == 2
    assert {path for path in place.rglob("*") if path.name != ".lock"} == before


def test_a_dataset_that_its_recipe_does_not_give_is_different_and_says_how(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(place / "datasets" / "import-tiny" / "1.0.0", tmp_path / "edited")
    recipe = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
    recipe["select"]["per_problem"] = 1
    (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    write_description(folder, hashed_again(folder, read_description(folder), "recipe.json"))
    assert command(place, "rebuild", str(folder)) == 1
    said = capsys.readouterr().out
    assert "DIFFERENT" in said
    assert "dropped them in select: surplus" in said


def test_other_bytes_of_equal_rows_are_told_apart_from_other_rows(tmp_path: Path) -> None:
    rows = [sample(number) for number in range(6)]
    a = write_dataset(tmp_path / "a", rows)
    b = write_dataset(tmp_path / "b", rows, rows_per_shard=3, code={"select": 9})
    found = compare_rebuilt(a, b)
    assert (found.equal, found.difference, found.code) == (True, None, ["select 3 -> 9"])
    assert "data/train-00000-of-00002.parquet" in found.other_files


def test_candidates_are_not_drawn_without_being_asked_for(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = load_recipe("recipes/import-tiny.toml")
    content = tiny.model_dump(mode="json", by_alias=True)
    content["generate"]["teacher"] = {"engine": "openai", "model": "far", "revision": "1"}
    recipe = type(tiny).model_validate(content)
    folder = write_dataset(tmp_path / "set", [sample(1)], recipe=recipe)
    assert command(place, "rebuild", str(folder)) == 1
    error = capsys.readouterr().err
    assert "generate, round 1 of 1 not finished" in error
    assert "give --yes to draw with far" in error


def test_a_recipe_whose_files_are_not_here_is_one_clear_line(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_dataset(tmp_path / "set", [sample(1)], recipe=unit_recipe())
    assert command(place, "rebuild", str(folder)) == 1
    assert "unit.jsonl, found none" in capsys.readouterr().err
