"""GPQA's rows -> problems of multiple choice, from CSV, JSONL and a local copy of the dataset."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from factory.collect.gold import check_golds
from factory.collect.sources import iter_problems, read_source, sources_fingerprint
from factory.errors import RecipeError, SourceError
from factory.grade.choice import final_letter
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.problem import Domain, GraderName, Problem
from schemas.source_settings import GpqaSource
from tests.unit.collect.local_sets import parquet_set

COLUMNS = (
    *("Record ID", "Question", "Correct Answer"),
    *("Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3"),
    *("High-level domain", "Subdomain", "Writer's Difficulty Estimate", "Explanation"),
)


def row(number: int, **fields: str) -> dict[str, str]:
    """A row with the space, line ends, quotes and commas that GPQA's cells have."""
    values = {
        "Record ID": f"rec{number:03}",
        "Question": f'\nWhat has {number} protons, "roughly"?\nIt shines.\n',
        "Correct Answer": f"element {number}\n\n",
        "Incorrect Answer 1": f" element {number + 1}",
        "Incorrect Answer 2": f"element {number}, ionised",
        "Incorrect Answer 3": "none\n",
        "High-level domain": "Chemistry",
        "Subdomain": "Chemistry (general)",
        "Writer's Difficulty Estimate": "Hard graduate level (could be answered by experts)",
        "Explanation": "By counting.",
    }
    return values | fields


ROWS = [row(number) for number in range(40)]


def write_csv(path: Path, rows: Sequence[dict[str, str]], columns: Sequence[str] = COLUMNS) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def source(**fields: Any) -> GpqaSource:
    return GpqaSource.model_validate({"kind": "gpqa", "name": "gpqa", **fields})


def from_csv(folder: Path, rows: Sequence[dict[str, str]] = ROWS, **fields: Any) -> list[Problem]:
    write_csv(folder / "gpqa.csv", rows)
    return list(iter_problems(source(path="${RETORT_DATA}/gpqa.csv", **fields)))


def test_a_question_has_four_stripped_choices_and_the_letter_of_the_right_one(
    folder: Path,
) -> None:
    for number, found in enumerate(from_csv(folder)):
        question, *choices = found.statement.rsplit("\n", 4)
        assert question == f'What has {number} protons, "roughly"?\nIt shines.\n'
        assert [choice[:3] for choice in choices] == ["A) ", "B) ", "C) ", "D) "]
        assert f"{found.gold}) element {number}" in choices
        assert (found.domain, found.grader) == (Domain.STEM, GraderName.CHOICE)
        assert (found.problem_id, found.category) == (f"gpqa/rec{number:03}", "Chemistry")
        assert found.level.startswith("Hard graduate")


def test_the_order_depends_on_seed_and_id_alone(folder: Path) -> None:
    found = {one.problem_id: one.statement for one in from_csv(folder)}
    fewer = {one.problem_id: one.statement for one in from_csv(folder, ROWS[:4:-2])}
    assert fewer.items() <= found.items()
    other = {one.problem_id: one.statement for one in from_csv(folder, seed=1)}
    assert found.keys() == other.keys()
    assert sum(found[one] != other[one] for one in found) > 20


def test_every_letter_is_the_right_one_about_as_often(folder: Path) -> None:
    found = Counter(one.gold for one in from_csv(folder, [row(number) for number in range(400)]))
    assert set(found) == set("ABCD")
    assert min(found.values()) > 70


def test_csv_jsonl_and_a_local_copy_of_the_dataset_give_the_same_problems(folder: Path) -> None:
    expected = from_csv(folder)
    lines = "".join(json.dumps(one) + "\n" for one in ROWS)
    (folder / "gpqa.jsonl").write_text(lines, encoding="utf-8")
    parquet_set(folder / "copy", ROWS)
    for place in ({"path": "${RETORT_DATA}/gpqa.jsonl"}, {"dataset": "${RETORT_DATA}/copy"}):
        assert list(iter_problems(source(**place))) == expected


def test_a_copy_of_the_repository_is_read_by_its_config(folder: Path) -> None:
    (folder / "repo").mkdir()
    write_csv(folder / "repo" / "gpqa_diamond.csv", ROWS[:3])
    write_csv(folder / "repo" / "gpqa_main.csv", ROWS)
    configs = "\n".join(
        f"- config_name: {name}\n  data_files: {name}.csv" for name in ("gpqa_main", "gpqa_diamond")
    )
    (folder / "repo" / "README.md").write_text(f"---\nconfigs:\n{configs}\n---\n")
    found = source(dataset="${RETORT_DATA}/repo", config="gpqa_diamond")
    assert [one.problem_id for one in iter_problems(found)] == [f"gpqa/rec00{n}" for n in range(3)]
    assert sources_fingerprint([found])["gpqa"]


def test_the_gold_of_every_row_is_accepted_by_its_own_grader(folder: Path) -> None:
    checked = check_golds(from_csv(folder), Grade(), Machine())
    assert (checked.rejected, checked.unchecked) == ({}, 0)


@pytest.mark.parametrize("end", ["Answer: B", "Answer: $B$", "**Answer: B**", "\\boxed{B}", "B"])
def test_the_letter_is_read_in_the_form_that_the_prompt_asks_for(end: str) -> None:
    assert final_letter(f"Option A and C are excluded by parity.\n\n{end}") == "B"


def test_limit_takes_some(folder: Path) -> None:
    write_csv(folder / "gpqa.csv", ROWS)
    reading = read_source(source(path="${RETORT_DATA}/gpqa.csv", limit=5), seed=3)
    assert (len(reading.problems), len(reading.beyond_limit)) == (5, 35)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Question,Correct Answer\nwhat,that\n", "row 1: expected column 'Incorrect Answer 1'"),
        ('Question\n"open', "cannot be read as CSV"),
        ("Question,Correct Answer\nwhat\n", "row 1: expected as many cells"),
        ("Question,Correct Answer\na,b,c\n", "row 1: expected as many cells"),
        (b"Question\n\xff\n", "cannot be read as CSV in UTF-8"),
    ],
)
def test_a_csv_file_that_is_wrong_is_named(folder: Path, text: str | bytes, said: str) -> None:
    content = text if isinstance(text, bytes) else text.encode()
    (folder / "bad.csv").write_bytes(content)
    with pytest.raises(SourceError, match=said) as refused:
        list(iter_problems(source(path="${RETORT_DATA}/bad.csv")))
    assert "bad.csv" in str(refused.value)


def test_an_empty_answer_is_named_with_its_row(folder: Path) -> None:
    with pytest.raises(SourceError, match="row 2: expected text in column 'Correct Answer'"):
        from_csv(folder, [row(0), row(1, **{"Correct Answer": "\n"})])


def test_the_same_id_twice_is_an_error(folder: Path) -> None:
    write_csv(folder / "gpqa.csv", [row(0), row(0)])
    with pytest.raises(SourceError, match="'gpqa/rec000' twice"):
        read_source(source(path="${RETORT_DATA}/gpqa.csv"), seed=0)


def test_a_name_on_the_hub_needs_its_revision() -> None:
    with pytest.raises(RecipeError, match="expected `revision`, the full commit hash of Idavid"):
        list(iter_problems(source(dataset="Idavidrein/gpqa")))


def test_a_question_whose_right_answer_is_among_the_wrong_ones_leaves(tmp_path: Path) -> None:
    rows = [row(1, **{"Incorrect Answer 2": "  element 1 "}), row(2)]
    write_csv(tmp_path / "own.csv", rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETORT_DATA", str(tmp_path))
        read = read_source(source(path="${RETORT_DATA}/own.csv"), seed=0)
    assert [one.problem_id for one in read.problems] == ["gpqa/rec002"]
    assert [(one.problem_id, one.reason) for one in read.rejected] == [
        ("gpqa/rec001", "gold_rejected")
    ]
