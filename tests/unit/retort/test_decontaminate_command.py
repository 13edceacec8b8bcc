"""retort decontaminate: the command, from its arguments to what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from retort.command import main

STORY = "A train leaves the old station at noon and travels north at sixty miles per hour for two"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    rows = [(1, f"so {STORY}"), (2, "another one"), (3, "What is nine times seven, friend?")]
    lines = [json.dumps({"key": key, "body": text, "more": None}) for key, text in rows]
    file = tmp_path / "in.jsonl"
    file.write_text("\n".join([*lines[:2], lines[2].replace("null", '"x"'), "no row"]))
    return file


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    file = tmp_path / "bench.jsonl"
    row = {"q": f"{STORY} hours.", "a": "What is nine times seven, friend?", "body": STORY}
    file.write_text(json.dumps(row) + "\n")
    return file


def test_it_compares_files_and_says_how_many_rows_overlap(
    texts: Path, benchmark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    options = ["--id", "key", "--field", "body", "--field", "more", "--workers", "1"]
    against = ["--against", f"bench={benchmark}:q,a", "--against", f"second={benchmark}"]
    benchmark.write_text(benchmark.read_text().replace('"body"', '"more": "x", "body"'))
    assert main(["decontaminate", str(texts), "--out", str(out), *options, *against]) == 1
    assert f"InputFileError: {texts}, row 4: expected one JSON" in capsys.readouterr().err
    command = ["decontaminate", str(texts), "--out", str(out), *options, *against, "--skip-bad"]
    assert main(command) == 0
    said = capsys.readouterr().err
    assert f"{out}: 2 of 3 rows overlap (2 bench); the others are kept" in said
    assert f"1 rows were wrong and left out; {out / 'bad_rows.jsonl'} says why" in said
    assert pq.read_table(out / "kept.parquet")["key"].to_pylist() == [2]
    assert pq.read_table(out / "contaminated.parquet").column_names == [
        *("id", "field", "benchmark", "item", "rule", "span")
    ]
    assert main([*command, "--mark", "--words", "20", "--share", "1"]) == 0
    assert (
        f"{out}: 2 of 3 rows overlap (1 bench, 1 second); all are kept" in capsys.readouterr().err
    )


def test_the_benchmarks_of_a_recipe_can_be_taken(
    texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, benchmark: Path
) -> None:
    monkeypatch.setenv("RETORT_DATA", str(tmp_path))
    recipe = tmp_path / "recipe.toml"
    source = (
        '{ kind = "procedural", name = "p", family = "arithmetic", split = "train", count = 3 }'
    )
    recipe.write_text(
        f"""
        name = "r"
        [collect]
        sources = [{source}]
        benchmarks = [{{ name = "bench", path = "${{RETORT_DATA}}/bench.jsonl", columns = ["q"] }}]
        [generate.teacher]
        engine = "vllm"
        model = "embedded:teacher"
        max_model_len = 64
        [generate.sampling]
        max_tokens = 32
        [shard]
        name = "r"
        version = "1.0.0"
        """
    )
    texts.write_text(texts.read_text().removesuffix("no row"))
    command = ["decontaminate", str(texts), "--out", str(tmp_path / "out"), "--id", "key"]
    assert main([*command, "--field", "body", "--recipe", str(recipe), "--workers", "1"]) == 0
    rows = pq.read_table(tmp_path / "out" / "contaminated.parquet").to_pylist()
    assert [(row["id"], row["benchmark"], row["item"]) for row in rows] == [(1, "bench", "0")]


@pytest.mark.parametrize(
    ("against", "says"),
    [
        ("bench={folder}/nothing.jsonl", "expected a file or folder at"),
        ("bench={folder}/bench.jsonl:q,b", "row 1: expected a value in column 'b'"),
        ("bench={folder}/in.jsonl:key", "row 1: expected text in column 'key', found 1"),
        ("bench={folder}/in.jsonl:body", "row 4: expected one JSON object"),
        ("bench={folder}/empty.jsonl:body", "expected texts in the columns"),
    ],
)
def test_a_wrong_benchmark_is_named(
    against: str,
    says: str,
    texts: Path,
    benchmark: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty.jsonl").write_text('{"body": " "}\n')
    given = against.format(folder=tmp_path)
    command = ["decontaminate", str(texts), "--out", str(tmp_path / "out"), "--against", given]
    assert main(command) == 1
    said = capsys.readouterr().err
    assert "InputFileError: " in said and says in said


def test_nothing_to_compare_with_is_an_error(
    texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["decontaminate", str(texts), "--out", str(tmp_path / "out")]) == 1
    assert "expected --against NAME=PATH or --recipe" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [["--words", "7"], ["--share", "0"], ["--workers", "0"], ["--against", "Bad Name=x"]],
)
def test_options_out_of_bounds_are_refused(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["decontaminate", "in.jsonl", "--out", str(tmp_path), *options])
    assert left.value.code == 2
    assert "expected " in capsys.readouterr().err
