"""Generations that exist already: every response is accounted for, every wrong row is named."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import datasets
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factory import recipe_file
from factory.errors import ImportedRowError, RecipeError
from factory.generate.imported import import_candidates
from factory.generate.stage import generate_candidates
from factory.models import teacher_fingerprint
from factory.parts import read_part
from schemas.arrow import CANDIDATE
from schemas.generate_settings import Generate
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.teacher_settings import ImportFile, ImportTeacher
from tests.unit.generate.problems_artifact import problem, problems_folder


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setenv("RETORT_DATA", str(folder))
    assert recipe_file.data_root() == folder
    return folder


def run(tmp_path: Path, name: str, *, rows_per_part: int = 4, **columns: str) -> StageResult:
    place = {"path": f"${{RETORT_DATA}}/{name}"}
    return run_files(tmp_path, [ImportFile(source="sums", **(place | columns))], rows_per_part)


def run_files(tmp_path: Path, files: list[ImportFile], rows_per_part: int = 4) -> StageResult:
    problems = problems_folder(tmp_path / "problems", [problem(n) for n in range(3)])
    teacher = ImportTeacher(engine="import", model="qwen", files=files)
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


def test_a_dataset_is_imported_like_a_file(tmp_path: Path, data: Path) -> None:
    (data / "set" / "data").mkdir(parents=True)
    open_r1 = [
        {
            "uuid": str(row["problem_id"]),
            "problem": "…",
            "generations": row["responses"],
            "correctness_math_verify": row["labels"],
            "finish_reasons": None if row["problem_id"] else ["stop", "length"],
        }
        for row in LISTS
    ]
    file = data / "set" / "data" / "train-00000-of-00001.parquet"
    pq.write_table(pa.Table.from_pylist(open_r1), file)
    jsonl(data / "made.jsonl", *LISTS)
    columns = {"problem_id": "uuid", "responses": "generations", "finish_reasons": "finish_reasons"}
    columns |= {"labels": "correctness_math_verify", "path": "", "dataset": "${RETORT_DATA}/set"}
    found = rows(tmp_path, run(tmp_path, "", **columns))
    same = rows(tmp_path, run(tmp_path, "made.jsonl", labels="labels"))
    for name in ("candidate_id", "problem_id", "index", "text", "label"):
        assert [row[name] for row in found] == [row[name] for row in same]
    assert [row["finish_reason"] for row in found] == ["stop", "length", *["unknown"] * 3]
    assert {row["server"] for row in found} == {"${RETORT_DATA}/set"}
    assert {row["created_unix_s"] for row in found} == {0.0}


def test_the_last_assistant_turn_of_a_conversation_is_its_response(
    tmp_path: Path, data: Path
) -> None:
    def chat(*texts: str) -> list[dict[str, str]]:
        return [{"from": ("human", "gpt")[at % 2], "value": text} for at, text in enumerate(texts)]

    jsonl(data / "made.jsonl", {"c": chat("q", "a", "r", "b")}, {"c": chat("q", "c")}, {"c": "d"})
    found = rows(tmp_path, run(tmp_path, "made.jsonl", problem_id="", responses="c"))
    assert [(row["problem_id"], row["text"]) for row in found] == [
        ("sums/0", "b"),
        ("sums/1", "c"),
        ("sums/2", "d"),
    ]


def test_rows_are_numbered_over_the_files_of_a_folder(tmp_path: Path, data: Path) -> None:
    (data / "many").mkdir()
    jsonl(data / "many" / "b.jsonl", {"responses": ["c"]}, {"responses": ["lost"]})
    jsonl(data / "many" / "a.jsonl", {"responses": ["a"]}, {"responses": ["b"]})
    result = run(tmp_path, "many", problem_id="")
    assert [row["text"] for row in rows(tmp_path, result)] == ["a", "b", "c"]
    assert result.figures["skipped_rows"] == 1


def test_several_files_answer_a_problem_one_after_the_other(tmp_path: Path, data: Path) -> None:
    jsonl(data / "one.jsonl", {"problem_id": 1, "responses": ["b"]}, LISTS[2])
    jsonl(data / "two.jsonl", {"problem_id": 0, "responses": "c"})
    files = [
        ImportFile(source="sums", path=f"${{RETORT_DATA}}/{name}.jsonl") for name in ("one", "two")
    ]
    found = rows(tmp_path, run_files(tmp_path, files))
    assert [(row["problem_id"], row["index"], row["text"]) for row in found] == [
        ("sums/0", 0, "a"),
        ("sums/0", 1, "b"),
        ("sums/0", 2, "c"),
        ("sums/1", 0, "b"),
    ]
    assert [row["server"].rpartition("/")[2] for row in found] == [
        *("one.jsonl", "one.jsonl", "two.jsonl", "one.jsonl")
    ]


def test_nothing_of_the_spool_is_left_and_a_finished_part_is_kept(
    tmp_path: Path, data: Path
) -> None:
    jsonl(data / "made.jsonl", *LISTS)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".imported.1.sqlite").write_bytes(b"of a run that was killed")
    first = run(tmp_path, "made.jsonl")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("candidates-00000.parquet", "candidates-00001.parquet")
    ]
    kept, made = ((tmp_path / "out" / part.path) for part in first.parts)
    written = kept.stat().st_mtime_ns
    made.unlink()
    assert run(tmp_path, "made.jsonl").parts == first.parts
    assert kept.stat().st_mtime_ns == written


def test_memory_holds_a_part_and_not_all_texts(tmp_path: Path, data: Path) -> None:
    text_chars, responses = 20_000, 500
    with open(data / "made.jsonl", "w", encoding="utf-8") as file:
        for number in range(3):
            texts = [f"{number} {at} " + "x" * text_chars for at in range(responses)]
            for text in reversed(texts):
                file.write(json.dumps({"problem_id": 2 - number, "responses": text}) + "\n")
    tracemalloc.start()
    result = run(tmp_path, "made.jsonl", rows_per_part=20)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result.ledger.rows_out == 3 * responses
    assert peak_bytes < 0.2 * 3 * responses * text_chars


def test_passed_through_conversations_are_no_problems_of_an_import(
    tmp_path: Path, data: Path
) -> None:
    given = problem(1).model_copy(update={"solution": "2", "author": "someone"})
    folder = problems_folder(tmp_path / "problems", [problem(0), given])
    jsonl(data / "made.jsonl", {"problem_id": 0, "responses": "a"}, {"problem_id": 1} | ALONE)
    file = ImportFile(source="sums", path="${RETORT_DATA}/made.jsonl")
    result = import_candidates(
        folder,
        ImportTeacher(engine="import", model="qwen", files=[file]),
        round=1,
        machine=Machine(),
        out_dir=tmp_path / "out",
        key="k",
    )
    assert [row["problem_id"] for row in rows(tmp_path, result)] == ["sums/0"]
    assert result.figures["problems_without_responses"] == 0
    assert result.figures["skipped_responses"] == 1


def test_the_key_of_a_teacher_follows_files_folders_and_datasets(data: Path) -> None:
    def key(**place: str) -> str:
        files = [ImportFile(source="sums", **place)]
        return teacher_fingerprint(ImportTeacher(engine="import", model="qwen", files=files))

    jsonl(data / "made.jsonl", *LISTS)
    (data / "set").mkdir()
    jsonl(data / "set" / "train.jsonl", *LISTS)
    places = [
        {"path": "${RETORT_DATA}/made.jsonl"},
        {"path": "${RETORT_DATA}/set"},
        {"dataset": "${RETORT_DATA}/set"},
        {"dataset": "a/b", "revision": "0" * 40},
        {"dataset": "a/b", "revision": "1" * 40},
    ]
    before = [key(**place) for place in places]
    jsonl(data / "made.jsonl", *LISTS[:1])
    jsonl(data / "set" / "train.jsonl", *LISTS[:1])
    after = [key(**place) for place in places]
    assert [one == other for one, other in zip(before, after, strict=True)] == [
        *(False, False, False, True, True)
    ]
    assert len(set(before)) == 4 and before[1] == before[2]
    with pytest.raises(RecipeError, match="full commit hash"):
        key(dataset="a/b")


ALONE = {"responses": "alone"}
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
        ({"problem_id": "1", "responses": [{"role": "user", "content": "q"}]}, {}, "an assistant"),
        ({"problem_id": "1", "responses": [{"role": "x", "content": "q"}]}, {}, "a role of"),
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
        ("made.jsonl.gz", gzip.compress(b'{"problem_id": "0"}\n' * 999, mtime=0)[:-20], "row "),
        ("made.jsonl.gz", b"no gzip at all", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, data: Path, name: str, content: bytes, says: str
) -> None:
    (data / name).write_bytes(content)
    with pytest.raises(ImportedRowError, match=says):
        run(tmp_path, name)


def test_bad_rows_are_left_out_and_counted_where_the_file_is_known_to_have_some(
    tmp_path: Path, data: Path
) -> None:
    good = [json.dumps(one) for one in LISTS]
    lines = [
        b'{"problem_id": 1, "responses": [7]}',
        good[0].encode(),
        b'{"problem_id": 1, "responses": ["\xff"]}',
        b"no object",
        b'{"problem_id": 1}',
        good[0].encode(),
        good[2].encode(),
    ]
    (data / "made.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(ImportedRowError, match="row 1: expected texts"):
        run(tmp_path, "made.jsonl")
    skipping = ImportFile(source="sums", path="${RETORT_DATA}/made.jsonl", skip_bad=True)
    result = run_files(tmp_path, [skipping])
    assert [row["text"] for row in rows(tmp_path, result)] == ["a", "b", "c", "d", "e"]
    assert result.figures["bad_rows"] == 5
    assert (result.ledger.rows_in, result.ledger.rows_out) == (5, 5)
    told = (tmp_path / "out" / "bad_rows.txt").read_text().splitlines()
    assert [line.split("row ")[1][0] for line in told] == ["1", "3", "4", "5", "6"]
    assert "0xff" in told[1] and "each problem once" in told[4]


def test_rows_keep_their_numbers_where_a_line_before_them_is_left_out(
    tmp_path: Path, data: Path
) -> None:
    (data / "made.jsonl").write_text('{"responses": ["a"]}\n{\n{"responses": ["c"]}\n')
    file = ImportFile(source="sums", path="${RETORT_DATA}/made.jsonl", problem_id="", skip_bad=True)
    found = rows(tmp_path, run_files(tmp_path, [file]))
    assert [(row["problem_id"], row["text"]) for row in found] == [
        ("sums/0", "a"),
        ("sums/2", "c"),
    ]


def test_a_file_without_a_good_row_is_an_error_whatever_may_be_left_out(
    tmp_path: Path, data: Path
) -> None:
    jsonl(data / "made.jsonl", {"other": 1}, {"other": 2})
    file = ImportFile(source="sums", path="${RETORT_DATA}/made.jsonl", skip_bad=True)
    with pytest.raises(ImportedRowError, match=r"no row of .*made.jsonl can be read; the first"):
        run_files(tmp_path, [file])
