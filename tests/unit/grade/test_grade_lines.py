"""factory.grade.grade_lines: order, resume, the machine's faults, one writer; without Docker."""

from __future__ import annotations

import resource
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from factory.errors import Busy, GradeFileError, GraderError, SandboxUnavailable
from factory.grade.grade_lines import Report, grade_lines
from factory.grade.line_grader import MachineFault
from factory.grade.line_passes import FAULTS_IN_A_ROW
from factory.grade.result_state import held
from tests.unit.grade.squares import Faults, Squares, Values, ids, results, squares, write


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "in.jsonl", squares(30))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def test_every_line_gets_its_verdict_in_order_with_one_worker(source: Path, out: Path) -> None:
    report = grade_lines(source, out, Squares(), workers=1)
    expected = ["incorrect" if n % 3 == 0 else "correct" for n in range(30)]
    assert results(out) == [
        {"id": f"s/{n}", "verdict": verdict} for n, verdict in enumerate(expected)
    ]
    assert report == Report({"correct": 20, "incorrect": 10}, kept=0)


def test_results_come_as_they_finish_with_several_workers(source: Path, out: Path) -> None:
    release = threading.Event()

    def first_is_slow(line: Values) -> None:
        if line["n"] == 0:
            assert release.wait(30)
        if line["n"] == 20:
            release.set()

    grade_lines(source, out, Squares(first_is_slow), workers=3)
    assert sorted(ids(out)) == sorted(f"s/{n}" for n in range(30))
    assert ids(out).index("s/0") > 10


def test_a_result_is_in_the_file_while_others_are_graded(source: Path, out: Path) -> None:
    def looks(line: Values) -> None:
        deadline = time.monotonic() + 10
        while len(results(out)) < line["n"] and time.monotonic() < deadline:
            time.sleep(0.001)
        assert len(results(out)) == line["n"]

    grade_lines(source, out, Squares(looks), workers=1)


def test_waiting_work_is_bounded(tmp_path: Path, out: Path) -> None:
    read = Counter[str]()

    class Counting(Squares):
        def read(self, values: Values) -> Values:
            read["all"] += 1
            return values

    def bounded(line: Values) -> None:
        assert read["all"] - 500 - line["n"] <= 4

    grade_lines(write(tmp_path / "in", squares(500)), out, Counting(bounded), workers=2)


def test_what_is_graded_is_not_graded_again(source: Path, out: Path) -> None:
    grade_lines(source, out, Squares(), workers=2)
    before = out.read_bytes()
    again = Squares()
    report = grade_lines(source, out, again, workers=2)
    assert (again.graded, again.opened, report.kept) == ([], 0, 30)
    assert out.read_bytes() == before


def test_a_file_without_lines_has_an_empty_output(source: Path, out: Path) -> None:
    grader = Squares()
    for kept in (0, 0):
        assert grade_lines(write(source, []), out, grader, workers=1) == Report({}, kept)
        assert (out.read_bytes(), grader.opened) == (b"", 0)
    write(source, squares(1))
    assert grade_lines(source, out, grader, workers=1).total == 1


def test_lines_that_are_added_are_graded(source: Path, out: Path) -> None:
    grade_lines(source, out, Squares(), workers=1)
    write(source, [{"id": "new", "n": 2, "answer": 4}, *squares(31)])
    again = Squares()
    grade_lines(source, out, again, workers=1)
    assert again.graded == ["new", "s/30"]
    assert ids(out) == ["new", *(f"s/{n}" for n in range(31))]


def test_a_changed_line_is_graded_again_and_replaced(source: Path, out: Path) -> None:
    grade_lines(source, out, Squares(), workers=1)
    lines = squares(30)
    lines[3]["answer"] = 9
    write(source, lines)
    again = Squares()
    grade_lines(source, out, again, workers=1)
    assert again.graded == ["s/3"]
    assert ids(out) == [f"s/{n}" for n in range(30)]
    assert results(out)[3]["verdict"] == "correct"


def test_a_changed_line_that_was_interrupted_is_still_graded_again(source: Path, out: Path) -> None:
    grade_lines(source, out, Squares(), workers=1)
    write(source, [{**line, "answer": -1} for line in squares(30)])

    def stop(line: Values) -> None:
        if line["n"] == 7:
            raise SandboxUnavailable("no engine")

    with pytest.raises(SandboxUnavailable):
        grade_lines(source, out, Squares(stop), workers=1)
    again = Squares()
    grade_lines(source, out, again, workers=1)
    assert again.graded == [f"s/{n}" for n in range(7, 30)]
    assert ids(out) == [f"s/{n}" for n in range(30)]
    assert {one["verdict"] for one in results(out)} == {"incorrect"}


def test_lines_removed_from_the_output_by_hand_are_graded_again(source: Path, out: Path) -> None:
    grade_lines(source, out, Squares(), workers=1)
    kept = out.read_text().splitlines(keepends=True)
    out.write_text("".join(kept[:4] + kept[6:]))
    again = Squares()
    grade_lines(source, out, again, workers=1)
    assert again.graded == ["s/4", "s/5"]
    assert out.read_text() == "".join(kept)


@pytest.mark.parametrize(("workers", "most_lines"), [(1, 1), (3, 1), (1, 8), (2, 8)])
def test_a_kill_at_any_byte_loses_no_result_and_doubles_none(
    source: Path, out: Path, workers: int, most_lines: int
) -> None:
    grade_lines(source, out, Squares(), workers=1)
    state = out.with_name("out.jsonl.state")
    whole, whole_state = out.read_bytes(), state.read_bytes()
    entries = whole_state.splitlines(keepends=True)
    for cut in range(0, len(whole), 7):
        begun = -(-whole[:cut].count(b"\n") - (whole[:cut][-1:] not in (b"", b"\n")))
        # The entry of a line stands before the line begins; the next one may be there in part.
        for more in (b"", b"".join(entries[1 + begun :])[:cut]):
            out.write_bytes(whole[:cut])
            state.write_bytes(b"".join(entries[: 1 + begun]) + more)
            again = Squares(most_lines=most_lines)
            grade_lines(source, out, again, workers=workers)
            assert len(again.graded) == 30 - whole[:cut].count(b"\n")
            assert sorted(out.read_bytes().splitlines()) == sorted(whole.splitlines())
            if workers == 1:
                assert out.read_bytes() == whole


def test_a_result_whose_entry_is_lost_is_graded_again(source: Path, out: Path) -> None:
    """As after a power cut, when the disk has more of one file than of the other."""
    grade_lines(source, out, Squares(), workers=1)
    whole = out.read_bytes()
    state = out.with_name("out.jsonl.state")
    state.write_bytes(b"".join(state.read_bytes().splitlines(keepends=True)[:-3]))
    again = Squares()
    grade_lines(source, out, again, workers=1)
    assert again.graded == ["s/27", "s/28", "s/29"]
    assert out.read_bytes() == whole


# ------------------------------------------------------------------------- the machine's faults


@pytest.mark.parametrize("workers", [1, 2])
def test_a_fault_is_tried_again_in_the_same_command(source: Path, out: Path, workers: int) -> None:
    grader = Squares(Faults({"s/4": 1, "s/9": 1}))
    report = grade_lines(source, out, grader, workers=workers)
    assert report.infra == 0
    assert sorted(grader.graded[-2:]) == ["s/4", "s/9"]
    assert sorted(ids(out)) == sorted(f"s/{n}" for n in range(30))
    if workers == 1:
        assert ids(out) == [f"s/{n}" for n in range(30)]


def test_a_fault_that_stays_is_infra_and_mended_by_the_next_command(
    source: Path, out: Path
) -> None:
    report = grade_lines(source, out, Squares(Faults({"s/4": 2, "s/9": 9})), workers=1)
    assert (report.infra, report.total) == (2, 30)
    assert report.first_fault == "'s/4': its container died"
    assert ids(out) == [f"s/{n}" for n in range(30)]
    assert results(out)[4] == {"id": "s/4", "verdict": "infra", "detail": "its container died"}
    again = Squares()
    report = grade_lines(source, out, again, workers=1)
    assert (report.infra, report.kept, again.graded) == (0, 28, ["s/4", "s/9"])
    assert ids(out) == [f"s/{n}" for n in range(30)]
    assert {one["verdict"] for one in results(out)} == {"correct", "incorrect"}


def test_many_faults_on_a_machine_that_works_are_infra_lines(source: Path, out: Path) -> None:
    report = grade_lines(source, out, Squares(Faults({f"s/{n}": 2 for n in range(20)})), workers=1)
    assert (report.infra, report.total) == (20, 30)


def test_a_machine_that_fails_on_everything_ends_the_command(source: Path, out: Path) -> None:
    tried: list[int] = []

    def broken(line: Values) -> None:
        if line["n"] >= 10:
            tried.append(line["n"])
            raise MachineFault("disk full")

    grader = Squares(broken)
    grader.works = False
    with pytest.raises(GraderError, match=r"5 lines in a row .* the harmless line failed too"):
        grade_lines(source, out, grader, workers=1)
    assert ids(out) == [f"s/{n}" for n in range(10)]
    assert len(tried) <= FAULTS_IN_A_ROW + 2
    grade_lines(source, out, Squares(), workers=1)
    assert ids(out) == [f"s/{n}" for n in range(30)]


def test_an_engine_that_is_gone_ends_the_command_and_lines_under_way_are_kept(
    source: Path, out: Path
) -> None:
    gone = threading.Event()

    def goes(line: Values) -> None:
        if line["n"] == 5:
            gone.set()
            raise SandboxUnavailable("no engine answers")
        if line["n"] == 4:
            assert gone.wait(30)
            time.sleep(0.2)

    grader = Squares(goes)  # of two workers one fails, and the other is at work on line 4
    with pytest.raises(SandboxUnavailable, match="no engine answers"):
        grade_lines(source, out, grader, workers=2)
    assert "s/4" in ids(out)
    assert sorted(ids(out)) == sorted(grader.graded)
    assert set(grader.graded) == {f"s/{n}" for n in range(5)}


def test_an_interrupt_keeps_the_lines_under_way(source: Path, out: Path) -> None:
    def interrupts(line: Values) -> None:
        if line["n"] == 5:
            raise KeyboardInterrupt

    grader = Squares(interrupts)
    with pytest.raises(KeyboardInterrupt):
        grade_lines(source, out, grader, workers=1)
    assert ids(out) == grader.graded


# -------------------------------------------------------------------------- what is refused


class Closed(Squares):
    """Its machine is not there."""

    def __enter__(self) -> None:
        raise SandboxUnavailable("no engine")


def test_without_a_machine_nothing_is_written(source: Path, out: Path) -> None:
    with pytest.raises(SandboxUnavailable):
        grade_lines(source, out, Closed(), workers=1)
    assert [file.name for file in out.parent.iterdir()] == ["in.jsonl"]


def test_without_a_machine_an_older_output_stays_as_it_is(source: Path, out: Path) -> None:
    grade_lines(source, out, Squares(Faults({"s/4": 2})), workers=1)
    out.write_bytes(out.read_bytes() + b'{"id": "torn')
    state = out.with_name("out.jsonl.state")
    state.write_bytes(state.read_bytes() + b'{"id": "torn')
    before = out.read_bytes(), state.read_bytes()
    with pytest.raises(SandboxUnavailable):
        grade_lines(source, out, Closed(), workers=1)
    assert (out.read_bytes(), state.read_bytes()) == before


def test_a_wrong_line_is_refused_before_anything_runs(source: Path, out: Path) -> None:
    write(source, [*squares(5), {"id": "x", "n": "y"}])
    grader = Squares()
    with pytest.raises(GradeFileError, match=r"in\.jsonl:6: n: expected an integer"):
        grade_lines(source, out, grader, workers=1)
    assert (grader.opened, [file.name for file in out.parent.iterdir()]) == (0, ["in.jsonl"])


def test_a_second_command_on_the_same_output_is_refused(source: Path, out: Path) -> None:
    with held(out), pytest.raises(Busy, match=r"found another command at work"):
        grade_lines(source, out, Squares(), workers=1)
    grade_lines(source, out, Squares(), workers=1)


def test_the_output_of_another_input_is_not_touched(source: Path, out: Path) -> None:
    grade_lines(source, out, Squares(), workers=1)
    before = out.read_bytes()
    write(source, squares(29))
    with pytest.raises(GradeFileError, match=r"out\.jsonl:30: .* found id 's/29'.* --out"):
        grade_lines(source, out, Squares(), workers=1)
    assert out.read_bytes() == before


def test_the_output_of_another_command_is_not_touched(source: Path, out: Path) -> None:
    class Cubes(Squares):
        made_by = "test cubes"

    grade_lines(source, out, Squares(), workers=1)
    with pytest.raises(GradeFileError, match=r"which another command wrote; name another --out"):
        grade_lines(source, out, Cubes(), workers=1)


def test_results_of_other_settings_are_not_mixed(source: Path, out: Path) -> None:
    grade_lines(source, out, Squares(settings={"percent": "either", "digits": 6}), workers=1)
    before = out.read_bytes()
    for settings, found in (
        ({"percent": "value", "digits": 6}, r'percent "either" \(now "value"\); give'),
        ({"percent": "either"}, r"digits 6 \(now unknown\); give"),
        ({"percent": "either", "digits": 6, "x": 1.5}, r"x unknown \(now 1.5\); give"),
        ({}, r'percent "either" \(now unknown\), digits 6 \(now unknown\); give'),
    ):
        grader = Squares(settings=settings)
        with pytest.raises(GradeFileError, match="the same settings, found " + found):
            grade_lines(source, out, grader, workers=1)
        assert (grader.opened, out.read_bytes()) == (0, before)
    same = Squares(settings={"digits": 6, "percent": "either"})
    assert grade_lines(source, out, same, workers=1).kept == 30


def test_an_output_that_is_deleted_may_be_made_anew_with_other_settings(
    source: Path, out: Path
) -> None:
    grade_lines(source, out, Squares(settings={"digits": 6}), workers=1)
    out.unlink()
    again = Squares(settings={"digits": 7})
    assert grade_lines(source, out, again, workers=1).kept == 0
    assert len(again.graded) == 30
    assert grade_lines(source, out, again, workers=1).kept == 30
    with pytest.raises(GradeFileError, match="digits 7"):
        grade_lines(source, out, Squares(settings={"digits": 6}), workers=1)


def test_a_file_that_is_no_output_of_ours_is_not_touched(source: Path, out: Path) -> None:
    out.write_text("precious\n")
    with pytest.raises(GradeFileError, match=r"found one without; name another --out"):
        grade_lines(source, out, Squares(), workers=1)
    assert out.read_text() == "precious\n"


@pytest.mark.parametrize("content", ["what\n", "[1]\n", '{"id": "s/1", "verdict": "good"}\n'])
def test_a_spoilt_line_of_the_output_is_named(source: Path, out: Path, content: str) -> None:
    grade_lines(source, out, Squares(), workers=1)
    out.write_text(content + out.read_text())
    with pytest.raises(GradeFileError, match=r"out\.jsonl:1: expected a result, found"):
        grade_lines(source, out, Squares(), workers=1)


@pytest.mark.parametrize("content", ["what\n", "[1]\n", '{"id": "s/1"}\n'])
def test_a_spoilt_entry_of_the_state_is_named(source: Path, out: Path, content: str) -> None:
    grade_lines(source, out, Squares(), workers=1)
    state = out.with_name("out.jsonl.state")
    state.write_text(state.read_text() + content)
    with pytest.raises(GradeFileError, match=r"out\.jsonl\.state: expected an entry per line"):
        grade_lines(source, out, Squares(), workers=1)


def test_places_that_cannot_be_written_are_refused(tmp_path: Path, source: Path) -> None:
    with pytest.raises(GradeFileError, match="another file than the input"):
        grade_lines(source, source, Squares(), workers=1)
    state = write(tmp_path / "x.state", squares(2))
    with pytest.raises(GradeFileError, match="another file than the input"):
        grade_lines(state, tmp_path / "x", Squares(), workers=1)
    with pytest.raises(GradeFileError, match="expected a folder"):
        grade_lines(source, tmp_path / "none" / "out", Squares(), workers=1)
    with pytest.raises(GradeFileError, match="expected a file or nothing"):
        grade_lines(source, tmp_path, Squares(), workers=1)
    with pytest.raises(GradeFileError, match="expected a file, found none"):
        grade_lines(tmp_path / "none", tmp_path / "out", Squares(), workers=1)


@pytest.mark.parametrize("limit_bytes", [0, 20, 100, 700, 1000])
def test_a_disk_that_is_full_ends_the_command_and_loses_nothing(
    source: Path, out: Path, limit_bytes: int
) -> None:
    """A limit of the size of files stands for the disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    grader = Squares()
    try:
        with pytest.raises(GradeFileError, match=r"can be written, found: File too large; mend"):
            grade_lines(source, out, grader, workers=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    there = out.read_bytes().count(b"\n") if out.exists() else 0
    assert len(grader.graded) <= there + 3
    report = grade_lines(source, out, Squares(), workers=1)
    assert report.kept == there
    assert ids(out) == [f"s/{n}" for n in range(30)]
