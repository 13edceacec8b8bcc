"""Sources -> problems: every kind, and what is said about a row that is wrong."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factory.collect.rows import read_rows
from factory.collect.sources import iter_problems, read_source, sources_fingerprint
from factory.errors import RecipeError, SourceError
from schemas.collect_settings import Source
from schemas.problem import Domain, GraderName, Problem
from schemas.row_source_settings import Columns, FileSource, HubSource
from schemas.source_settings import (
    Gsm8kSource,
    HumanEvalSource,
    MathSource,
    MbppSource,
    ProceduralSource,
)


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def file_source(path: str, **fields: Any) -> FileSource:
    defaults: dict[str, Any] = {"name": "mine", "license": "MIT", "domain": Domain.MATH}
    defaults["grader"] = GraderName.MATH
    return FileSource(kind="file", path=f"${{RETORT_DATA}}/{path}", **{**defaults, **fields})


def problems(source: Source) -> list[Problem]:
    return list(iter_problems(source))


ROWS = [
    {"problem_id": "a", "problem": "1+1?", "gold": "2"},
    {"problem_id": 7, "problem": "2+2?", "gold": 4, "level": "easy"},
]


def test_gsm8k_gives_the_answer_after_its_mark(data: Path) -> None:
    source = Gsm8kSource(kind="gsm8k", name="g", path="${RETORT_DATA}/gsm8k/test.jsonl")
    found = problems(source)
    assert len(found) == 1319
    assert (found[0].problem_id, found[0].gold, found[0].grader) == ("g/0", "18", GraderName.MATH)
    assert found[0].solution.endswith("#### 18")


def test_math_gives_the_last_box_with_level_and_kind(data: Path) -> None:
    source = MathSource(kind="math", name="m", path="${RETORT_DATA}/math/test.jsonl")
    found = problems(source)
    assert len(found) == 5000
    assert (found[0].problem_id, found[0].gold) == ("m/0", "2")
    assert (found[0].level, found[0].category) == ("Level 3", "Algebra")


def test_humaneval_gives_the_stub_and_tests_that_call_check(data: Path) -> None:
    path = "${RETORT_DATA}/humaneval/HumanEval.jsonl.gz"
    found = problems(HumanEvalSource(kind="humaneval", name="h", path=path))
    gold = json.loads(found[0].gold)
    assert len(found) == 164 and found[0].problem_id == "h/HumanEval/0"
    assert gold["kind"] == "asserts" and gold["entry_point"] == "has_close_elements"
    assert gold["code"].endswith("\ncheck(candidate)\n")
    assert "```python\nfrom typing import List" in found[0].statement
    assert "METADATA" not in found[0].statement and "for idx" not in found[0].statement
    compile(found[0].solution, "solution", "exec")
    uses_a_helper = json.loads(found[38].gold)["code"]
    assert uses_a_helper.startswith("def encode_cyclic(")
    assert "def decode_cyclic" not in uses_a_helper


def test_mbpp_names_the_function_by_its_first_test_alone(data: Path) -> None:
    found = problems(MbppSource(kind="mbpp", name="b", path="${RETORT_DATA}/mbpp/mbpp.jsonl"))
    gold = json.loads(found[0].gold)
    assert len(found) == 974 and found[0].problem_id == "b/1"
    assert gold["kind"] == "asserts" and "entry_point" not in gold
    assert gold["code"].count("assert ") == 3 and found[0].statement.count("assert ") == 1


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows.parquet"])
def test_a_file_of_ones_own_is_read_by_its_columns(folder: Path, name: str) -> None:
    rows = [{"q": "1+1?", "a": "2", "hard": "no"}, {"q": "2+2?", "a": "4", "hard": "yes"}]
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(rows), folder / name)
    elif name.endswith(".gz"):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / name).write_bytes(gzip.compress(lines.encode()))
    else:
        write(folder / name, rows)
    columns = Columns(statement="q", gold="a", level="hard")
    found = problems(file_source(name, columns=columns))
    assert [one.problem_id for one in found] == ["mine/0", "mine/1"]
    assert [(one.statement, one.gold, one.level) for one in found] == [
        ("1+1?", "2", "no"),
        ("2+2?", "4", "yes"),
    ]


def test_ids_and_whole_numbers_as_golds_are_taken_from_the_row(folder: Path) -> None:
    write(folder / "rows.jsonl", ROWS)
    found = problems(file_source("rows.jsonl"))
    assert [(one.problem_id, one.gold) for one in found] == [("mine/a", "2"), ("mine/7", "4")]


def test_a_folder_of_files_is_read_in_the_order_of_their_names(folder: Path) -> None:
    (folder / "many").mkdir()
    write(folder / "many" / "b.jsonl", [ROWS[1]])
    write(folder / "many" / "a.jsonl", [ROWS[0]])
    assert [one.problem_id for one in problems(file_source("many"))] == ["mine/a", "mine/7"]


def test_a_local_copy_of_a_hub_dataset_is_loaded_by_its_split(folder: Path) -> None:
    (folder / "set" / "data").mkdir(parents=True)
    table = pa.table({"problem": ["1+1?"], "gold": ["2"]})
    pq.write_table(table, folder / "set" / "data" / "train-00000-of-00001.parquet")
    source = HubSource(
        kind="hub",
        name="h",
        dataset="${RETORT_DATA}/set",
        revision="",
        license="MIT",
        domain=Domain.MATH,
        grader=GraderName.MATH,
    )
    found = problems(source)
    assert [(one.problem_id, one.statement, one.gold) for one in found] == [("h/0", "1+1?", "2")]
    with pytest.raises(SourceError, match="split 'test'"):
        problems(source.model_copy(update={"split": "test"}))


def test_a_hub_name_needs_its_revision() -> None:
    source = HubSource(
        kind="hub",
        name="h",
        dataset="someone/something",
        revision="",
        license="MIT",
        domain=Domain.MATH,
        grader=GraderName.MATH,
    )
    with pytest.raises(RecipeError, match="full commit hash"):
        sources_fingerprint([source])


def test_a_procedural_source_gives_as_many_as_asked_and_the_same_again() -> None:
    source = ProceduralSource(
        kind="procedural", name="p", family="arithmetic", split="train", count=12
    )
    assert len(problems(source)) == 12
    assert problems(source) == problems(source)


WRONG_ROWS: list[tuple[bytes, str]] = [
    (b'{"problem": "1+1?"}\n', r"row 1: expected column 'gold', found columns \['problem'\]"),
    (b'{"problem": "1+1?", "gold": null}\n', "row 1: expected column 'gold', found null"),
    (b'{"problem": 5, "gold": "2"}\n', "row 1: expected text in column 'problem', found int 5"),
    (b'{"problem": "a", "gold": "2"}\n{"problem": "b", "gold": [2]}\n', "row 2: .*list"),
    (b'{"problem": "a", "gold": true}\n', "row 1: .*bool"),
    (b'{"problem": "a", "gold": 0.5}\n', "row 1: .*float"),
    (b'{"problem": " ", "gold": "2"}\n', "row 1: expected a statement"),
    (b'{"problem": "a\\ud800", "gold": "2"}\n', "row 1: .*surrogate"),
    (b'{"problem": "a", "gold": "2"}\n\n{"problem": "\xff", "gold": "2"}\n', "row 3: .*0xff"),
    (b'{"problem": "a", "gold": "2"\n', "row 1: expected one JSON object per line"),
    (b"[1, 2]\n", "row 1: expected a JSON object, found list"),
    (b"[" * 100_000 + b"\n", "row 1: expected one JSON object per line"),
    (b'{"problem_id": [1], "problem": "a", "gold": "2"}\n', "row 1: expected an id"),
    (b'{"problem_id": "", "problem": "a", "gold": "2"}\n', "row 1: expected an id"),
]


@pytest.mark.parametrize(("content", "message"), WRONG_ROWS, ids=range(len(WRONG_ROWS)))
def test_a_wrong_row_is_named_with_its_file_and_number(
    folder: Path, content: bytes, message: str
) -> None:
    (folder / "rows.jsonl").write_bytes(content)
    with pytest.raises(SourceError, match=f"rows.jsonl, {message}"):
        problems(file_source("rows.jsonl"))


def test_an_id_that_comes_twice_is_an_error(folder: Path) -> None:
    write(folder / "rows.jsonl", [ROWS[0], ROWS[0]])
    with pytest.raises(SourceError, match=r"'mine/a' twice"):
        read_source(file_source("rows.jsonl"), seed=0)


def test_golds_of_choices_and_of_code_must_have_their_form(folder: Path) -> None:
    write(folder / "rows.jsonl", [{"problem": "Which?", "gold": "Z"}])
    with pytest.raises(SourceError, match="one letter from A to J"):
        problems(file_source("rows.jsonl", grader=GraderName.CHOICE))
    with pytest.raises(SourceError, match="JSON of tests"):
        problems(file_source("rows.jsonl", grader=GraderName.CODE))
    write(folder / "rows.jsonl", [{"problem": "Which?", "gold": {"kind": "asserts", "code": "x"}}])
    found = problems(file_source("rows.jsonl", grader=GraderName.CODE))
    assert found[0].gold == '{"code":"x","kind":"asserts"}'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.parquet", b"no parquet"),
        ("rows.jsonl.gz", b"no gzip"),
        ("rows.jsonl.gz", gzip.compress(b'{"problem": "a"}\n' * 1000, mtime=0)[:-20]),
        ("rows.csv", b"a,b\n"),
    ],
)
def test_a_file_that_is_no_such_file_is_named(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(SourceError, match=name):
        list(read_rows(folder / name))


def test_a_limit_takes_the_first_of_a_seeded_shuffle_in_the_order_of_the_source(
    folder: Path,
) -> None:
    write(folder / "rows.jsonl", [{"problem": f"{n}?", "gold": str(n)} for n in range(50)])
    few = read_source(file_source("rows.jsonl", limit=5), seed=1)
    more = read_source(file_source("rows.jsonl", limit=10), seed=1)
    other = read_source(file_source("rows.jsonl", limit=5), seed=2)
    ids = [int(one.problem_id.removeprefix("mine/")) for one in few.problems]
    assert len(ids) == 5 and ids == sorted(ids) and len(few.beyond_limit) == 45
    assert {one.problem_id for one in few.problems} < {one.problem_id for one in more.problems}
    assert few.problems != other.problems
    assert read_source(file_source("rows.jsonl", limit=5), seed=1) == few


def test_a_fingerprint_follows_the_bytes_and_not_the_name(folder: Path) -> None:
    write(folder / "rows.jsonl", ROWS)
    before = sources_fingerprint([file_source("rows.jsonl")])
    write(folder / "rows.jsonl", ROWS[:1])
    after = sources_fingerprint([file_source("rows.jsonl")])
    assert list(before) == ["mine"] and before != after


def test_a_path_that_is_not_there_is_a_wrong_recipe(folder: Path) -> None:
    with pytest.raises(RecipeError, match="source mine"):
        problems(file_source("nowhere.jsonl"))
