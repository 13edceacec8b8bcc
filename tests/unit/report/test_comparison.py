"""Two runs side by side."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from retort.command import main
from tests.unit.report.measured_runs import VALUES, measured_run
from tests.unit.report.pages import Reader, read
from tests.unit.validate.validated_folders import write_validated


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Two runs: B requests two candidates more, and its recipe has another seed."""
    a, b = measured_run(tmp_path / "a"), measured_run(tmp_path / "b")
    renamed = b.with_name("unit-2")
    shutil.move(b, renamed)
    record = json.loads((renamed / "run.json").read_text(encoding="utf-8"))
    record["run"] = "unit-2"
    generate = next(one for one in record["ledger"] if one["stage"] == "generate")
    generate["rows_in"] += 2
    generate["drops"]["failed"] += 2
    for score in record["scores"]:
        score["value"] += 0.0625
    (renamed / "run.json").write_text(json.dumps(record), encoding="utf-8")
    for folder, seed in ((a, 1), (renamed, 2)):
        recipe = {"name": "unit", "seed": seed, "select": {"per_problem": 4}}
        (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    return a, renamed


def _compared(two: tuple[Path, Path], out: Path) -> Reader:
    assert main(["report", *map(str, two), "--out", str(out)]) == 0
    page = read(out.read_text(encoding="utf-8"))
    assert page.wrong == []
    return page


def test_recipes_funnels_and_scores_stand_side_by_side(
    two: tuple[Path, Path], tmp_path: Path
) -> None:
    page = _compared(two, tmp_path / "ab.html")
    assert page.row("seed") == ["seed", "1", "2"]
    assert page.row("generate", "dropped: failed")[2:] == ["1", "3", "+2"]
    assert page.row("select", "rows out")[2:] == ["5", "5", "0"]
    scores = page.row("all", "unit-student (student)", "pass@1")
    assert (scores[3], scores[5], scores[7]) == ("50.0%", "56.2%", "+6.2")
    assert page.row("rows")[1:] == ["3", "0", "0"]


def test_equal_recipes_are_said_to_be_equal(two: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copy(two[0] / "recipe.json", two[1])
    assert "The recipes are the same." in _compared(two, tmp_path / "ab.html").text


def test_models_whose_answers_are_gone_are_named_and_not_paired(
    two: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _compared(two, tmp_path / "ab.html")
    said = capsys.readouterr().err
    assert len(re.findall(r"^not in the report: .*, paired: ", said, flags=re.M)) == 3


def test_models_of_one_name_are_paired_on_the_problems_of_both(
    two: tuple[Path, Path], tmp_path: Path
) -> None:
    right = {"sums/1": [True, True], "sums/2": [True, False], "sums/3": [False, False]}
    for folder, answered in zip(two, ({**right, "sums/2": [False, False]}, right), strict=True):
        for role, model in VALUES:
            artifact = folder.parents[1] / "artifacts" / "validate" / f"unit-{role}-{model}"
            artifact = artifact.with_name(artifact.name.replace(":", "-"))
            write_validated(artifact, answered, model=model, role=role, k={"sums": 2})
    page = _compared(two, tmp_path / "ab.html")
    paired = page.row("sums", "unit-student (student)", "3")
    assert (paired[3], paired[6:]) == ("+16.7", ["1", "0"])


def test_the_command_prints_the_path_of_the_report_beside_the_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = measured_run(tmp_path)
    machine = str(tmp_path / "machine.toml")
    assert main(["report", "--machine", machine]) == 0
    assert capsys.readouterr().out == f"{folder / 'report.html'}\n"
    assert main(["summary", "--machine", machine]) == 0
    last = capsys.readouterr().out.splitlines()[-2:]
    assert last == [f"report    {folder / 'report.html'}", f"explore   retort explore {folder}"]


def test_a_run_that_is_not_there_is_an_error_that_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path / "nothing")]) == 1
    assert "expected the record of a finished run" in capsys.readouterr().err
