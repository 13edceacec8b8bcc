"""factory.grade.line_passes: chunks of lines, their size, and a line that spoils one."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from factory.errors import SandboxUnavailable
from factory.grade.grade_lines import grade_lines
from factory.grade.line_passes import CHUNK_BYTES, CHUNK_S
from tests.unit.grade.squares import Faults, Squares, Values, ids, results, squares, write


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "in.jsonl", squares(100))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def test_chunks_grow_while_lines_are_quick_and_keep_the_order(source: Path, out: Path) -> None:
    grader = Squares(most_lines=16)
    grade_lines(source, out, grader, workers=1)
    assert sum(grader.chunks) == 100
    assert max(grader.chunks) == 16
    assert ids(out) == grader.graded == [f"s/{n}" for n in range(100)]


def test_chunks_are_small_where_lines_are_slow(source: Path, out: Path) -> None:
    def slow(line: Values) -> None:
        if line["n"] >= 60:
            time.sleep(CHUNK_S / 2)

    grader = Squares(slow, most_lines=8)
    grade_lines(source, out, grader, workers=1)
    assert max(grader.chunks) == 8
    # Those that were waiting when the first slow one came had been cut already.
    assert max(grader.chunks[-5:]) <= 2


def test_a_slow_line_holds_up_no_more_than_its_chunk(source: Path, out: Path) -> None:
    release = threading.Event()

    def one_waits(line: Values) -> None:
        if line["n"] == 40:
            assert release.wait(30)
        if line["n"] == 99:
            release.set()

    grade_lines(source, out, Squares(one_waits, most_lines=8), workers=2)
    assert sorted(ids(out)) == sorted(f"s/{n}" for n in range(100))
    assert ids(out).index("s/40") > 80


def test_long_lines_make_small_chunks(tmp_path: Path, out: Path) -> None:
    lines = [{"id": n, "n": n, "answer": 1, "text": "x" * (CHUNK_BYTES // 3)} for n in range(20)]
    grader = Squares(most_lines=64)
    grade_lines(write(tmp_path / "in", lines), out, grader, workers=1)
    assert max(grader.chunks) == 3


def test_of_a_chunk_with_a_fault_only_the_line_at_fault_is_tried_again(
    source: Path, out: Path
) -> None:
    grader = Squares(Faults({"s/40": 2}), most_lines=8)
    report = grade_lines(source, out, grader, workers=1)
    assert report.infra == 0
    assert grader.graded[-1] == "s/40"
    assert ids(out) == [f"s/{n}" for n in range(100)]


def test_of_a_chunk_with_a_fault_that_stays_only_the_line_at_fault_is_infra(
    source: Path, out: Path
) -> None:
    grader = Squares(Faults({"s/40": 9, "s/41": 9}), most_lines=8)
    report = grade_lines(source, out, grader, workers=1)
    assert (report.infra, report.total) == (2, 100)
    assert [one["id"] for one in results(out) if one["verdict"] == "infra"] == ["s/40", "s/41"]
    assert report.first_fault == "'s/40': its container died"


def test_an_error_of_the_grader_itself_spoils_its_line_alone(source: Path, out: Path) -> None:
    def poisonous(line: Values) -> None:
        if line["n"] == 40:
            raise RecursionError("too deep")

    report = grade_lines(source, out, Squares(poisonous, most_lines=8), workers=2)
    assert (report.infra, report.total) == (1, 100)
    assert report.first_fault == "'s/40': unexpected RecursionError: too deep"


def test_a_machine_that_goes_within_a_chunk_ends_the_command_and_keeps_what_is_graded(
    source: Path, out: Path
) -> None:
    faults = Faults({"s/40": 1})

    def goes(line: Values) -> None:
        faults(line)
        if line["n"] == 42:
            raise SandboxUnavailable("no engine answers")

    with pytest.raises(SandboxUnavailable, match="no engine answers"):
        grade_lines(source, out, Squares(goes, most_lines=8), workers=1)
    kept = len(ids(out))
    assert 42 - 8 <= kept <= 42
    assert ids(out) == [f"s/{n}" for n in range(kept)]
    again = Squares(most_lines=8)
    report = grade_lines(source, out, again, workers=1)
    assert (report.kept, again.graded) == (kept, [f"s/{n}" for n in range(kept, 100)])
