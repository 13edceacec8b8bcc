"""/api/problem of runs and datasets: all candidates, verdicts, texts, and where each ended."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factory.audit.problem_path import problem_path
from factory.errors import InputFileError, ManifestMismatch
from factory.run_record import read_run
from retort.explore.problem_reading import NO_TEXTS
from retort.explore.row_texts import TEXT_CHARS
from tests.unit.explore.opened_runs import (
    client,
    describe,
    made_rows,
    opened,
    rows,
    write_data,
)
from tests.unit.retort.run_folders import JOURNEY, Rows, write_run


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run"))


def test_each_candidate_ends_where_the_ledger_says(machine: Path) -> None:
    run = read_run(machine.parent / "runs" / "latest")
    with client(opened("latest", machine.parent, machine), machine.parent / "m.jsonl") as page:
        for problem_id in ("a", "b", "c"):
            answer = page.get("/api/problem", params={"id": problem_id}).json()
            path = problem_path(run, problem_id)
            told = {one.candidate_id: one for one in path.candidates}
            assert [one["candidate_id"] for one in answer["candidates"]] == list(told)
            for one in answer["candidates"]:
                wanted = told[one["candidate_id"]]
                assert one["fates"] == [fate.model_dump() for fate in wanted.fates]
                names = ("round", "index", "text", "verdict", "method", "extracted", "detail")
                assert [one[name] for name in names] == [getattr(wanted, name) for name in names]
            assert answer["problem"] == path.problem
            assert path.pass_rate is not None
            assert answer["pass_rate"] == pytest.approx(path.pass_rate["pass_rate"], abs=1e-6)


def test_reasons_of_a_run_are_those_of_its_ledger(machine: Path) -> None:
    with client(opened("latest", machine.parent, machine), machine.parent / "m.jsonl") as page:
        facets = page.get("/api/about").json()["facets"]
        assert dict(facets["reason"]) == {
            **{"kept": 3, "incorrect": 1, "surplus": 1, "merged": 1, "rewritten": 1},
            **{"near_duplicate": 1, "contaminated_sample": 1, "failed": 1},
        }
        assert dict(facets["round"]) == {"1": 7, "2": 2, "3": 1}
        total, [failed] = rows(page, reason="failed")
        assert (total, failed["candidate_id"], failed["verdict"]) == (1, "c-1", "")
        assert rows(page, verdict="incorrect", reason="merged")[1][0]["candidate_id"] == "b-1"
        assert page.get("/api/text", params={"id": "b-3"}).text.startswith("<think>\nas in")
        assert page.get("/api/text", params={"id": "c-1"}).status_code == 404


def test_a_dataset_shows_its_rows_and_of_what_was_dropped_the_ids(machine: Path) -> None:
    folder = machine.parent / "datasets" / "unit" / "1.0.0"
    with client(opened(str(folder), machine.parent, machine), machine.parent / "m.jsonl") as page:
        assert rows(page, reason="kept")[0] == 3
        answer = page.get("/api/problem", params={"id": "b"}).json()
        by_id = {one["candidate_id"]: one for one in answer["candidates"]}
        assert by_id[JOURNEY]["text"] and by_id[JOURNEY]["made_of"] == ["b-1", "b-2"]
        assert [one["what"] for one in by_id[JOURNEY]["fates"]] == ["journey", "published"]
        assert (by_id["b-3"]["text"], by_id["b-3"]["absent"]) == ("", NO_TEXTS)
        assert by_id["b-3"]["fates"][-1]["what"] == "contaminated_sample"


def test_a_name_opens_a_run_a_dataset_or_a_folder_and_nothing_else(
    machine: Path, tmp_path: Path
) -> None:
    root = machine.parent
    text = machine.read_text() + f'datasets = "{root}/datasets"\n'
    both = tmp_path / "machine.toml"
    both.write_text(text)
    for named, kind in (
        *(("unit-1", "run"), (str(root / "runs" / "unit-1"), "run")),
        *(("unit", "dataset"), ("unit/1.0.0", "dataset")),
    ):
        assert opened(named, tmp_path, both).kind == kind
    with pytest.raises(InputFileError, match="'nobody': expected a run below"):
        opened("nobody", tmp_path, both)


def test_a_folder_with_messages_alone_opens(tmp_path: Path) -> None:
    some = [{"messages": one["messages"]} for one in made_rows(12)]
    machine = write_data(tmp_path / "set", some, files=2)
    with client(opened(str(tmp_path / "set"), tmp_path, machine), tmp_path / "m.jsonl") as page:
        total, found = rows(page, sort="chars")
        assert total == 12
        assert {one["candidate_id"] for one in found} == {
            f"train-{file}-{row}" for file in (0, 1) for row in range(6)
        }
        assert len({one["problem_id"] for one in found}) == 4
        answer = page.get("/api/problem", params={"id": found[0]["problem_id"]}).json()
        assert len(answer["candidates"]) == 3
        assert answer["problem"]["statement"].startswith("How much is")
        assert rows(page, q='"how much"')[0] == 12


def test_rows_whose_ids_are_not_their_own_are_named_by_file_and_number(tmp_path: Path) -> None:
    some = [one | {"uuid": one["problem_id"]} for one in made_rows(12)]
    machine = write_data(tmp_path / "set", some, files=2)
    with client(opened(str(tmp_path / "set"), tmp_path, machine), tmp_path / "m.jsonl") as page:
        total, found = rows(page)
        assert total == 12
        assert {one["candidate_id"] for one in found} == {
            f"train-{file}-{row}" for file in (0, 1) for row in range(6)
        }
        answer = page.get("/api/problem", params={"id": "p1"}).json()
        assert len(answer["candidates"]) == 3
        said = [turn["content"] for turn in answer["problem"]["history"]]
        assert answer["problem"]["statement"] not in said


def test_a_folder_without_messages_is_refused(tmp_path: Path) -> None:
    machine = write_data(tmp_path / "set", [{"id": 1, "text": "x"}], files=1)
    with pytest.raises(InputFileError, match="expected a column `messages`"):
        opened(str(tmp_path / "set"), tmp_path, machine)


def test_long_texts_are_cut_and_said_to_be_and_given_whole_alone(tmp_path: Path) -> None:
    some = made_rows(3)
    hostile = "<script>alert(1)</script> \u202e $\\frac{" + "x" * 1_000_000
    some[0]["messages"][-1]["content"] = hostile
    machine = write_data(tmp_path / "set", some)
    with client(opened(str(tmp_path / "set"), tmp_path, machine), tmp_path / "m.jsonl") as page:
        answer = page.get("/api/problem", params={"id": "p0"}).json()
        cut = [one for one in answer["candidates"] if one["cut"]]
        assert [one["text"] for one in cut] == [hostile[:TEXT_CHARS]]
        assert cut[0]["chars"] == len(hostile)
        whole = page.get("/api/text", params={"id": cut[0]["candidate_id"]})
        assert whole.text == hostile
        assert whole.headers["content-type"] == "text/plain; charset=utf-8"


def test_odd_values_of_others_are_answered_as_json(tmp_path: Path) -> None:
    some: list[dict[str, Any]] = [
        {"uuid": None, "messages": None, "verification_info": "[", "pass_rate": float("nan")},
        {"uuid": "b", "messages": [], "verification_info": None, "pass_rate": None},
        {
            **{"uuid": "c", "verification_info": '"words"', "pass_rate": float("inf")},
            "messages": [{"role": "assistant", "content": None}],
        },
    ]
    schema = {"messages": [{"role": "user", "content": "x"}], "pass_rate": 0.5, "uuid": "d"}
    for one in some:
        one["source"] = {"name": "a struct"}
    machine = write_data(tmp_path / "set", [*some, {**schema, "verification_info": ""}], files=1)
    with client(opened(str(tmp_path / "set"), tmp_path, machine), tmp_path / "m.jsonl") as page:
        for one in rows(page)[1]:
            answer = page.get("/api/problem", params={"id": one["problem_id"]})
            assert answer.status_code == 200, answer.text
            assert json.loads(answer.text)["candidates"]


# ------------------------------------------------------------------------------------------- index


def test_an_index_is_kept_and_made_anew_where_a_file_changed(tmp_path: Path) -> None:
    machine = write_data(tmp_path / "set", made_rows(9))
    first = opened(str(tmp_path / "set"), tmp_path, machine)
    before = {one: one.stat().st_mtime_ns for one in first.folder.iterdir()}
    again = opened(str(tmp_path / "set"), tmp_path, machine)
    assert {one: one.stat().st_mtime_ns for one in again.folder.iterdir()} == before
    write_data(tmp_path / "set", made_rows(12))
    other = opened(str(tmp_path / "set"), tmp_path, machine)
    assert other.folder != first.folder
    assert other.table.head.rows == 12


def test_a_build_that_failed_leaves_nothing(tmp_path: Path) -> None:
    machine = write_data(tmp_path / "set", made_rows(9))
    broken = tmp_path / "set" / "data" / "train-1.parquet"
    broken.write_bytes(broken.read_bytes()[:-50])
    with pytest.raises((ManifestMismatch, pa.ArrowInvalid)):
        opened(str(tmp_path / "set"), tmp_path, machine)
    assert list((tmp_path / "explore").iterdir()) == []


def test_an_id_that_comes_twice_in_a_dataset_of_retort_is_an_error(tmp_path: Path) -> None:
    some = [one | {"made_of": [one["uuid"]]} for one in made_rows(9)]
    some[8]["uuid"] = some[0]["uuid"]
    machine = write_data(tmp_path / "set", some)
    describe(tmp_path / "set", "unit")
    with pytest.raises(ManifestMismatch, match="expected it once"):
        opened(str(tmp_path / "set"), tmp_path, machine)


def test_a_file_that_goes_while_it_is_shown_is_an_answer_not_a_trace(tmp_path: Path) -> None:
    machine = write_data(tmp_path / "set", made_rows(9))
    with client(opened(str(tmp_path / "set"), tmp_path, machine), tmp_path / "m.jsonl") as page:
        for file in (tmp_path / "set" / "data").iterdir():
            file.unlink()
        assert rows(page)[0] == 9
        answer = page.get("/api/problem", params={"id": "p0"})
        assert answer.status_code == 500
        assert "start the explorer again" in answer.json()["error"]


def test_a_run_with_a_foreign_verdict_is_refused(tmp_path: Path) -> None:
    def spoil(some: Rows) -> None:
        some.verdicts[0].reverse()

    machine = write_run(tmp_path, spoil)
    with pytest.raises(ManifestMismatch, match="expected the verdicts of"):
        opened("latest", tmp_path, machine)


def test_every_row_of_a_dataset_is_there_once(tmp_path: Path) -> None:
    machine = write_data(tmp_path / "set", made_rows(50), files=4)
    here = opened(str(tmp_path / "set"), tmp_path, machine)
    found = Counter(here.table.candidate_id(row) for row in range(50))
    files = [pq.read_table(one) for one in (tmp_path / "set" / "data").iterdir()]
    assert found == Counter(one for table in files for one in table["uuid"].to_pylist())
