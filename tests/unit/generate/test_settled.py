"""Texts stand on disk once: blocks of a store that move into the parts of an artifact."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from factory.errors import TeacherError
from factory.generate.identity import Completion, Identity
from factory.generate.rows import Parts, Requested
from factory.generate.store import CandidateStore
from factory.generate.store_form import LAYOUT, PLACES
from schemas.candidate import FinishReason

COUNT = 1200
PER_PART = 250


def made(number: int) -> tuple[str, Identity, Completion]:
    """A candidate with a text of 4 KB that nothing packs."""
    one = Identity(f"sums/{number // 8:04d}", number % 8, "tiny@1", "s" * 64, "p" * 64)
    completion = Completion(
        text=random.Random(number).randbytes(2000).hex(),
        finish_reason=FinishReason.STOP,
        prompt_tokens=None,
        completion_tokens=9,
        seed=number,
        server="http://one/v1",
        engine="vllm 0",
        created_unix_s=1e9 + number / 7,
        wall_s=None,
    )
    return one.candidate_id, one, completion


ALL = [made(number) for number in range(COUNT)]
REQUESTED: list[Requested] = [(key, one.problem_id, one.index) for key, one, _ in ALL]
TEXTS = [said.text for _, _, said in ALL]


def drawn(path: Path) -> None:
    """A store with all of them, in an order of its own, a few kept in each commit."""
    shuffled = random.Random(1).sample(ALL, COUNT)
    with CandidateStore(path) as store:
        for start in range(0, COUNT, 100):
            store.put_many(shuffled[start : start + 100])
            store.flush()


def parts_from(
    path: Path,
    out_dir: Path,
    requested: list[Requested] = REQUESTED,
    rows: int = PER_PART,
) -> list[tuple[str, str]]:
    """Path and digest of the parts that a stage makes of it."""
    parts = Parts(out_dir, "key", rows, round=1)
    with CandidateStore(path) as store:
        parts.from_store(store, requested)
    return [(part.path, part.sha256) for part in parts.written]


def texts(path: Path, numbers: list[int]) -> list[str]:
    """What the store has of some candidates, in their order."""
    ids = [ALL[number][0] for number in numbers]
    with CandidateStore(path) as store:
        places = store.places(ids)
        found: list[str] = store.rows([places[one] for one in ids])["text"].to_pylist()
        return found


def layouts(path: Path) -> dict[int, int]:
    """Layout -> number of blocks."""
    with closing(sqlite3.connect(path)) as file:
        return dict(file.execute("SELECT layout, COUNT(*) FROM blocks GROUP BY layout"))


def test_what_is_in_parts_is_stored_there_alone_and_read_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    drawn(path)
    before = path.stat().st_size
    written = parts_from(path, tmp_path / "one")
    assert layouts(path).keys() == {PLACES}
    assert before > 2_000_000 > 10 * path.stat().st_size  # given back to the file system
    linked = sorted(one.name for one in path.with_suffix(".parts").iterdir())
    assert linked == sorted(f"{digest}.parquet" for _, digest in written)
    assert all((tmp_path / "one" / name).stat().st_nlink == 2 for name, _ in written)

    order = random.Random(2).sample(range(COUNT), COUNT)
    assert texts(path, order) == [TEXTS[number] for number in order]
    shutil.rmtree(tmp_path / "one")
    assert parts_from(path, tmp_path / "one") == written
    assert texts(path, [5, 1100, 5]) == [TEXTS[5], TEXTS[1100], TEXTS[5]]


def test_parts_of_another_size_are_made_of_settled_ones(tmp_path: Path) -> None:
    drawn(tmp_path / "store.sqlite")
    plain = tmp_path / "plain.sqlite"
    shutil.copy(tmp_path / "store.sqlite", plain)
    parts_from(tmp_path / "store.sqlite", tmp_path / "one")
    again = parts_from(tmp_path / "store.sqlite", tmp_path / "two", rows=333)
    assert again == parts_from(plain, tmp_path / "three", rows=333)
    assert len(list((tmp_path / "store.parts").iterdir())) == 5  # nothing moves twice


def test_a_block_stays_until_all_of_it_is_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    drawn(path)
    some = [one for one in REQUESTED if one[2] < 7]
    parts_from(path, tmp_path / "one", some)
    assert layouts(path).keys() == {LAYOUT}
    assert texts(path, [0, 7]) == [TEXTS[0], TEXTS[7]]


def test_new_candidates_stand_beside_settled_ones(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with CandidateStore(path) as store:
        store.put_many(ALL[:600])
    parts_from(path, tmp_path / "one", REQUESTED[:600])
    with CandidateStore(path) as store:
        store.put_many(ALL[500:])  # a hundred of them are there already
    assert texts(path, list(range(COUNT))) == TEXTS
    parts_from(path, tmp_path / "two")
    assert texts(path, list(range(COUNT))) == TEXTS


def test_without_hard_links_texts_stay_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "store.sqlite"
    drawn(path)

    def no_link(source: object, target: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", no_link)
    monkeypatch.setenv("RETORT_PROGRESS", "1")
    parts_from(path, tmp_path / "one")
    assert layouts(path).keys() == {LAYOUT}
    assert capsys.readouterr().err.count("texts are kept twice") == 1
    shutil.rmtree(tmp_path / "one")
    assert texts(path, [3]) == [TEXTS[3]]


def test_a_damaged_part_is_mended_by_writing_it_again(tmp_path: Path) -> None:
    path, whole = tmp_path / "store.sqlite", tmp_path / "whole.sqlite"
    drawn(path)
    shutil.copy(path, whole)
    written = parts_from(path, tmp_path / "one")
    part = path.with_suffix(".parts") / f"{written[0][1]}.parquet"
    part.unlink()
    part.write_bytes(b"damaged")
    shutil.copytree(path.with_suffix(".parts"), whole.with_suffix(".parts"))
    assert parts_from(whole, tmp_path / "two") == written
    assert texts(whole, list(range(COUNT))) == TEXTS
    assert not list(whole.with_suffix(".parts").glob(".*"))


def test_a_part_that_a_stopped_run_left_is_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    drawn(path)
    whole = tmp_path / "whole.sqlite"
    shutil.copy(path, whole)
    written = parts_from(whole, tmp_path / "one")
    for name, _ in written[1:]:
        (tmp_path / "one" / name).unlink()
    content = bytearray((tmp_path / "one" / written[0][0]).read_bytes())
    content[5000] ^= 1
    (tmp_path / "one" / written[0][0]).unlink()
    (tmp_path / "one" / written[0][0]).write_bytes(content)
    parts_from(path, tmp_path / "one")
    assert texts(path, list(range(COUNT))) == TEXTS


@pytest.mark.parametrize("harm", ["other bytes", "gone"])
def test_a_damaged_part_is_named_and_what_it_held_can_be_drawn_anew(
    tmp_path: Path, harm: str
) -> None:
    path = tmp_path / "store.sqlite"
    drawn(path)
    (_, digest), *_ = parts_from(path, tmp_path / "one")
    part = path.with_suffix(".parts") / f"{digest}.parquet"
    content = part.read_bytes()
    part.unlink()
    if harm == "other bytes":
        part.write_bytes(content[:5000] + bytes([content[5000] ^ 1]) + content[5001:])
    assert texts(path, [COUNT - 1]) == [TEXTS[-1]]
    with pytest.raises(TeacherError, match=f"part 1: expected the comp.*{digest}.parquet") as one:
        texts(path, [0])
    remedy = re.search(r"`(DELETE .*?)`", str(one.value))
    assert remedy is not None
    with closing(sqlite3.connect(path)) as file:
        file.execute(remedy[1])
        file.commit()
    with CandidateStore(path) as store:
        assert ALL[0][0] not in store.places([ALL[0][0]])
        store.put_many(ALL[:1])
    assert texts(path, [0, COUNT - 1]) == [TEXTS[0], TEXTS[-1]]


KILLED = """
import os, signal, sys
from pathlib import Path
from factory.generate import settled
from tests.unit.generate.test_settled import parts_from

name, calls = sys.argv[3], int(sys.argv[4])
whole, count = getattr(settled.SettledParts, name), 0

def struck(self, *values):
    global count
    count += 1
    if count == calls:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(self, *values)

setattr(settled.SettledParts, name, struck)
parts_from(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.parametrize(
    ("name", "calls"), [("_number", 1), ("_move", 2), ("settle", 4), ("give_back", 1)]
)
def test_a_kill_while_texts_move_loses_nothing(tmp_path: Path, name: str, calls: int) -> None:
    path = tmp_path / "store.sqlite"
    drawn(path)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), str(tmp_path / "one"), name, str(calls)],
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    with closing(sqlite3.connect(path)) as file:  # as a kill in the middle of giving back leaves it
        file.execute("PRAGMA auto_vacuum = FULL")
    assert texts(path, list(range(COUNT))) == TEXTS
    written = parts_from(path, tmp_path / "one")
    shutil.rmtree(tmp_path / "one")
    assert parts_from(path, tmp_path / "one") == written
    assert texts(path, list(range(COUNT))) == TEXTS
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA auto_vacuum").fetchone() == (2,)


OLDER = """
CREATE TABLE candidates (
    id BLOB NOT NULL PRIMARY KEY, block INTEGER NOT NULL, place INTEGER NOT NULL,
    created_unix_s REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE blocks (
    number INTEGER PRIMARY KEY, layout INTEGER NOT NULL, content_bytes INTEGER NOT NULL,
    crc32 INTEGER NOT NULL, content BLOB NOT NULL);
CREATE TABLE layouts (layout INTEGER PRIMARY KEY, arrow_schema BLOB NOT NULL);
"""


def test_a_store_from_before_parts_is_read_and_goes_on(tmp_path: Path) -> None:
    new, path = tmp_path / "new.sqlite", tmp_path / "store.sqlite"
    with CandidateStore(new) as store:
        store.put_many(ALL[:300])
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode = WAL")
        file.executescript(OLDER)
        file.execute("ATTACH ? AS new", (str(new),))
        columns = "number, layout, content_bytes, crc32, content"
        file.execute("INSERT INTO candidates SELECT * FROM new.candidates")
        file.execute(f"INSERT INTO blocks SELECT {columns} FROM new.blocks")
        file.execute("INSERT INTO layouts SELECT * FROM new.layouts WHERE layout = 1")
        file.commit()
    with CandidateStore(path) as store:
        store.put_many(ALL[300:])
    parts_from(path, tmp_path / "one")
    found = layouts(path)
    assert found[LAYOUT] >= 1 <= found[PLACES]
    assert texts(path, list(range(COUNT))) == TEXTS
