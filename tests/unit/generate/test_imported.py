"""Generations that exist already: every response is accounted for, every wrong row is named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from factory import recipe_file
from factory.errors import ImportedRowError
from factory.generate.stage import generate_candidates
from factory.parts import read_part
from schemas.arrow import CANDIDATE
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.recipe import Generate, ImportFile, ImportTeacher
from tests.unit.generate.problems_artifact import problem, problems_folder


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("RETORT_DATA", str(folder))
    assert recipe_file.data_root() == folder
    return folder


def run(tmp_path: Path, name: str, *, rows_per_part: int = 4, **columns: str) -> StageResult:
    problems = problems_folder(tmp_path / "problems", [problem(n) for n in range(3)])
    file = ImportFile(source="sums", path=f"${{RETORT_DATA}}/{name}", **columns)
    teacher = ImportTeacher(engine="import", model="qwen", files=[file])
    return generate_candidates(
        problems,
        [],
        Generate(teacher=teacher),
        round=1,
        seed=0,
        machine=Machine(rows_per_part=rows_per_part),
        store=tmp_path / "store.sqlite",
        out_dir=tmp_path / "out",
        key="k",
    )


def rows(tmp_path: Path, result: StageResult) -> list[dict[str, Any]]:
    tables = [read_part(tmp_path / "out", part, CANDIDATE) for part in result.parts]
    return [row for table in tables for row in table.to_pylist()]


def jsonl(path: Path, *content: Any) -> None:
    path.write_text("".join(json.dumps(one) + "\n" for one in content))


LISTS = [
    {"problem_id": 2, "responses": ["c", "d", "e"], "labels": [True, False, True]},
    {"problem_id": 9, "responses": ["lost", "lost"], "labels": [True, True]},
    {"problem_id": 0, "responses": ["a", "b"], "labels": [False, None]},
]


def test_lists_become_candidates_in_the_order_of_the_problems(tmp_path: Path, data: Path) -> None:
    jsonl(data / "made.jsonl", *LISTS)
    result = run(tmp_path, "made.jsonl", labels="labels")
    found = rows(tmp_path, result)
    assert [(row["problem_id"], row["index"], row["text"], row["label"]) for row in found] == [
        ("sums/0", 0, "a", False),
        ("sums/0", 1, "b", None),
        ("sums/2", 0, "c", True),
        ("sums/2", 1, "d", False),
        ("sums/2", 2, "e", True),
    ]
    assert {row["finish_reason"] for row in found} == {"unknown"}
    assert len({row["candidate_id"] for row in found}) == 5
    assert [part.rows for part in result.parts] == [4, 1]
    assert (result.ledger.rows_in, result.ledger.rows_out) == (5, 5)
    assert (result.figures["skipped_rows"], result.figures["skipped_responses"]) == (1, 2)
    assert not (tmp_path / "store.sqlite").exists()


def test_one_response_per_row_counts_the_index_itself(tmp_path: Path, data: Path) -> None:
    with gzip.open(data / "made.jsonl.gz", "wt") as file:
        for problem_id, text in (("0", "a"), ("1", "b"), ("0", "c")):
            file.write(json.dumps({"id": problem_id, "text": text, "why": "length"}) + "\n")
    columns = {"problem_id": "id", "responses": "text", "finish_reasons": "why"}
    found = rows(tmp_path, run(tmp_path, "made.jsonl.gz", **columns))
    assert [(row["problem_id"], row["index"], row["text"]) for row in found] == [
        ("sums/0", 0, "a"),
        ("sums/0", 1, "c"),
        ("sums/1", 0, "b"),
    ]
    assert {row["finish_reason"] for row in found} == {"length"}


def test_parquet_and_jsonl_give_the_same_candidates(tmp_path: Path, data: Path) -> None:
    jsonl(data / "made.jsonl", *LISTS)
    pl.DataFrame(LISTS).write_parquet(data / "made.parquet")
    one, two = (
        [row["candidate_id"] for row in rows(tmp_path, run(tmp_path, name))]
        for name in ("made.jsonl", "made.parquet")
    )
    assert one == two


def test_the_same_files_give_the_same_bytes(tmp_path: Path, data: Path) -> None:
    jsonl(data / "made.jsonl", *LISTS)
    first = run(tmp_path, "made.jsonl")
    for part in first.parts:
        (tmp_path / "out" / part.path).unlink()
    assert run(tmp_path, "made.jsonl").parts == first.parts


GOOD = {"problem_id": "0", "responses": ["a", "b"]}


@pytest.mark.parametrize(
    ("row", "columns", "says"),
    [
        ({"responses": ["a"]}, {}, "a column `problem_id`"),
        ({"problem_id": "1"}, {}, "a column `responses`"),
        ({"problem_id": 1.5, "responses": ["a"]}, {}, "text or an integer"),
        ({"problem_id": True, "responses": ["a"]}, {}, "text or an integer"),
        ({"problem_id": "1", "responses": 3}, {}, "text or a list of texts"),
        ({"problem_id": "1", "responses": ["a", None]}, {}, "texts in `responses`"),
        ({"problem_id": "1", "responses": "alone"}, {}, "one kind of row"),
        (GOOD, {}, "each problem once"),
        ({"problem_id": "1", "responses": ["\ud800"]}, {}, "valid Unicode"),
        ([1, 2], {}, "expected a JSON object"),
    ],
)
def test_a_wrong_row_is_named(
    tmp_path: Path, data: Path, row: Any, columns: dict[str, str], says: str
) -> None:
    jsonl(data / "made.jsonl", GOOD, row)
    with pytest.raises(ImportedRowError, match=r"made\.jsonl, row 2: ") as caught:
        run(tmp_path, "made.jsonl", **columns)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("label", "says"), [([True], "same shape"), (True, "same shape"), ([True, "yes"], "true or")]
)
def test_a_label_of_another_shape_or_type_is_named(
    tmp_path: Path, data: Path, label: Any, says: str
) -> None:
    jsonl(data / "made.jsonl", {**GOOD, "labels": label})
    with pytest.raises(ImportedRowError, match=says):
        run(tmp_path, "made.jsonl", labels="labels")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("made.jsonl", b'{"problem_id": "0", "responses": ["\xff"]}\n', "row 1: expected UTF-8"),
        ("made.jsonl", b"{} nonsense\n", "row 1: expected one JSON object"),
        ("made.parquet", b"PAR1 and nothing more", "cannot be read"),
        ("made.jsonl.gz", gzip.compress(b'{"problem_id": "0"}\n' * 999)[:-20], "row "),
        ("made.jsonl.gz", b"no gzip at all", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, data: Path, name: str, content: bytes, says: str
) -> None:
    (data / name).write_bytes(content)
    with pytest.raises(ImportedRowError, match=says):
        run(tmp_path, name)
