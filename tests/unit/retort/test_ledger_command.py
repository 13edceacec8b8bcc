"""`retort ledger`: the recount finds what was planted, and a problem's path tells everything."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factory.audit.artifacts import artifacts_of
from factory.audit.ends import ends_of
from factory.run_record import read_run
from retort.command import main
from schemas.manifest import LedgerEntry
from tests.unit.retort.run_folders import JOURNEY, Rows, write_run

Capture = pytest.CaptureFixture[str]


def ledger(machine: Path, capsys: Capture, *more: str) -> tuple[int, str]:
    status = main(["ledger", *more, "--machine", str(machine)])
    told = capsys.readouterr()
    return status, told.out + told.err


# -------------------------------------------------------------------------------------- the funnel


def test_a_whole_run_adds_up_by_domain_and_source(tmp_path: Path, capsys: Capture) -> None:
    status, text = ledger(write_run(tmp_path), capsys)
    assert status == 0
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "all 4 3 10 1 7 2 5 3" in lines
    assert "logic 1 1 3 1 2 0 1 1" in lines
    assert "math 3 2 7 0 5 2 4 2" in lines
    assert "sets 1 1 4 0 3 1 3 1" in lines
    assert "2 2 0 2 0" in lines, "round 2"
    assert "collect gold_rejected 1 words 1" in lines
    assert "generate failed 1 riddles 1" in lines
    assert "grade incorrect 2 sets 1, words 1" in lines
    assert "shard near_duplicate 1 sets 1" in lines
    assert lines[-1] == (
        "adds up: 10 candidates were requested, each is in one place: 3 in rows of the dataset, 7 "
        "dropped (1 of them in journeys)"
    )


def test_the_json_form_has_the_same_counts(tmp_path: Path, capsys: Capture) -> None:
    status, text = ledger(write_run(tmp_path), capsys, "--json")
    found = json.loads(text)
    assert status == 0
    assert found["mismatches"] == []
    assert (found["requested"], found["published"], found["dropped"]) == (10, 3, 7)
    assert found["rounds"][0] == {
        "round": 1,
        "requested": 7,
        "failed": 1,
        "correct": 4,
        "not_correct": 2,
    }
    published = {one["source"]: one["published"] for one in found["groups"]}
    assert published == {"riddles": 1, "sets": 1, "words": 1}


@pytest.mark.parametrize("slice_rows", [1, 3])
def test_ends_are_the_same_whatever_the_size_of_slices(tmp_path: Path, slice_rows: int) -> None:
    write_run(tmp_path, lambda rows: rows.dropped.pop(1))
    found = artifacts_of(read_run(tmp_path / "runs" / "latest"))
    whole, sliced = ends_of(found), ends_of(found, slice_rows=slice_rows)
    assert whole == sliced
    assert {one.where for one in whole.mismatches} == {"select", "ends"}


def change(rows: list[dict[str, Any]], at: int, **fields: Any) -> None:
    rows[at] = rows[at] | fields


SPOILED: dict[str, tuple[Callable[[Rows], object], str]] = {
    "a verdict is missing": (
        lambda rows: rows.verdicts[0].pop(2),
        "grade/unit-grade1: rows in: expected 6 as it says, found 5 counted",
    ),
    "a drop is missing": (
        lambda rows: rows.dropped.pop(0),
        "ends: expected each candidate in exactly one end, found 1 in none, or in several: a-1",
    ),
    "a candidate is dropped and selected": (
        lambda rows: rows.dropped.append(rows.dropped[0] | {"candidate_id": "a-0"}),
        "select: expected each verdict selected or dropped, once, found 1 neither, or both: a-0",
    ),
    "a candidate stands in two rounds": (
        lambda rows: rows.candidates[1].append(rows.candidates[0][0]),
        "requested: expected each candidate requested once, found 1 in more than one round or part",
    ),
    "a candidate failed and was answered": (
        lambda rows: change(rows.failures[0], 0, candidate_id="a-0"),
        "requested: expected each candidate requested once, found 1 in more than one round or part",
    ),
    "a sample is not published": (
        lambda rows: rows.published.remove("a-0"),
        "shard: expected each sample published or dropped, once, found 1 neither, or both: a-0",
    ),
    "a merged candidate begins no journey": (
        lambda rows: change(rows.dropped, 0, reason="merged"),
        "merged: expected dropped as merged who begins a journey, and nobody else, found 1 not so",
    ),
    "a journey begins with one that was dropped otherwise": (
        lambda rows: change(rows.dropped, 2, reason="incorrect"),
        "merged: expected dropped as merged who begins a journey, and nobody else, found 1 not so",
    ),
    "a form was made of nobody": (
        lambda rows: change(rows.candidates[2], 0, rewrites="nobody"),
        "rewritten: expected rewritten forms of candidates of the run, found 1 of others: nobody",
    ),
    "a pass rate is wrong": (
        lambda rows: change(rows.pass_rates, 1, correct=2),
        "select: pass_rates: correct: expected 2 of problem b, as it says, found 3 counted",
    ),
    "a problem was not admitted": (
        lambda rows: rows.problems.pop(2),
        "generate: expected candidates of admitted problems, found 3 of others",
    ),
    "a rejected row is missing": (
        lambda rows: rows.rejected.clear(),
        "collect/unit-collect: gold_rejected: expected 1 as it says, found 0 counted",
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_every_planted_mismatch_is_found_with_both_numbers(
    name: str, tmp_path: Path, capsys: Capture
) -> None:
    spoil, expected = SPOILED[name]
    status, text = ledger(write_run(tmp_path, spoil), capsys)
    assert status == 1
    assert "does not add up" in text
    assert expected in text


def test_a_manifest_that_says_other_than_its_parts_is_found(
    tmp_path: Path, capsys: Capture
) -> None:
    wrong = LedgerEntry(stage="grade", rows_in=7, rows_out=7)
    status, text = ledger(write_run(tmp_path, ledgers={"grade1": wrong}), capsys)
    assert status == 1
    assert "grade/unit-grade1: rows out: expected 7 as it says, found 6 counted" in text
    assert "run unit-1: grade: rows in: expected 10 as it says, found 9 counted" in text


def test_other_reasons_in_the_dataset_than_in_select_are_found(
    tmp_path: Path, capsys: Capture
) -> None:
    machine = write_run(tmp_path)
    other = tmp_path / "other"
    write_run(other, lambda rows: change(rows.dropped, 1, reason="incorrect"))
    ledgers = "datasets/unit/1.0.0/ledger/dropped-00000-of-00001.parquet"
    (other / ledgers).replace(tmp_path / ledgers)
    status, text = ledger(machine, capsys)
    assert status == 1
    assert "dataset: expected the drops of select, with their reasons, in the dataset's" in text
    assert "a-2" in text


def test_a_part_that_is_gone_is_a_clear_error(tmp_path: Path, capsys: Capture) -> None:
    machine = write_run(tmp_path)
    (tmp_path / "artifacts/grade/unit-grade2/verdicts-00000.parquet").unlink()
    status, text = ledger(machine, capsys)
    assert status == 1
    assert "ManifestMismatch" in text
    assert "verdicts-00000.parquet" in text


# ------------------------------------------------------------------------------------- one problem


def test_a_path_tells_what_became_of_each_candidate(tmp_path: Path, capsys: Capture) -> None:
    status, text = ledger(write_run(tmp_path), capsys, "--problem", "b")
    assert status == 0
    assert "statement How many is b?" in text
    assert "candidate b-0  round 1, index 0, 10 tokens, finish stop" in text
    assert "near_duplicate: duplicate of a-0 of problem a, similarity 0.913" in text
    assert "verdict    incorrect by symbolic, extracted '5'" in text
    assert f"merged: journey {JOURNEY}" in text
    assert f"journey: ends journey {JOURNEY}, which begins with b-1" in text
    assert f"published: row 1 as {JOURNEY}" in text
    assert "contaminated_sample: gsm8k 7: four and four" in text
    assert "1 row of the dataset, of 4 candidates" in text


def test_a_path_shows_failures_forms_and_whom_a_row_stands_for(
    tmp_path: Path, capsys: Capture
) -> None:
    machine = write_run(tmp_path)
    _, text = ledger(machine, capsys, "--problem", "c")
    assert "candidate c-1  round 1, index 1\n  generate   failed: 400: too long" in text
    assert "rewrites   c-0" in text
    assert "select     rewritten: as c-0-form" in text
    _, text = ledger(machine, capsys, "--problem", "a")
    assert "published: row 0 as a-0; stands for 1 duplicates, similarity 0.913" in text
    assert "surplus: per_problem 1, random" in text


def test_a_problem_that_was_left_out_has_its_evidence(tmp_path: Path, capsys: Capture) -> None:
    status, text = ledger(write_run(tmp_path), capsys, "--problem", "words/9")
    assert status == 0
    assert "collect   left out: gold_rejected: incorrect: 7 is not 8" in text


def test_an_unknown_problem_names_near_ones(tmp_path: Path, capsys: Capture) -> None:
    status, text = ledger(write_run(tmp_path), capsys, "--problem", "word/9")
    assert status == 1
    assert "expected one of the 4 problems that run unit-1 read" in text
    assert "near ones: words/9" in text


def test_texts_are_cut_unless_they_are_wanted_whole(tmp_path: Path, capsys: Capture) -> None:
    def lengthen(rows: Rows) -> None:
        change(rows.candidates[0], 0, text="beginning\n" + "word " * 500 + "\nend")

    machine = write_run(tmp_path, lengthen)
    _, text = ledger(machine, capsys, "--problem", "a")
    assert "2,233 more" in text
    assert max(map(len, text.splitlines())) < 400
    _, text = ledger(machine, capsys, "--problem", "a", "--full")
    assert "word " * 500 in text


def test_a_path_for_programs_has_whole_texts(tmp_path: Path, capsys: Capture) -> None:
    _, text = ledger(write_run(tmp_path), capsys, "--problem", "a", "--json")
    found = json.loads(text)
    assert [one["candidate_id"] for one in found["candidates"]] == ["a-0", "a-1", "a-2"]
    assert found["candidates"][1]["verdict"] == "incorrect"
    assert found["candidates"][0]["fates"][-1]["what"] == "published"
    assert found["rows"][0]["row"] == 0


@pytest.mark.parametrize("whole", [[], ["--full"], ["--json"]], ids=["excerpts", "full", "json"])
def test_what_a_model_writes_does_not_steer_the_terminal(
    whole: list[str], tmp_path: Path, capsys: Capture
) -> None:
    hostile = "\x1b[2J\x1b]0;mine\x07\r\x9b31m\u202e4"

    def steer(rows: Rows) -> None:
        change(rows.candidates[0], 1, text=hostile)
        change(rows.verdicts[0], 1, extracted=hostile, detail=hostile)
        change(rows.dropped, 0, detail=hostile)

    _, text = ledger(write_run(tmp_path, steer), capsys, "--problem", "a", *whole)
    assert {one for one in text if not one.isprintable()} == {"\n"}
    if whole == ["--json"]:
        assert json.loads(text)["candidates"][1]["text"] == hostile
    else:
        assert text.count("\u27e8U+001B\u27e9[2J\u27e8U+001B\u27e9]0;mine\u27e8U+0007\u27e9") >= 3
