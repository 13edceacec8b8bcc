"""`retort compare`: folders or RUN:MODEL, one suite or all, text or JSON; what is wrong is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory.shown.score_text import score_lines
from retort.command import main
from schemas.run import DatasetRef, Run, StageRef
from schemas.score import Score
from tests.unit.validate.validated_folders import write_validated

Capture = pytest.CaptureFixture[str]
YES, NO = True, False
K = {"sums": 2, "words": 1}
BETTER = {"sums/1": [YES, YES], "sums/2": [YES, NO], "words/1": [YES]}
WORSE = {"sums/1": [NO, NO], "sums/2": [YES, NO], "words/1": [NO], "words/2": [YES]}
CUT = {"candidates": 3, "failed": 1, "truncated": 2, "without_think": 0, "unclosed_think": 1}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that measured a student and its base, and the machine file that finds it."""
    student = write_validated(tmp_path / "v" / "a", BETTER, model="unit-student", k=K)
    figures = {"suites": {"sums": {**CUT, "empty_completions": 0}}}
    name = "embedded:base"
    base = write_validated(
        tmp_path / "v" / "b", WORSE, model=name, role="base", k=K, figures=figures
    )
    made = Run(
        run="unit-0123",
        recipe="unit",
        target="DistillAll",
        stages=[
            StageRef(task="ValidateModel", stage="validate", key="k", path=str(one), wall_s=1.0)
            for one in (student, base, tmp_path / "gone")
        ],
        ledger=[],
        scores=[],
        dataset=DatasetRef(path="/d", version="1.0.0", digest="ab", rows=1),
        students=[],
    )
    folder = tmp_path / "runs" / made.run
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(made.model_dump_json())
    (tmp_path / "runs" / "latest").symlink_to(made.run)
    (tmp_path / "machine.toml").write_text(f'[paths]\nruns = "{tmp_path}/runs"\n')
    return made


def compare(tmp_path: Path, capsys: Capture, *more: str) -> tuple[int, str, str]:
    status = main(["compare", *more, "--machine", str(tmp_path / "machine.toml")])
    told = capsys.readouterr()
    return status, told.out, told.err


@pytest.mark.parametrize("by_name", [True, False])
def test_two_models_are_compared_by_name_or_by_folder(
    tmp_path: Path, capsys: Capture, run: Run, *, by_name: bool
) -> None:
    names = ("latest:unit-student", "unit-0123:embedded:base")
    folders = (run.stages[0].path, run.stages[1].path)
    status, text, _ = compare(tmp_path, capsys, *(names if by_name else folders))
    assert status == 0
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "suite model against role difference 95% p better worse problems"
    assert lines[1].startswith("sums unit-student embedded:base base +50.0 ")
    assert lines[3].startswith("all unit-student embedded:base base +66.7 ")
    assert lines[3].endswith(" 0.5 2 0 3")
    assert lines[-1] == "1 problems were asked of the second alone: left out"


def test_the_json_form_has_the_same_and_what_was_left_out(
    tmp_path: Path, capsys: Capture, run: Run
) -> None:
    names = [f"{run.run}:unit-student", f"{run.run}:embedded:base"]
    status, text, _ = compare(tmp_path, capsys, *names, "--suite", "sums", "--json")
    found = json.loads(text)
    assert status == 0
    assert list(found) == ["comparisons", "only_first", "only_second", "changed", "notes"]
    assert [one["suite"] for one in found["comparisons"]] == ["sums"]
    assert (found["only_first"], found["only_second"], found["changed"]) == (0, 0, 0)


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("nothing", "latest:unit-student"), "nothing: expected a finished folder of validate or"),
        (("latest:other", "latest:unit-student"), "found those of unit-student, embedded:base"),
        (("latest:", "latest:unit-student"), "expected the validation of , found those of"),
        (("yesterday:other", "latest:unit-student"), "expected the record of a finished run"),
    ],
)
def test_what_cannot_be_compared_is_a_clear_error(
    tmp_path: Path, capsys: Capture, names: tuple[str, str], message: str
) -> None:
    status, _, told = compare(tmp_path, capsys, *names)
    assert status == 1
    assert message in told


def test_the_summary_says_how_completions_ended_that_are_no_whole_answers(run: Run) -> None:
    lines = [" ".join(line.split()) for line in score_lines(_scored(run, "sums"))]
    assert "completions of asked cut no <think> unclosed empty never came" in lines
    assert "embedded:base 4 2 0 1 0 1" in lines
    assert not any(line.startswith("unit-student 4") for line in lines)


def test_the_summary_shows_what_others_published_for_the_same_suite_and_metric(run: Run) -> None:
    lines = [" ".join(line.split()) for line in score_lines(_scored(run, "math-500"))]
    head = lines.index("published math-500 pass@1 source")
    assert lines[head + 2].startswith("DeepSeek-R1-Distill-Qwen-7B 92.8% DeepSeek-R1, arXiv")
    assert lines[-1].startswith("Published scores are of whole suites")
    assert "published" not in " ".join(score_lines(_scored(run, "sums"))).lower()


def _scored(run: Run, suite: str) -> Run:
    numbers = {"value": 0.5, "stderr": 0.1, "low": 0.3, "high": 0.7, "n": 3, "seed": 7, "k": 1}
    score = Score.model_validate(
        {
            **numbers,
            **{"model": "unit-student", "role": "student", "arch": "qwen2", "suite": suite},
            **{"metric": "pass@1", "temperature": 0.6},
        }
    )
    return run.model_copy(update={"scores": [score]})
