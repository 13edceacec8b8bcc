"""LiveCodeBench's rows -> problems whose tests our sandbox runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from factory.collect import livecodebench_tests
from factory.collect.code_tests import MOST_CASES
from factory.collect.gold import check_golds
from factory.collect.livecodebench import STARTER_LINE, STDIN_LINE
from factory.collect.livecodebench_tests import MOST_CALL_CHARS, MOST_S, PRELUDE
from factory.collect.sources import iter_problems, read_source, sources_fingerprint
from factory.collect.stage import collect_problems
from factory.errors import RecipeError, SourceError
from factory.grade.code import read_code_gold
from factory.grade.code_run import count_left_out
from sandboxes import Asserts, Stdio
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.problem import Domain, GraderName
from schemas.sample import Drop
from tests.unit.collect import livecodebench_rows as lcb


def test_a_script_has_its_public_and_hidden_tests_in_their_order(folder: Path) -> None:
    (found,) = lcb.problems(folder, [lcb.script_row()])
    tests, run = read_code_gold(found.gold)
    assert isinstance(tests, Stdio)
    assert [case.stdin for case in tests.cases] == ["1\n", "21\n", "-4"]
    assert (run.prelude, run.cpu_s, run.wall_s, run.left_out) == (PRELUDE, 18.0, 36.0, 0)
    assert (found.problem_id, found.grader, found.domain) == (
        "lcb/abc400_a",
        GraderName.CODE,
        Domain.CODE,
    )
    assert (found.level, found.category, found.solution) == ("easy", "atcoder", "")
    assert found.statement == f"Print twice N.\n\n{STDIN_LINE}\n```python\n# YOUR CODE HERE\n```"


def test_a_method_is_asked_for_with_its_starter_code_and_called(folder: Path) -> None:
    row = lcb.method_row()
    (found,) = lcb.problems(folder, [row])
    tests, _ = read_code_gold(found.gold)
    assert isinstance(tests, Asserts)
    assert tests.code.count("assert same(Solution().ends(*loads(INPUTS[") == 3
    assert found.statement.endswith(f"{STARTER_LINE}\n```python\n{row['starter_code']}\n```")


def test_a_function_without_a_class_is_called_by_its_name(folder: Path) -> None:
    (found,) = lcb.problems(folder, [lcb.method_row(starter_code="def ends(nums):\n    ")])
    assert "assert same(ends(*loads(INPUTS[0]))" in found.gold


def test_all_tests_count_however_many_there_are(folder: Path) -> None:
    many = [lcb.stdin_test(f"{n}\n", f"{2 * n}\n") for n in range(10 * MOST_CASES)]
    (found,) = lcb.problems(folder, [lcb.script_row(private_test_cases=lcb.packed(many))])
    tests, run = read_code_gold(found.gold)
    assert isinstance(tests, Stdio)
    assert (len(tests.cases), run.left_out, run.cpu_s) == (10 * MOST_CASES + 1, 0, MOST_S)


def test_tests_that_no_sandbox_can_take_are_left_out_and_counted(folder: Path) -> None:
    long = lcb.call_test(f"[{'1, ' * (MOST_CALL_CHARS // 3)}1]", "[1, 1]")
    row = lcb.method_row(private_test_cases=lcb.packed([long, lcb.call_test("[5]", "[5, 5]")]))
    (found,) = lcb.problems(folder, [row])
    tests, run = read_code_gold(found.gold)
    assert isinstance(tests, Asserts)
    assert (tests.code.count("assert "), run.left_out) == (2, 1)
    assert count_left_out(found.gold) == 1


def test_how_many_tests_were_left_out_is_a_figure_of_the_stage(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(livecodebench_tests, "MOST_CHARS", 27)
    said = json.dumps([lcb.stdin_test('"run":{"left_out":7}', "1")])
    other = lcb.script_row(question_id="b", question_content="Other.", public_test_cases=said)
    lcb.write(folder, [lcb.script_row(), other])
    (folder / "out").mkdir()
    result = collect_problems(
        [lcb.source()],
        check_gold=True,
        against=[],
        grade=Grade(),
        machine=Machine(),
        seed=0,
        out_dir=folder / "out",
        key="k",
    )
    assert result.figures["tests_left_out"] == {"lcb": 1}
    assert result.ledger.rows_out == 2


@pytest.mark.parametrize(
    ("since", "until", "kept"),
    [
        (None, None, ["lcb/abc400_a", "lcb/3333"]),
        ("2024-11-02", "2025-01-31", ["lcb/abc400_a", "lcb/3333"]),
        ("2024-11-03", None, ["lcb/3333"]),
        (None, "2025-01-30", ["lcb/abc400_a"]),
    ],
)
def test_problems_of_other_days_are_left_out_and_counted(
    folder: Path, since: str | None, until: str | None, kept: list[str]
) -> None:
    lcb.write(folder, [lcb.script_row(), lcb.method_row()])
    reading = read_source(lcb.source(since=since, until=until), seed=0)
    assert [one.problem_id for one in reading.problems] == kept
    assert len(reading.rejected) == 2 - len(kept)
    assert {one.reason for one in reading.rejected} <= {Drop.OTHER_KIND}
    assert all("contest_date is 202" in one.detail for one in reading.rejected)


def test_a_window_without_problems_is_an_error_with_the_command_to_download(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"found none and 1 of others .*hf download livecodeb"):
        lcb.problems(folder, [lcb.script_row()], since="2026-01-01")


def test_files_that_are_not_there_are_asked_for_with_the_command(folder: Path) -> None:
    for ask in (
        lambda: list(iter_problems(lcb.source())),
        lambda: sources_fingerprint([lcb.source()]),
    ):
        with pytest.raises(RecipeError, match="hf download livecodebench/code_generation_lite"):
            ask()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"contest_date": "soon"}, "a day in column 'contest_date'"),
        ({"question_content": " "}, "a statement"),
        ({"public_test_cases": "{}"}, "a list of tests"),
        ({"public_test_cases": "[]", "private_test_cases": "[]"}, "tests of one kind, at least"),
        ({"public_test_cases": '[{"input": "a", "output": "b"}]'}, "with `testtype` stdin"),
        ({"private_test_cases": '[{"testtype": "stdin", "input": "a"}]'}, "with `output`"),
        ({"private_test_cases": json.dumps([lcb.call_test("1", "1")])}, "tests of one kind"),
        ({"public_test_cases": "7"}, "in base64"),
    ],
)
def test_a_row_that_is_wrong_is_named(folder: Path, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(SourceError, match=said) as refused:
        lcb.problems(folder, [lcb.script_row(**fields)])
    assert "test5.jsonl, row 1" in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"metadata": "{}"}, "the name of a function in `func_name`"),
        ({"metadata": '{"func_name": "class"}'}, "the name of a function in `func_name`"),
        ({"metadata": "func"}, "JSON in column 'metadata'"),
        ({"metadata": json.dumps({"func_name": "f(); import os"})}, "the name of a function"),
        (
            {"public_test_cases": json.dumps([lcb.call_test("[1", "1")])},
            "inputs and outputs as JSON",
        ),
    ],
)
def test_a_call_that_is_wrong_is_named(folder: Path, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(SourceError, match=said):
        lcb.problems(folder, [lcb.method_row(**fields)])


def test_problems_without_a_reference_program_are_admitted_and_counted(folder: Path) -> None:
    found = lcb.problems(folder, [lcb.script_row(), lcb.method_row()])
    checked = check_golds(found, Grade(), Machine())
    assert (checked.rejected, checked.unchecked) == ({}, 2)
