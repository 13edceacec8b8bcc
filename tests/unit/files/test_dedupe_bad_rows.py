"""factory.files.dedupe: what is wrong is named with file and row, and can be left out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factory.errors import InputFileError
from factory.files.dedupe import dedupe

GOOD = b'{"id": 1, "text": "one"}\n'

BAD_LINES = {
    "not UTF-8": (
        b'{"id": 2, "text": "caf\xe9"}\n',
        "found byte 0xe9 at column 23",
    ),
    "not JSON": (b'{"id": 2, "text": "tw\n', "expected one JSON object per line"),
    "two on a line": (b'{"id": 2, "text": "t"} {"id": 3, "text": "u"}\n', "Extra data"),
    "a list": (b'["id", "text"]\n', "expected a JSON object, found list"),
    "no text": (b'{"id": 2, "body": "two"}\n', r"expected a column `text`, found \['body', 'id'\]"),
    "no id": (b'{"text": "two"}\n', "expected a column `id`"),
    "a null id": (b'{"id": null, "text": "two"}\n', "expected a text or an integer as `id`"),
    "an id that is a float": (b'{"id": 2.5, "text": "two"}\n', "integer as `id`, found 2.5"),
    "a large id": (b'{"id": 92233720368547758080, "text": "two"}\n', "an integer of 64 bits"),
    "a null text": (b'{"id": 2, "text": null}\n', "expected a text in `text`, found None"),
    "a list as text": (b'{"id": 2, "text": ["two"]}\n', "expected a text in `text`, found"),
    "half a pair": (b'{"id": 2, "text": "t", "x": "\\ud800"}\n', "surrogate pair"),
    "a key twice": (b'{"id": 2, "text": "t", "x": 1, "x": 2}\n', "specified twice"),
    "the id again": (
        b'{"id": 1, "text": "two"}\n',
        "an id that no other row has, found 1",
    ),
}


@pytest.mark.parametrize("case", BAD_LINES)
def test_a_wrong_line_is_named_and_can_be_left_out(tmp_path: Path, case: str) -> None:
    line, what = BAD_LINES[case]
    file = tmp_path / "in.jsonl"
    file.write_bytes(GOOD + b"\n" + line + b'{"id": 9, "text": "nine"}')
    with pytest.raises(InputFileError, match=what) as error:
        dedupe([file], tmp_path / "out")
    assert f"{file}, row 3: " in str(error.value)
    assert "--skip-bad" in str(error.value)
    done = dedupe([file], tmp_path / "out", skip_bad=True)
    assert (done.rows, done.bad) == (2, 1)
    (bad,) = bad_rows(tmp_path / "out")
    assert (bad["file"], bad["row"]) == (str(file), 3)
    assert pq.read_table(tmp_path / "out" / "clusters.parquet")["id"].to_pylist() == [1, 9]


def bad_rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "bad_rows.jsonl").read_text().splitlines()]


def ids_of(out: Path) -> list[int]:
    return pq.read_table(out / "clusters.parquet")["id"].to_pylist()


def test_rows_are_numbered_over_pieces_and_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("factory.files.table_files._PIECE_BYTES", 500)
    monkeypatch.setattr("factory.files.line_tables._BATCH_BYTES", 200)
    lines = [json.dumps({"id": number, "text": f"text {number}"}) for number in range(100)]
    lines[41] = "{}"
    lines[77] = lines[3]
    file = tmp_path / "in.jsonl"
    file.write_text("\n".join(lines))
    with pytest.raises(InputFileError, match="row 42: expected a column `id`"):
        dedupe([file], tmp_path / "out")
    dedupe([file], tmp_path / "out", skip_bad=True)
    rows = bad_rows(tmp_path / "out")
    assert [row["row"] for row in rows] == [42, 78]
    assert rows[1]["what"].endswith(f"found 3 again, first in {file}, row 4")


def test_a_duplicate_id_is_found_across_files(tmp_path: Path) -> None:
    one, other = tmp_path / "1.jsonl", tmp_path / "2.parquet"
    one.write_bytes(GOOD)
    pq.write_table(pa.table({"id": [5, 1], "text": ["five", "one"]}), other)
    with pytest.raises(InputFileError, match=f"{other}, row 2: .* first in {one}, row 1"):
        dedupe([one, other], tmp_path / "out")


def test_ids_of_two_kinds_are_refused(tmp_path: Path) -> None:
    one, other = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    one.write_bytes(GOOD)
    other.write_text('{"id": "2", "text": "two"}\n')
    with pytest.raises(InputFileError, match="ids of one kind"):
        dedupe([one, other], tmp_path / "out", skip_bad=True)


def test_nulls_and_broken_texts_of_parquet_are_named_by_row(tmp_path: Path) -> None:
    broken = pa.array([b"fine", b"caf\xe9 au lait", b"x", b"y"]).cast(pa.binary()).view(pa.string())
    table = pa.table({"id": pa.array(["a", "b", None, "d"]), "text": broken, "n": [1, 2, 3, 4]})
    file = tmp_path / "in.parquet"
    pq.write_table(table, file)
    with pytest.raises(InputFileError, match="row 2: expected UTF-8 in `text`, found byte 0xe9"):
        dedupe([file], tmp_path / "out")
    done = dedupe([file], tmp_path / "out", skip_bad=True)
    assert (done.rows, done.bad) == (2, 2)
    assert [row["row"] for row in bad_rows(tmp_path / "out")] == [2, 3]
    assert pq.read_table(tmp_path / "out" / "kept.parquet")["n"].to_pylist() == [1, 4]


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ({"id": [1], "body": ["x"]}, r"expected a column `text`, found \['id', 'body'\]"),
        ({"id": [1], "text": [5]}, "expected texts in column `text`, found int64"),
        ({"id": [1.5], "text": ["x"]}, "expected texts or integers in column `id`, found double"),
    ],
)
def test_a_parquet_file_without_the_columns_is_named_and_left_out_whole(
    tmp_path: Path, table: dict[str, list[Any]], what: str
) -> None:
    file, good = tmp_path / "1.parquet", tmp_path / "2.jsonl"
    good.write_bytes(GOOD)
    pq.write_table(pa.table(table), file)
    with pytest.raises(InputFileError, match=what):
        dedupe([file, good], tmp_path / "out")
    done = dedupe([file, good], tmp_path / "out", skip_bad=True)
    assert (done.rows, done.bad) == (1, 1)
    assert bad_rows(tmp_path / "out")[0]["row"] is None


def test_corrupt_files_are_named_and_what_is_whole_before_is_kept(tmp_path: Path) -> None:
    files = [tmp_path / "1.parquet", tmp_path / "2.jsonl.gz", tmp_path / "3.jsonl"]
    files[0].write_bytes(b"PAR1 nothing PAR1")
    lines = b"".join(b'{"id": %d, "text": "t%d"}\n' % (n, n * n) for n in range(9, 20_000))
    files[1].write_bytes(gzip.compress(lines)[:-3000])
    files[2].write_bytes(GOOD)
    for file in files[:2]:
        with pytest.raises(InputFileError, match=f"{file}.*cannot be read"):
            dedupe([file], tmp_path / "out")
    done = dedupe(files, tmp_path / "out", skip_bad=True)
    assert done.bad == 2
    assert done.rows >= 1
    assert [row["file"] for row in bad_rows(tmp_path / "out")] == [str(file) for file in files[:2]]


def test_a_corrupt_page_of_parquet_is_named(tmp_path: Path) -> None:
    file = tmp_path / "in.parquet"
    table = pa.table({"id": range(1000), "text": [f"text {number}" for number in range(1000)]})
    pq.write_table(table, file, compression="zstd", use_dictionary=False, row_group_size=250)
    text = pq.read_metadata(file).row_group(2).column(1)
    content = bytearray(file.read_bytes())
    content[text.data_page_offset + 60 : text.data_page_offset + 100] = bytes(40)
    file.write_bytes(content)
    with pytest.raises(InputFileError, match=f"{file}, row 501: 250 rows of a row group cannot"):
        dedupe([file], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    done = dedupe([file], tmp_path / "out", skip_bad=True)
    assert (done.rows, done.bad) == (750, 250)
    assert [row["row"] for row in bad_rows(tmp_path / "out")] == [501]
    assert ids_of(tmp_path / "out") == [*range(500), *range(750, 1000)]


@pytest.mark.parametrize("name", ["nothing.jsonl", "in.csv", "empty"])
def test_a_path_that_is_no_input_is_refused_before_anything_is_made(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "in.csv").write_text("id,text\n")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputFileError, match=name):
        dedupe([tmp_path / name], tmp_path / "out", skip_bad=True)
    assert not (tmp_path / "out").exists()


def test_a_mark_at_the_beginning_and_windows_line_ends_are_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n") + b'{"id": 2, "text": "b"}\r\n')
    assert dedupe([file], tmp_path / "out").rows == 2


def test_an_old_list_of_bad_rows_goes_with_the_result_it_belongs_to(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_bytes(GOOD + b"{}\n")
    dedupe([file], tmp_path / "out", skip_bad=True)
    assert (tmp_path / "out" / "bad_rows.jsonl").exists()
    file.write_bytes(GOOD)
    dedupe([file], tmp_path / "out", skip_bad=True)
    assert not (tmp_path / "out" / "bad_rows.jsonl").exists()
