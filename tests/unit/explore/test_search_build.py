"""The index of texts: built beside the page, gone on with after a kill, and said how far."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

import retort.explore.search_build as building
from factory.recipe_file import load_machine
from retort.explore.index_folder import Opened, open_source
from retort.explore.named_source import source_of
from retort.explore.search import Search
from retort.explore.search_files import TEXTS_FILE, read_state
from tests.unit.explore.opened_runs import client, made_rows, rows, write_data

_WAIT_S = 60.0


def light(root: Path, count: int) -> Opened:
    """Rows without an index of texts."""
    machine = write_data(root / "set", made_rows(count))
    (root / "explore").mkdir()
    return open_source(source_of(str(root / "set"), load_machine(str(machine))), root / "explore")


def test_a_page_is_served_while_the_index_is_built_and_then_searches(tmp_path: Path) -> None:
    here = light(tmp_path, 60)
    with client(here, tmp_path / "m.jsonl") as page:
        assert rows(page)[0] == 60
        deadline = time.monotonic() + _WAIT_S
        while (about := page.get("/api/about").json()["search"])["state"] != "ready":
            assert about["state"] == "building"
            answer = page.get("/api/rows", params={"q": "sum"})
            assert answer.status_code in (200, 503)
            if answer.status_code == 503:
                assert answer.json()["search"]["state"] == "building"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert (about["done"], about["total"]) == (60, 60)
        assert rows(page, q='"how much"')[0] == 60


def test_without_search_a_search_is_refused_and_lists_are_not(tmp_path: Path) -> None:
    with client(light(tmp_path, 9), tmp_path / "m.jsonl", search=False) as page:
        assert page.get("/api/rows", params={"q": "sum"}).status_code == 503
        assert page.get("/api/about").json()["search"]["state"] == "failed"
        assert rows(page)[0] == 9


def test_a_killed_build_goes_on_after_its_last_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = light(tmp_path, 200)
    script = (
        "import sys, os, signal\nfrom pathlib import Path\n"
        "import retort.explore.search_build as b\n"
        "b._TRANSACTION_CHARS = 1000\n"
        "now = b._Told.now\n"
        "b._Told.now = lambda self, done: os.kill(os.getpid(), signal.SIGKILL) if done == 120 "
        "else now(self, done)\n"
        "b.build_texts(Path(sys.argv[1]))\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(here.folder)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with closing(sqlite3.connect(here.folder / TEXTS_FILE)) as base:
        (done,) = base.execute("SELECT rows FROM done").fetchone()
    assert 0 < done < 120
    firsts: list[int] = []
    whole = building.searched_texts

    def watched(table: object, first: int) -> object:
        firsts.append(first)
        return whole(table, first)  # type: ignore[arg-type]

    monkeypatch.setattr(building, "searched_texts", watched)
    building.build_texts(here.folder)
    assert firsts == [done]
    search = Search.started(here.folder, here.table)
    assert sorted(search.rows('"how much"')) == list(range(200))
    state = read_state(here.folder)
    assert state is not None and (state.state, state.done) == ("ready", 200)


def test_the_builder_ends_with_its_server(tmp_path: Path) -> None:
    here = light(tmp_path, 9)
    gone = subprocess.run(
        [
            sys.executable,
            "-m",
            "retort.explore.search_build",
            str(here.folder),
            str(os.getpid() + 1),
        ],
        check=False,
    )
    assert gone.returncode == 1
    assert read_state(here.folder) is None


def test_a_build_that_cannot_read_its_files_says_so(tmp_path: Path) -> None:
    here = light(tmp_path, 9)
    for file in (tmp_path / "set" / "data").iterdir():
        file.unlink()
    module = [sys.executable, "-m", "retort.explore.search_build"]
    done = subprocess.run([*module, str(here.folder), str(os.getpid())], check=False)
    assert done.returncode == 1
    state = read_state(here.folder)
    assert state is not None and state.state == "failed" and "train-0.parquet" in state.message
