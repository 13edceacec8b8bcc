"""[select] exclude: who is marked is left out, and comes back in no journey and no pair."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from factory.errors import InputFileError, RecipeError
from factory.recipe_file import data_root
from factory.select.excluded import marks_digest
from factory.select.journeys import journey_uuid
from factory.select.stage import select_samples
from retort.explore.marks import MarkFile
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.select_settings import Journeys, Select
from schemas.verdict import Status
from tests.unit.select.graded_artifacts import (
    Graded,
    asked,
    problem,
    write_problems,
    write_round,
)

PROBLEMS = [problem(f"m{number}", source=f"s{number % 2}") for number in range(6)]
ALL = Journeys(share=1.0)


@pytest.fixture(autouse=True)
def data_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe names files below the project's root and below this folder."""
    monkeypatch.setenv("RETORT_DATA", str(tmp_path.parent))


def answered(problem_id: str, index: int, value: int) -> Graded:
    text = f"<think>\nStep {index} of {problem_id}, 2+2={value}.\n</think>\n\n\\boxed{{{value}}}"
    status = Status.CORRECT if value == 4 else Status.INCORRECT
    return Graded(problem_id, index, text, status, verdict={"extracted": str(value)})


def run(
    root: Path, *marks: dict[str, Any] | str, out: str = "select", **fields: Any
) -> StageResult:
    """Two right and two wrong candidates of every problem."""
    root.mkdir(exist_ok=True)
    files: list[str] = []
    if marks:
        lines = [one if isinstance(one, str) else json.dumps(one) for one in marks]
        (root / "marks.jsonl").write_text("\n".join(lines) + "\n")
        below = (root / "marks.jsonl").relative_to(data_root())
        files = [f"${{RETORT_DATA}}/{below}"]
    graded = [
        answered(one.problem_id, index, value)
        for one in PROBLEMS
        for index, value in enumerate((4, 5, 4, 6))
    ]
    return select_samples(
        write_problems(root / "collect", PROBLEMS),
        [write_round(root, 1, graded)],
        Select(exclude=files, **fields),
        generate=asked(),
        seed=3,
        machine=Machine(workers=1),
        out_dir=root / out,
        key="k",
    )


def rows(root: Path, kind: str, out: str = "select") -> list[dict[str, Any]]:
    files = sorted((root / out).glob(f"{kind}-*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def mark(candidate_id: str, **fields: str) -> dict[str, Any]:
    return {"candidate_id": candidate_id, "problem_id": candidate_id.split("-")[0], **fields}


def test_a_marked_candidate_is_dropped_as_excluded_with_its_note(tmp_path: Path) -> None:
    result = run(tmp_path, mark("m0-0", note="a\nguess"), mark("m1-2"), mark("m2-1"))
    dropped = {one["candidate_id"]: one for one in rows(tmp_path, "dropped")}
    assert (dropped["m0-0"]["reason"], dropped["m0-0"]["detail"]) == ("excluded", "marked: a guess")
    assert (dropped["m1-2"]["reason"], dropped["m1-2"]["detail"]) == ("excluded", "marked")
    assert dropped["m2-1"]["reason"] == "incorrect"
    assert {one["uuid"] for one in rows(tmp_path, "samples")} == {
        f"{one.problem_id}-{index}" for one in PROBLEMS for index in (0, 2)
    } - {"m0-0", "m1-2"}
    assert result.ledger.drops == {"excluded": 2, "incorrect": 12}
    assert result.ledger.rows_in == result.ledger.rows_out + 14
    assert result.figures["exclude"] == {"marks": 3, "unknown": 0, "candidates": 3}
    assert result.figures["rules"]["excluded"] == {"s0": [1, 6], "s1": [1, 6]}
    assert "## excluded" in (tmp_path / "select" / "report.md").read_text()


def test_its_verdict_still_counts_and_another_takes_its_place(tmp_path: Path) -> None:
    run(tmp_path / "a", per_problem=1, pick="shortest")
    first = {one["problem_id"]: one for one in rows(tmp_path / "a", "samples")}
    run(tmp_path / "b", mark(first["m3"]["uuid"]), per_problem=1, pick="shortest")
    second = {one["problem_id"]: one for one in rows(tmp_path / "b", "samples")}
    assert second["m3"]["uuid"] != first["m3"]["uuid"]
    assert second["m3"]["pass_rate"] == first["m3"]["pass_rate"] == 0.5
    del first["m3"], second["m3"]
    assert first == second


@pytest.mark.parametrize("part", [0, 1])
def test_a_marked_part_of_a_journey_comes_back_in_no_journey_and_no_pair(
    tmp_path: Path, part: int
) -> None:
    fields: dict[str, Any] = {"journeys": ALL, "pairs_per_problem": 2, "per_problem": 2}
    run(tmp_path / "a", **fields)
    journeys = [one for one in rows(tmp_path / "a", "samples") if one["form"] == "journey"]
    assert len(journeys) == len(PROBLEMS)
    marked = [one["made_of"][part] for one in journeys]
    result = run(tmp_path / "b", *map(mark, marked), **fields)
    samples = rows(tmp_path / "b", "samples")
    pairs = rows(tmp_path / "b", "preference")
    used = {one for row in samples for one in row["made_of"]}
    used |= {pair["rejected_id"] for pair in pairs} | {pair["uuid"] for pair in pairs}
    assert used.isdisjoint(marked)
    assert pairs or any(one["form"] == "journey" for one in samples)
    reason = "incorrect" if part == 0 else "excluded"
    dropped = {one["candidate_id"]: one["reason"] for one in rows(tmp_path / "b", "dropped")}
    assert {dropped[one] for one in marked} == {reason}
    assert result.ledger.rows_in == len(samples) + sum(result.ledger.drops.values())


@pytest.mark.parametrize("named", [True, False])
def test_a_marked_journey_leaves_out_both_candidates_of_it(tmp_path: Path, named: bool) -> None:
    run(tmp_path / "a", journeys=ALL, per_problem=2)
    journeys = [one for one in rows(tmp_path / "a", "samples") if one["form"] == "journey"]
    one = journeys[2]
    uuid, (rejected, accepted) = one["uuid"], one["made_of"]
    assert uuid == journey_uuid(rejected, accepted)
    about = {"problem_id": one["problem_id"]} if named else {}
    line = {"candidate_id": uuid, "note": "no bridge", **about}
    result = run(tmp_path / "b", line, journeys=ALL, per_problem=2)
    used = {part for row in rows(tmp_path / "b", "samples") for part in row["made_of"]}
    assert used.isdisjoint({rejected, accepted})
    dropped = {row["candidate_id"]: row for row in rows(tmp_path / "b", "dropped")}
    assert dropped[accepted]["reason"] == "excluded"
    assert dropped[accepted]["detail"] == f"journey {uuid}: marked: no bridge"
    assert dropped[rejected]["reason"] == "incorrect"
    assert result.figures["exclude"] == {"marks": 1, "unknown": 0, "candidates": 2}


def test_a_mark_of_nobody_leaves_out_nothing_and_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RETORT_PROGRESS", raising=False)
    result = run(tmp_path, mark("m0-0"), mark("gone-1"), {"candidate_id": "old"})
    assert result.figures["exclude"] == {"marks": 3, "unknown": 2, "candidates": 1}
    told = " ".join(capsys.readouterr().err.split())
    assert "2 of 3 marks are of no candidate of this run" in told
    assert "marks.jsonl, line 2" in told and "line 3" in told
    assert result.ledger.drops["excluded"] == 1


def test_the_last_line_of_a_candidate_is_what_is_meant(tmp_path: Path) -> None:
    run(tmp_path, mark("m0-0", note="one"), mark("m0-0", note="two"))
    dropped = {one["candidate_id"]: one["detail"] for one in rows(tmp_path, "dropped")}
    assert dropped["m0-0"] == "marked: two"


def test_a_line_that_is_no_mark_stops_with_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"marks\.jsonl, line 2: expected a mark"):
        run(tmp_path, mark("m0-0"), "{broken")
    with pytest.raises(RecipeError, match=r"select\.exclude"):
        marks_digest(["${RETORT_DATA}/nothing.jsonl"])


def test_the_key_knows_ids_and_notes_and_no_times_or_order(tmp_path: Path) -> None:
    file = tmp_path / "marks.jsonl"
    marks = MarkFile(file)
    marks.put("a", "p", "", marked=True)
    marks.put("b", "p", "why", marked=True)
    before = marks_digest([f"${{RETORT_DATA}}/{tmp_path.name}/marks.jsonl"])
    marks.put("a", "p", "", marked=True)
    assert marks_digest([f"${{RETORT_DATA}}/{tmp_path.name}/marks.jsonl"]) == before
    marks.put("a", "p", "new", marked=True)
    assert marks_digest([f"${{RETORT_DATA}}/{tmp_path.name}/marks.jsonl"]) != before
    marks.put("a", "p", "", marked=False)
    assert marks_digest([f"${{RETORT_DATA}}/{tmp_path.name}/marks.jsonl"]) != before


def test_marks_of_the_explorer_are_taken_as_they_are(tmp_path: Path) -> None:
    marks = MarkFile(tmp_path / "reviews" / "demo.jsonl")
    marks.put("m4-0", "m4", 'with "quotes"', marked=True)
    line = (tmp_path / "reviews" / "demo.jsonl").read_text().strip()
    run(tmp_path, line)
    assert "m4-0" not in {one["uuid"] for one in rows(tmp_path, "samples")}
