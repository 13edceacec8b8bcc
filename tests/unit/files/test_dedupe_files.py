"""factory.files.dedupe: what is written for files of every kind, and that it is whole or not."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factory.artifact import sole_writer
from factory.errors import Busy, InputFileError
from factory.executor import Executor
from factory.files.dedupe import Keep, dedupe
from schemas.shard_settings import NearDuplicates

WORDS = " ".join(f"word{number}" for number in range(60))
NEAR_WORDS = WORDS.replace("word30", "other")

ROWS = [
    {"id": "a", "text": WORDS, "n": 1},
    {"id": "b", "text": "something else, seen once", "n": 2},
    {"id": "c", "text": NEAR_WORDS + " end", "n": 3},
    {"id": "d", "text": "", "n": 4},
    {"id": "e", "text": "  " + WORDS.replace(" ", "\n\t") + "\n", "n": 5},
    {"id": "f", "text": " \n", "n": 6},
]


def write_lines(file: Path, rows: Sequence[Any]) -> Path:
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    file.write_bytes(gzip.compress(lines) if file.suffix == ".gz" else lines)
    return file


def write_any(file: Path, rows: Sequence[dict[str, Any]]) -> Path:
    if file.suffix != ".parquet":
        return write_lines(file, rows)
    pq.write_table(pa.Table.from_pylist(list(rows)), file, row_group_size=4)
    return file


def clusters(out: Path) -> list[tuple[Any, ...]]:
    table = pq.read_table(out / "clusters.parquet")
    assert table.column_names == ["id", "cluster_id", "kept", "similarity"]
    return [tuple(row.values()) for row in table.to_pylist()]


def kept(out: Path) -> list[dict[str, Any]]:
    return pq.read_table(out / "kept.parquet").to_pylist()


@pytest.mark.parametrize("name", ["in.jsonl", "in.jsonl.gz", "in.parquet"])
def test_each_kind_of_file_gives_the_same_rows_in_their_order(tmp_path: Path, name: str) -> None:
    file = write_any(tmp_path / name, ROWS)
    done = dedupe([file], tmp_path / "out")
    assert (done.rows, done.kept, done.clusters, done.bad) == (6, 3, 2, 0)
    assert kept(tmp_path / "out") == [ROWS[0], ROWS[1], ROWS[3]]
    similarity = (60 - 4 - 5) / (56 + 57 - 51)
    assert clusters(tmp_path / "out") == [
        ("a", "a", True, 1.0),
        ("b", None, True, None),
        ("c", "a", False, pytest.approx(similarity)),
        ("d", "d", True, 1.0),
        ("e", "a", False, 1.0),
        ("f", "d", False, 1.0),
    ]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"kept.parquet", "clusters.parquet"}


@pytest.mark.parametrize(
    ("keep", "survivors"), [("first", "abd"), ("shortest", "abd"), ("longest", "bef")]
)
def test_each_cluster_keeps_the_row_that_the_rule_names(
    tmp_path: Path, keep: Keep, survivors: str
) -> None:
    dedupe([write_lines(tmp_path / "in.jsonl", ROWS)], tmp_path / "out", keep=keep)
    assert "".join(row["id"] for row in kept(tmp_path / "out")) == survivors
    for name, cluster, stays, _ in clusters(tmp_path / "out"):
        assert stays == (cluster in (None, name))


def test_rows_that_differ_in_unicode_form_alone_are_exact_duplicates(tmp_path: Path) -> None:
    rows = [{"id": 1, "text": "café  au lait"}, {"id": 2, "text": "cafe\u0301 au lait"}]
    dedupe([write_lines(tmp_path / "in.jsonl", rows)], tmp_path / "out")
    assert clusters(tmp_path / "out") == [(1, "1", True, 1.0), (2, "1", False, 1.0)]
    assert pq.read_schema(tmp_path / "out" / "clusters.parquet").field("id").type == pa.int64()


def test_folders_and_several_files_are_one_input(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    write_any(folder / "2.parquet", ROWS[3:])
    write_any(folder / "1.jsonl", ROWS[1:3])
    (folder / "notes.txt").write_text("no input")
    done = dedupe([write_lines(tmp_path / "z.jsonl", ROWS[:1]), folder], tmp_path / "out")
    assert done.kept == 3
    assert [row["id"] for row in kept(tmp_path / "out")] == ["a", "b", "d"]


def test_options_decide_what_is_near(tmp_path: Path) -> None:
    rows = [{"key": 1, "body": "a b c d e f"}, {"key": 2, "body": "a b c d e f g"}]
    file = write_lines(tmp_path / "in.jsonl", rows)
    for threshold, words, left in ((0.8, 5, 2), (0.6, 5, 1), (0.8, 1, 1), (0.9, 1, 2)):
        done = dedupe(
            [file],
            tmp_path / "out",
            id_column="key",
            text_column="body",
            near=NearDuplicates(threshold=threshold, words=words),
        )
        assert done.kept == left


def test_columns_of_several_types_meet_and_those_that_cannot_become_text(tmp_path: Path) -> None:
    first = write_lines(
        tmp_path / "1.jsonl",
        [
            {"id": 1, "text": "one", "number": 1, "mixed": 5, "day": "2024-01-01 00:00:00"},
            {"id": 2, "text": "two", "number": 2.5, "mixed": "5", "none": {}},
            {"id": 3, "text": "three", "mixed": {"a": [1]}, "late": [{"x": None}]},
        ],
    )
    second = write_lines(
        tmp_path / "2.jsonl", [{"id": 4, "text": "four", "number": None, "late": [{"x": "y"}]}]
    )
    dedupe([first, second], tmp_path / "out")
    table = pq.read_table(tmp_path / "out" / "kept.parquet")
    assert table["number"].to_pylist() == [1.0, 2.5, None, None]
    assert table["mixed"].to_pylist() == ["5", "5", '{"a": [1]}', None]
    assert table["day"].to_pylist() == ["2024-01-01 00:00:00", None, None, None]
    assert table["none"].to_pylist() == [None, "{}", None, None]
    assert table["late"].to_pylist() == [None, None, [{"x": None}], [{"x": "y"}]]


def test_many_rows_in_many_pieces_and_processes_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("factory.files.table_files._PIECE_BYTES", 3000)
    rows = [
        {"id": number, "text": f"{WORDS} {number % 7} {'more words ' * (number % 40)}"}
        for number in range(60)
    ]
    file = write_lines(tmp_path / "in.jsonl", rows)
    dedupe([file], tmp_path / "many", executor=Executor(2))
    monkeypatch.undo()
    dedupe([file], tmp_path / "one")
    for name in ("kept.parquet", "clusters.parquet"):
        assert (tmp_path / "many" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    assert len(clusters(tmp_path / "one")) == 60


def test_an_empty_file_is_an_input_without_rows(tmp_path: Path) -> None:
    done = dedupe([write_lines(tmp_path / "in.jsonl", [])], tmp_path / "out")
    assert done.rows == done.kept == 0
    assert clusters(tmp_path / "out") == []
    assert kept(tmp_path / "out") == []


@pytest.mark.parametrize("name", ["in.parquet", "in.jsonl"])
def test_input_without_rows_gives_empty_tables_with_the_columns(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    if name == "in.parquet":
        pq.write_table(pa.table({"text": [], "id": [], "n": pa.array([], pa.int64())}), file)
    else:
        file.touch()
    assert dedupe([file], tmp_path / "out").rows == 0
    schema = pq.read_schema(tmp_path / "out" / "kept.parquet")
    assert {"id", "text"} <= set(schema.names)
    assert [schema.field(one).type for one in ("id", "text")] == [pa.string()] * 2
    assert clusters(tmp_path / "out") == []


def test_texts_of_every_arrow_type_are_read(tmp_path: Path) -> None:
    rows = ROWS[1:]
    texts = pa.array([row["text"] for row in ROWS]).slice(1)
    kinds = [
        *(pa.string(), pa.large_string(), pa.string_view()),
        *(pa.dictionary(pa.int32(), pa.string()), pa.dictionary(pa.int8(), pa.large_string())),
    ]
    files = [tmp_path / f"{number}.parquet" for number in range(len(kinds))]
    for number, (file, kind) in enumerate(zip(files, kinds, strict=True)):
        columns: dict[str, Any] = {
            "id": pa.array([f"{number}{row['id']}" for row in rows]).cast(pa.string_view()),
            "text": texts.dictionary_encode().cast(kind)
            if pa.types.is_dictionary(kind)
            else texts.cast(kind),
            "parts": pa.array([["x", None]] * 5, pa.list_(pa.string_view())),
            "made": pa.array([{"by": b"me"}] * 5, pa.struct([("by", pa.binary_view())])),
        }
        pq.write_table(pa.table(columns), file)
    done = dedupe(files, tmp_path / "out")
    assert (done.rows, done.clusters) == (25, 3)
    found = kept(tmp_path / "out")
    assert [row["id"] for row in found] == ["0b", "0c", "0d"]
    assert found[0]["parts"] == ["x", None] and found[0]["made"] == {"by": b"me"}


def test_an_old_result_stays_whole_until_the_new_one_is_finished(tmp_path: Path) -> None:
    out = tmp_path / "out"
    dedupe([write_lines(tmp_path / "in.jsonl", ROWS)], out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(InputFileError):
        dedupe([write_lines(tmp_path / "bad.jsonl", [*ROWS, {"id": "x"}])], out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_what_a_killed_run_left_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / "out" / ".dedupe-left"
    left.mkdir(parents=True)
    (left / "00000.arrow").write_bytes(b"half")
    dedupe([write_lines(tmp_path / "in.jsonl", ROWS)], tmp_path / "out")
    assert not left.exists()


def test_two_runs_cannot_write_to_one_folder(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "in.jsonl", ROWS)
    with sole_writer(tmp_path / "out"), pytest.raises(Busy):
        dedupe([file], tmp_path / "out")


def test_the_input_cannot_lie_where_the_output_goes(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "in.jsonl", ROWS)
    with pytest.raises(InputFileError, match="outside of the output's folder"):
        dedupe([file], tmp_path)


def test_a_file_cannot_be_the_folder_of_the_result(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "in.jsonl", ROWS)
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputFileError, match="expected a folder for the result"):
        dedupe([file], tmp_path / "out")
