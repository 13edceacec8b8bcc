"""Rows that a source leaves out: of other kinds, and bad ones where the recipe says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from factory.collect.sources import iter_problems, read_source
from factory.collect.stage import REJECTED, collect_problems
from factory.errors import SourceError
from factory.parts import read_part
from schemas.arrow import PROBLEM
from schemas.collect_settings import Source
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.problem import Problem
from schemas.row_source_settings import FileSource, HubSource, SftSource
from schemas.sample import Drop
from tests.unit.collect.local_sets import hub, jsonl_set, problems, sft


def source(folder: Path, rows: list[dict[str, Any]], **fields: Any) -> FileSource:
    jsonl_set(folder / "rows", rows)
    return file_source(**fields)


def file_source(**fields: Any) -> FileSource:
    defaults = {"license": "MIT", "domain": "math", "grader": "math"}
    place = {"kind": "file", "name": "rows", "path": "${RETORT_DATA}/rows"}
    return FileSource.model_validate({**place, **defaults, **fields})


@pytest.mark.parametrize(
    ("grader", "gold", "expected"),
    [
        ("text", ["yes", " Yes ", ""], "yes ||| Yes"),
        ("math", ["2"], "2"),
        ("number", ["3.5", "3.5"], "3.5"),
        ("exact", ["a_b"], "a_b"),
        ("choice", ["(B)"], "(B)"),
        ("judge", ["one", "two"], "one ||| two"),
        ("judge", None, ""),
        ("judge", [], ""),
        ("majority", None, ""),
        ("format", None, ""),
    ],
)
def test_golds_may_be_lists_or_missing_where_the_grader_allows_it(
    folder: Path, grader: str, gold: Any, expected: str
) -> None:
    (found,) = iter_problems(source(folder, [{"problem": "Q?", "gold": gold}], grader=grader))
    assert found.gold == expected


@pytest.mark.parametrize(
    ("grader", "gold", "says"),
    [
        ("math", ["1", "2"], "one answer in the list"),
        ("number", [], "one answer in the list"),
        ("exact", ["", " "], "one answer in the list"),
        ("text", [], "at least one answer in the list"),
        ("text", ["a", 1], "a gold answer as text"),
        ("text", ["a", "b ||| c"], r"without the sign \|\|\|"),
        ("text", None, "found null"),
        ("math", None, "found null"),
        ("language", ["ko"], "a gold answer as text"),
    ],
)
def test_other_lists_and_missing_golds_are_wrong(
    folder: Path, grader: str, gold: Any, says: str
) -> None:
    with pytest.raises(SourceError, match=says):
        list(iter_problems(source(folder, [{"problem": "Q?", "gold": gold}], grader=grader)))


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ([{"role": "tool", "content": "x"}], "a role of"),
        ([{"role": "user", "content": None}], "text in turn 1"),
        ([{"role": "assistant", "content": "x"}], "a user turn with text"),
        ([{"role": "user", "content": " "}], "a user turn with text"),
        ([{"role": "user", "content": "\ud800"}], "surrogate"),
        ([1, 2], "expected text"),
        ([], "expected text"),
        ("  ", "a statement"),
    ],
)
def test_a_prompt_that_is_none_is_wrong(folder: Path, prompt: Any, says: str) -> None:
    (folder / "rows").mkdir()
    row = json.dumps({"problem": prompt, "gold": "2"})  # with half a surrogate pair escaped
    (folder / "rows" / "train.jsonl").write_text(f"{row}\n", encoding="utf-8")
    with pytest.raises(SourceError, match=says):
        list(iter_problems(file_source()))


def test_the_turns_before_the_last_question_are_its_history(folder: Path) -> None:
    turns = [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "Two?"},
        {"role": "assistant", "content": "left out"},
    ]
    (found,) = iter_problems(source(folder, [{"problem": turns, "gold": "2"}]))
    assert found.statement == "Two?"
    assert [(turn.role, turn.content) for turn in found.history] == [
        ("system", "S"),
        ("user", "One?"),
        ("assistant", "1"),
    ]


ROWS = [
    {"problem_id": "a", "problem": "1?", "gold": "1", "kind": "x"},
    {"problem_id": "b", "problem": "2?", "gold": None, "kind": "x"},
    {"problem_id": "c", "problem": "3?", "gold": "3", "kind": "y"},
    {"problem_id": "a", "problem": "4?", "gold": "4", "kind": "x"},
    {"problem_id": None, "problem": "5?", "gold": "5", "kind": "x"},
]


def test_bad_rows_are_counted_only_where_the_source_says_so(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"row 2: expected column 'gold', found null"):
        read_source(source(folder, ROWS), seed=0)
    reading = read_source(source(folder, ROWS, skip_bad=True, where={"kind": ["x"]}), seed=0)
    assert [one.problem_id for one in reading.problems] == ["rows/a"]
    assert [(one.problem_id, one.reason) for one in reading.rejected] == [
        ("rows/b", Drop.BAD_ROW),
        ("rows/c", Drop.OTHER_KIND),
        ("rows/a", Drop.BAD_ROW),
        ("rows/4", Drop.BAD_ROW),
    ]
    assert "row 2: expected column 'gold', found null" in reading.rejected[0].detail
    assert reading.rejected[2].detail == "the id 'rows/a' came before"


def test_a_line_that_is_no_row_is_left_out_and_the_others_keep_their_numbers(folder: Path) -> None:
    (folder / "rows.jsonl").write_bytes(
        b'{"problem": "1 + 1?", "gold": "2"}\n'
        b'{"problem": "\xff"}\n'
        b'{"problem": "2 + 2?", "gold": "4"}\n'
    )
    place = {"name": "rows", "kind": "file", "path": "${RETORT_DATA}/rows.jsonl", "license": "MIT"}
    one = FileSource.model_validate(place | {"domain": "math", "grader": "math"})
    with pytest.raises(SourceError, match=r"rows.jsonl, row 2: expected UTF-8, found byte 0xff"):
        read_source(one, seed=0)
    reading = read_source(one.model_copy(update={"skip_bad": True}), seed=0)
    assert [problem.problem_id for problem in reading.problems] == ["rows/0", "rows/2"]
    assert [(row.problem_id, row.reason) for row in reading.rejected] == [("rows/1", Drop.BAD_ROW)]


def test_a_row_of_parquet_or_of_the_hub_that_is_no_utf_8_is_named_or_left_out(folder: Path) -> None:
    texts = pa.array([b"1 + 1?", b"caf\xff", b"2 + 2?"], pa.binary()).view(pa.string())
    table = pa.table({"problem": texts, "gold": ["2", "3", "4"]})
    (folder / "rows" / "data").mkdir(parents=True)
    pq.write_table(table, folder / "rows" / "data" / "train-00000-of-00001.parquet")
    shared = {"name": "rows", "license": "MIT", "domain": "math", "grader": "math"}
    place = {"kind": "file", "path": "${RETORT_DATA}/rows/data"}
    named = {"kind": "hub", "dataset": "${RETORT_DATA}/rows", "revision": ""}
    for one in (
        FileSource.model_validate(shared | place),
        HubSource.model_validate(shared | named),
    ):
        with pytest.raises(
            SourceError, match=r"row 2: expected UTF-8 in column 'problem', .* 0xff"
        ):
            read_source(one, seed=0)
        reading = read_source(one.model_copy(update={"skip_bad": True}), seed=0)
        assert [(found.problem_id, found.gold) for found in reading.problems] == [
            ("rows/0", "2"),
            ("rows/2", "4"),
        ]
        assert [row.problem_id for row in reading.rejected] == ["rows/1"]


def test_a_source_of_bad_rows_alone_is_an_error(folder: Path) -> None:
    bad = source(folder, ROWS, skip_bad=True, columns={"gold": "answer"})
    with pytest.raises(SourceError, match=r"found none and 5 bad ones; the first: .* 'answer'"):
        read_source(bad, seed=0)


def test_where_compares_values_with_their_types_and_needs_its_column(folder: Path) -> None:
    rows = [
        {"problem": f"{at}?", "gold": "1", "meta": {"ok": value}}
        for at, value in enumerate([True, 1, "true", None, False])
    ]
    found = iter_problems(source(folder, rows, where={"meta.ok": [True]}))
    assert [one.problem_id for one in found] == ["rows/0"]
    with pytest.raises(SourceError, match=r"expected column .meta\.good."):
        list(iter_problems(source(folder, rows, where={"meta.good": [True]}, skip_bad=True)))


def test_a_where_that_takes_no_row_is_an_error_with_what_it_found(folder: Path) -> None:
    rows = [{"problem": f"{at}?", "gold": "1", "level": float(at)} for at in range(3)]
    with pytest.raises(SourceError, match=r"found none of 3; the first is .*row 1: level is 0\.0"):
        read_source(source(folder, rows, where={"level": [0, 1]}), seed=0)


@pytest.mark.parametrize(
    ("turns", "says"),
    [
        ([{"role": "user", "content": "Q"}], "an assistant turn at the end"),
        ([{"role": "assistant", "content": "A"}], "text of the user in turn 1"),
        (
            [{"role": "user", "content": "Q"}, {"role": "user", "content": "Q"}],
            "text of the assistant in turn 2",
        ),
        (
            [{"role": "user", "content": "Q"}, {"role": "assistant", "content": " "}],
            "text of the assistant in turn 2",
        ),
        ([{"role": "user", "content": "Q"}, {"role": "function", "content": "A"}], "a role of"),
        ([], "a list of turns"),
        ("text", "a list of turns"),
    ],
)
def test_a_conversation_that_is_none_is_bad(folder: Path, turns: Any, says: str) -> None:
    good = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]
    jsonl_set(folder / "chats", [{"messages": turns}, {"messages": good}])
    place = {"dataset": "", "path": "${RETORT_DATA}/chats/train.jsonl"}
    with pytest.raises(SourceError, match=f"row 1: expected {says}"):
        problems(sft("chats", **place))
    reading = read_source(sft("chats", skip_bad=True, **place), seed=0)
    assert [one.problem_id for one in reading.problems] == ["chats/1"]
    assert [one.reason for one in reading.rejected] == [Drop.BAD_ROW]


def test_a_conversation_may_have_one_system_message_only(folder: Path) -> None:
    turns = [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}]
    turns.append({"role": "assistant", "content": "A"})
    jsonl_set(folder / "chats", [{"messages": turns, "system": "T"}, {"messages": turns}])
    reading = read_source(sft("chats", system="system", skip_bad=True), seed=0)
    assert [one.problem_id for one in reading.problems] == ["chats/1"]
    assert len(reading.problems[0].history) == 1


def collect(sources: list[Source], out: Path) -> tuple[list[Problem], list[dict[str, str]], Any]:
    result = collect_problems(
        sources,
        check_gold=True,
        against=[],
        grade=Grade(),
        machine=Machine(workers=1, rows_per_part=3),
        seed=0,
        out_dir=out,
        key="k",
    )
    kept = [
        Problem.model_validate(row)
        for part in result.parts
        if part.path.startswith("problems-")
        for row in read_part(out, part, PROBLEM).to_pylist()
    ]
    left = [
        row
        for part in result.parts
        if part.path.startswith("rejected-")
        for row in read_part(out, part, REJECTED).to_pylist()
    ]
    return kept, left, result


def test_the_ledger_of_collect_counts_them_and_keeps_the_evidence(folder: Path) -> None:
    turns = [{"role": "user", "content": "1?"}, {"role": "assistant", "content": "A"}]
    later = [*turns, {"role": "user", "content": "1?"}, {"role": "assistant", "content": "B"}]
    jsonl_set(folder / "chats", [{"messages": later}, {"messages": turns[:1]}])
    chats = sft("chats", skip_bad=True)
    rows = source(folder, ROWS, skip_bad=True, where={"kind": ["x"]}, limit=3)
    kept, left, result = collect([rows, chats], folder / "out")
    assert [one.problem_id for one in kept] == ["rows/a", "chats/0"]
    assert kept[1].author == "chats" and kept[1].history[1].content == "A"
    assert result.ledger.rows_in == 7
    assert result.ledger.drops == {"bad_row": 4, "other_kind": 1}
    assert [row["reason"] for row in left] == [
        *("bad_row", "other_kind", "bad_row", "bad_row", "bad_row")
    ]
    assert result.figures["read"] == {"rows": 5, "chats": 2}


def test_equal_questions_after_other_turns_are_other_problems(folder: Path) -> None:
    def chat(first: str) -> dict[str, Any]:
        turns = [first, "Fine.", "Go on.", "Yes."]
        roles = ["user", "assistant"] * 2
        pairs = zip(roles, turns, strict=True)
        return {"messages": [{"role": role, "content": text} for role, text in pairs]}

    jsonl_set(folder / "chats", [chat("One."), chat("Two."), chat(" One. ")])
    kept, left, _ = collect([sft("chats")], folder / "out")
    assert [one.problem_id for one in kept] == ["chats/0", "chats/1"]
    assert left[0]["detail"] == "same statement as chats/0"


def test_the_answers_of_a_file_are_not_given_and_a_source_has_one_place() -> None:
    with pytest.raises(ValidationError, match="of kind `sft`"):
        hub("x", grader="given")
    with pytest.raises(ValidationError, match="either `path` or `dataset`"):
        SftSource(kind="sft", name="x", license="MIT")
