"""factory.files.decontaminate: what is kept, what is told apart, what is wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factory.errors import InputFileError
from factory.executor import Executor
from factory.files.decontaminate import Decontaminated, decontaminate
from factory.overlap.benchmark_index import BenchmarkIndex
from schemas.collect_settings import Overlap

STORY = "A train leaves the old station at noon and travels north at sixty miles per hour for two"
SHORT = "How many vertical lines has it?"
Row = dict[str, Any]


def index() -> BenchmarkIndex:
    made = BenchmarkIndex(Overlap())
    made.add("stories", [("s1", f"{STORY} hours.")])
    made.add("short", [("q7", SHORT)])
    return made


def lines(file: Path, rows: Sequence[Row]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def run(file: Path, out: Path, **options: Any) -> Decontaminated:
    return decontaminate([file], out, index(), **options)


def table(out: Path, name: str) -> list[Row]:
    return pq.read_table(out / f"{name}.parquet").to_pylist()


ROWS: Sequence[Row] = [
    {"id": 1, "text": f"Say: {STORY.upper()}!", "level": 3, "answer": "two hours"},
    {"id": 2, "text": "something else", "level": 1, "answer": f"{SHORT} And {STORY}"},
    {"id": 3, "text": "nothing at all", "level": 2, "answer": None},
    {"id": 4, "text": "how many vertical lines has it", "level": 9, "answer": SHORT},
]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_rows_that_overlap_are_told_apart_with_their_evidence(tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"in.{kind}"
    if kind == "jsonl":
        lines(file, ROWS)
    else:
        pq.write_table(pa.Table.from_pylist(list(ROWS)), file)
    done = run(file, tmp_path / "out", fields=["text", "answer"])
    assert done == Decontaminated(4, 3, {"short": 2, "stories": 1}, 0)
    assert table(tmp_path / "out", "kept") == [ROWS[2]]
    rows = table(tmp_path / "out", "contaminated")
    assert [(row["id"], row["field"], row["item"], row["rule"]) for row in rows] == [
        (1, "text", "s1", "words"),
        (2, "answer", "q7", "whole"),
        (4, "text", "q7", "whole"),
        (4, "answer", "q7", "whole"),
    ]
    assert rows[0]["benchmark"] == "stories"
    assert rows[0]["span"] == " ".join(STORY.upper().split()[:13])
    assert done.rows == done.contaminated + len(table(tmp_path / "out", "kept"))


def test_only_the_named_fields_are_compared(tmp_path: Path) -> None:
    run(lines(tmp_path / "in.jsonl", ROWS), tmp_path / "out")
    assert [row["id"] for row in table(tmp_path / "out", "kept")] == [2, 3]


def test_marked_rows_are_all_kept_in_order(tmp_path: Path) -> None:
    file = lines(tmp_path / "in.jsonl", [row | {"contamination": 7} for row in ROWS])
    run(file, tmp_path / "out", mark=True, fields=["text", "answer"])
    kept = table(tmp_path / "out", "kept")
    assert [row["id"] for row in kept] == [1, 2, 3, 4]
    assert kept[2]["contamination"] is None
    evidence = json.loads(kept[3]["contamination"])
    assert evidence["item"] == "q7" and evidence["span"] == "how many vertical lines has it"


def test_pieces_and_workers_do_not_change_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"id": f"r{at}", "text": STORY if at % 7 == 3 else f"text {at}"} for at in range(200)]
    file = lines(tmp_path / "in.jsonl", rows)
    run(file, tmp_path / "one")
    monkeypatch.setattr("factory.files.table_files._PIECE_BYTES", 900)
    monkeypatch.setattr("factory.files.line_tables._BATCH_BYTES", 300)
    run(file, tmp_path / "many", executor=Executor(2))
    for name in ("kept", "contaminated"):
        assert table(tmp_path / "one", name) == table(tmp_path / "many", name)
    assert len(table(tmp_path / "one", "kept")) == 171


BAD: dict[str, tuple[Row, str]] = {
    "no text": ({"id": 5, "answer": "x"}, "expected a column `text`"),
    "another type": ({"id": 5, "text": 7, "answer": "x"}, "expected a text in `text`"),
    "an id again": ({"id": 1, "text": "t", "answer": "x"}, "an id that no other row has"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_row_is_named_and_can_be_left_out(tmp_path: Path, case: str) -> None:
    row, what = BAD[case]
    file, out = lines(tmp_path / "in.jsonl", [*ROWS, row, {"id": 6, "text": "t"}]), tmp_path / "out"
    with pytest.raises(InputFileError, match=what) as error:
        run(file, out)
    assert f"{file}, row 5: " in str(error.value) and "--skip-bad" in str(error.value)
    assert not out.exists()
    done = run(file, out, skip_bad=True)
    assert (done.rows, done.bad) == (5, 1)
    (bad,) = [json.loads(line) for line in (out / "bad_rows.jsonl").read_text().splitlines()]
    assert bad["row"] == 5
    run(lines(file, ROWS), out)
    assert not (out / "bad_rows.jsonl").exists()


def test_further_fields_hold_texts_or_nothing(tmp_path: Path) -> None:
    rows = [*ROWS, {"id": 5, "text": "t", "answer": "x"}]
    columns = pa.Table.from_pylist(rows)
    broken = pa.array([b"ok", b"\xff\xfe", None, b"ok", b"ok"]).view(pa.string())
    for name, column, what in (
        ("a", pa.array([1, None, 3, 4, 5]), r"row 1: expected a text or null in `more`, found 1"),
        ("b", broken, "row 2: expected a text or null in `more`, found bytes that are not UTF-8"),
    ):
        file = tmp_path / f"{name}.parquet"
        pq.write_table(columns.append_column("more", column), file)
        with pytest.raises(InputFileError, match=what):
            run(file, tmp_path / name, fields=["text", "more"])
    assert run(file, tmp_path / "b", fields=["text", "more"], skip_bad=True).bad == 1
    with pytest.raises(InputFileError, match=r"b\.parquet: expected a column `anser`"):
        run(file, tmp_path / "b", fields=["text", "anser"])


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    whole = tmp_path / "whole.parquet"
    pq.write_table(pa.Table.from_pylist(list(ROWS)), whole)
    torn = tmp_path / "torn.parquet"
    torn.write_bytes(whole.read_bytes()[:-40])
    with pytest.raises(InputFileError, match=r"torn\.parquet: cannot be read"):
        run(torn, tmp_path / "out")
    with pytest.raises(InputFileError, match="outside of the output's folder"):
        run(whole, tmp_path)
    with pytest.raises(InputFileError, match="expected a file or a folder"):
        run(tmp_path / "nothing.jsonl", tmp_path / "out")


def test_a_file_cannot_be_the_folder_of_the_result(tmp_path: Path) -> None:
    file, out = lines(tmp_path / "in.jsonl", ROWS), tmp_path / "out"
    out.write_text("mine")
    with pytest.raises(InputFileError, match="expected a folder for the result, found a file"):
        run(file, out)
    assert out.read_text() == "mine"


def test_input_without_rows_gives_empty_tables_with_the_columns(tmp_path: Path) -> None:
    file = tmp_path / "in.parquet"
    pq.write_table(pa.table({"id": [], "text": [], "answer": []}), file)
    assert run(file, tmp_path / "out").rows == 0
    assert {"id", "text"} <= set(pq.read_schema(tmp_path / "out" / "kept.parquet").names)
