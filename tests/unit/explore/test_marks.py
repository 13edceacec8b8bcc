"""Marks: saved at once, read again, the last one counts, and select leaves out what they name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from factory.errors import InputFileError
from factory.marks import read_marks
from retort.explore.marks import MarkFile
from tests.unit.explore.opened_runs import POST, client, made_rows, opened, rows, write_data


def test_a_mark_is_saved_shown_filtered_and_taken_back(tmp_path: Path) -> None:
    machine = write_data(tmp_path / "set", made_rows(9))
    here = opened(str(tmp_path / "set"), tmp_path, machine)
    file = tmp_path / "reviews" / "marks.jsonl"
    first, second = (one["uuid"] for one in made_rows(2))
    with client(here, file) as page:
        for one, note in ((first, "wrong"), (second, ""), (first, "wrong <b>units</b>")):
            post = {"candidate_id": one, "problem_id": "of the page", "note": note}
            answer = page.post("/api/marks", json=post, headers=POST)
            assert answer.status_code == 200
        assert answer.json()["marks"] == {"count": 2, "file": str(file)}
        assert {one["candidate_id"] for one in rows(page, marked=1)[1]} == {first, second}
        candidates = page.get("/api/problem", params={"id": "p0"}).json()["candidates"]
        notes = {one["candidate_id"]: one["note"] for one in candidates if one["marked"]}
        assert notes == {first: "wrong <b>units</b>", second: ""}
    with client(here, file) as page:
        found = page.get("/api/marks").json()
        assert [one["candidate_id"] for one in found] == [second, first]
        assert {one["problem_id"] for one in found} == {"p0"}
        page.post("/api/marks", json={"candidate_id": first, "marked": False}, headers=POST)
        assert [one["candidate_id"] for one in rows(page, marked=1)[1]] == [second]
    assert [one.mark.candidate_id for one in read_marks(file)] == [second]


def test_marks_of_many_at_once_are_all_saved(tmp_path: Path) -> None:
    file = tmp_path / "marks.jsonl"
    some = [MarkFile(file), MarkFile(file)]

    def put(number: int) -> None:
        some[number % 2].put(f"c{number}", "p", "", marked=True)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(60)))
    assert {one.candidate_id for one in MarkFile(file).all()} == {f"c{n}" for n in range(60)}
    assert len(file.read_text().splitlines()) == 60


def test_marks_by_hand_are_read_and_of_two_the_last_one_counts(tmp_path: Path) -> None:
    file = tmp_path / "marks.jsonl"
    file.write_text('{"candidate_id": "a"}\n\n{"candidate_id": "a", "note": "again"}\n')
    assert [(one.candidate_id, one.note) for one in MarkFile(file).all()] == [("a", "again")]
    file.write_text('{"candidate_id": "b"}\n')
    marks = MarkFile(file)
    file.write_text('{"candidate_id": "b"}\n{"candidate_id": "c"}\n')
    marks.put("d", "", "", marked=True)
    assert set(marks.by_id()) == {"b", "c", "d"}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("{", "line 2: .*Invalid JSON"),
        ('{"note": "x"}', "line 2: .*candidate_id"),
        ('{"candidate_id": ""}', "line 2: expected the id of a candidate"),
        ('{"candidate_id": "a", "remark": ""}', "line 2: .*remark"),
        ('{"candidate_id": 5}', "line 2: .*candidate_id"),
        ("\u2028", "line 2"),
    ],
)
def test_a_line_that_is_no_mark_is_named(tmp_path: Path, line: str, found: str) -> None:
    file = tmp_path / "marks.jsonl"
    file.write_text('{"candidate_id": "a"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(InputFileError, match=found):
        MarkFile(file)


def test_a_place_that_cannot_hold_marks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="found a folder"):
        MarkFile(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputFileError, match="name another file with --marks"):
        MarkFile(tmp_path / "file" / "marks.jsonl").put("a", "", "", marked=True)
