"""retort dedupe: the command, from its arguments to what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from retort.command import main


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    file = tmp_path / "in.jsonl"
    rows = [(1, "the same text"), (2, "the  same text"), (3, "another one"), (4, None)]
    file.write_text("".join(json.dumps({"key": key, "body": text}) + "\n" for key, text in rows))
    return file


def test_it_dedupes_files_and_says_how_many_rows_are_left(
    lines: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    options = ["--id", "key", "--field", "body", "--keep", "longest", "--workers", "1"]
    assert main(["dedupe", str(lines), "--out", str(out), *options, "--skip-bad"]) == 0
    said = capsys.readouterr().err
    assert f"{out}: 2 of 3 rows kept; 1 are duplicates, in 1 clusters" in said
    assert f"1 rows were wrong and left out; {out / 'bad_rows.jsonl'} says why" in said
    assert pq.read_table(out / "kept.parquet")["key"].to_pylist() == [2, 3]


def test_a_wrong_row_ends_it_with_the_row_named(
    lines: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["dedupe", str(lines), "--out", str(out), "--id", "key", "--field", "body"]) == 1
    assert f"InputFileError: {lines}, row 4: expected a text" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    "options", [["--threshold", "0.1"], ["--threshold", "x"], ["--words", "0"], ["--workers", "0"]]
)
def test_options_out_of_bounds_are_refused(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["dedupe", "in.jsonl", "--out", str(tmp_path), *options])
    assert left.value.code == 2
    assert "expected a number" in capsys.readouterr().err
