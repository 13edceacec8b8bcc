"""Figures of a suite: how completions ended, their lengths, pass@1 by level and category."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.validate.lengths import histogram, summary
from factory.validate.outcome import answers_by_problem
from factory.validate.suite_figures import is_empty, suite_figures
from schemas.arrow import CANDIDATE, PROBLEM, VERDICT
from schemas.candidate import FinishReason
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.problem import GraderName
from schemas.verdict import Status
from tests.unit.select.graded_artifacts import (
    Graded,
    candidate_row,
    problem,
    verdict_row,
    write_artifact,
)

CUT = FinishReason.LENGTH
PROBLEMS = [
    problem("sums/1", level="1", category="add"),
    problem("sums/2", level="10", category="add"),
    problem("sums/3", level="2"),
    problem("chat/1", reasoning=False, grader=GraderName.TEXT),
]
CANDIDATES = [
    Graded("sums/1", 0, "<think>\nso\n</think>\n\n4", tokens=8),
    Graded("sums/1", 1, "<think>\nand on", Status.TRUNCATED, CUT, tokens=64),
    Graded("sums/1", 2, "<think>\n", Status.UNPARSABLE, tokens=1),
    Graded("sums/2", 0, "4", tokens=2),
    Graded("sums/2", 1, "<think>\nso\n</think>\n\n5 and 6 and", Status.INCORRECT, CUT, tokens=64),
    Graded("sums/3", 0, "", Status.UNPARSABLE, tokens=None),
    Graded("chat/1", 0, "four", tokens=1),
]


def figures(folder: Path, rows_per_part: int = 2) -> dict[str, Any]:
    for kind, schema, rows in (
        ("problems", PROBLEM, [one.model_dump(mode="json") for one in PROBLEMS]),
        ("candidates", CANDIDATE, [candidate_row(one) for one in CANDIDATES]),
        ("verdicts", VERDICT, [verdict_row(one) for one in CANDIDATES]),
    ):
        write_artifact(folder / kind, kind, kind, rows, schema, rows_per_part=rows_per_part)
    answers = answers_by_problem(folder, {"sums": 3, "chat": 1}, Grade(), Machine(workers=1))
    return suite_figures(folder, answers)["suites"]


def test_what_came_and_what_did_not_is_counted(tmp_path: Path) -> None:
    found = figures(tmp_path)
    sums, chat = found["sums"], found["chat"]
    assert (sums["problems"], sums["candidates"], sums["failed"]) == (3, 6, 3)
    assert sums["statuses"] == {"correct": 2, "incorrect": 1, "truncated": 1, "unparsable": 2}
    assert (chat["problems"], chat["candidates"], chat["failed"]) == (1, 1, 0)


def test_completions_that_are_no_whole_answers_are_counted(tmp_path: Path) -> None:
    found = figures(tmp_path)
    assert found["sums"]["empty_completions"] == 2, "one has the forced `<think>` alone"
    assert found["sums"]["truncated"] == 2
    assert found["sums"]["without_think"] == 2, "one answered at once, one said nothing"
    assert found["sums"]["unclosed_think"] == 2
    assert found["chat"]["without_think"] == 0, "nobody asked for reasoning"


def test_lengths_are_those_of_all_of_correct_and_of_other_candidates(tmp_path: Path) -> None:
    sums = figures(tmp_path)["sums"]
    assert sums["completion_tokens"] == 8 + 64 + 1 + 2 + 64
    assert sums["tokens"] == {"mean": 27.8, "p10": 1, "p50": 8, "p90": 64, "max": 64}
    assert sums["tokens_correct"]["mean"] == 5.0
    assert sums["tokens_not_correct"]["mean"] == pytest.approx(43.0)
    histogram = sums["length_histogram"]
    assert (histogram["edges"][0], histogram["edges"][-1]) == (1, 96)
    assert sum(histogram["counts"]) == 5, "one has no count"


def test_levels_and_categories_have_their_own_pass_rate(tmp_path: Path) -> None:
    sums = figures(tmp_path)["sums"]
    assert list(sums["by_level"]) == ["1", "2", "10"]
    assert sums["by_level"]["1"] == {"problems": 1, "value": pytest.approx(1 / 3), "stderr": 0.0}
    assert list(sums["by_category"]) == ["add"], "the third has none"
    assert sums["by_category"]["add"]["problems"] == 2
    assert figures(tmp_path / "again")["chat"]["by_level"] == {}


def test_the_number_of_parts_changes_nothing(tmp_path: Path) -> None:
    assert figures(tmp_path / "one", 100) == figures(tmp_path / "many", 1)


def test_programs_are_not_held_and_have_no_vote(tmp_path: Path) -> None:
    rows = [problem("code/1", grader=GraderName.CODE).model_dump(mode="json")]
    write_artifact(tmp_path / "problems", "p", "problems", rows, PROBLEM)
    graded = [verdict_row(Graded("code/1", 0, "", verdict={"extracted": "def f(): ..."}))]
    write_artifact(tmp_path / "verdicts", "v", "verdicts", graded, VERDICT)
    found = answers_by_problem(tmp_path, {"code": 1}, Grade(), Machine(workers=1))["code/1"]
    assert not found.comparable
    assert [one.vote for one in found.given] == [""]
    assert found.correct == 1


@pytest.mark.parametrize(
    ("text", "empty"),
    [("", True), (" \n", True), ("<think>\n", True), ("<think></think>", False), ("4", False)],
)
def test_a_forced_think_alone_is_nothing(text: str, empty: bool) -> None:
    assert is_empty(text) is empty


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=50))
def test_a_histogram_counts_each_length_where_it_belongs(tokens: list[int]) -> None:
    found = histogram(tokens)
    edges, counts = found["edges"], found["counts"]
    assert len(edges) == len(counts) + 1
    assert sorted(edges) == edges
    for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
        assert count == sum(low <= one < high for one in tokens)
    assert sum(counts) == len(tokens)
    assert counts[0] and counts[-1]


def test_nothing_has_no_lengths() -> None:
    assert summary([]) is None
    assert histogram([]) == {"edges": [], "counts": []}
