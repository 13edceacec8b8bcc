"""The candidate store: what is committed stays, once, under its own identity."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from factory.errors import TeacherError
from factory.generate.blocks import STORED
from factory.generate.identity import Completion, Failure, Identity
from factory.generate.store import CandidateStore
from factory.generate.store_form import LAYOUT
from schemas.candidate import FinishReason
from schemas.sample import Drop

COMPLETION = Completion(
    text="<think>\nzwölf 🙂\n</think>\n12",
    finish_reason=FinishReason.STOP,
    prompt_tokens=5,
    completion_tokens=9,
    seed=2**48,
    server="http://127.0.0.1:1/v1",
    engine="vllm 0",
    created_unix_s=1.5,
    wall_s=0.25,
)


def identity(index: int, problem: str = "sums/1") -> Identity:
    return Identity(problem, index, "tiny@1", "s" * 64, "p" * 64)


def read(store: CandidateStore, ids: list[str]) -> list[tuple[Identity, Completion]]:
    """What the store has of `ids`, in their order."""
    places = store.places(ids)
    rows = store.rows([places[one] for one in ids if one in places]).to_pylist()
    return [(_made(Identity, row), _made(Completion, row)) for row in rows]


def _made(kind: Callable[..., Any], row: dict[str, Any]) -> Any:
    return kind(**{name: row[name] for name in kind.__annotations__})


def test_what_was_put_is_read_back_whole_and_in_the_order_asked(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "store.sqlite"
    with CandidateStore(path) as store:
        for index in range(1200):
            store.put(identity(index), COMPLETION._replace(text=f"text {index}"))
    with CandidateStore(path) as store:
        ids = [identity(index).candidate_id for index in reversed(range(1200))]
        found = read(store, ids)
        assert [one.index for one, _ in found] == list(reversed(range(1200)))
        assert {completion.text for _, completion in found} == {f"text {n}" for n in range(1200)}
        assert set(store.places([*ids, "0" * 32])) == set(ids)


def test_every_field_survives(tmp_path: Path) -> None:
    with CandidateStore(tmp_path / "store.sqlite") as store:
        store.put(identity(0), COMPLETION)
        store.flush()
        assert read(store, [identity(0).candidate_id]) == [(identity(0), COMPLETION)]


def test_the_same_identity_is_kept_once_the_first_one(tmp_path: Path) -> None:
    with CandidateStore(tmp_path / "store.sqlite") as store:
        store.put(identity(0), COMPLETION._replace(text="first"))
        store.put(identity(0), COMPLETION._replace(text="second"))
        store.flush()
        (found,) = read(store, [identity(0).candidate_id])
        assert found[1].text == "first"


def test_a_completion_takes_the_place_of_a_failure(tmp_path: Path) -> None:
    with CandidateStore(tmp_path / "store.sqlite") as store:
        one = identity(0).candidate_id
        store.put(identity(0), Failure(Drop.OVERLONG_PROMPT, "HTTP 400"))
        store.put(identity(0), Failure(Drop.FAILED, "HTTP 500"))
        store.flush()
        assert set(store.places([one])) == set()
        assert store.failures([one]) == {one: Failure(Drop.FAILED, "HTTP 500")}
        store.put(identity(0), COMPLETION)
        store.flush()
        assert set(store.places([one])) == {one}
        assert store.failures([one]) == {}


def test_a_file_that_is_no_store_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    path.write_bytes(b"not a database, " * 1000)
    with pytest.raises(TeacherError, match="candidate store"):
        CandidateStore(path)


def test_a_text_that_is_no_unicode_has_question_marks_and_harms_no_other(tmp_path: Path) -> None:
    with CandidateStore(tmp_path / "store.sqlite") as store:
        texts = ["before", "lone \ud800 half", "", "after"]
        store.put_many(
            [
                (identity(n).candidate_id, identity(n), COMPLETION._replace(text=text))
                for n, text in enumerate(texts)
            ]
        )
        store.flush()
        found = read(store, [identity(n).candidate_id for n in range(4)])
    assert [one.text for _, one in found] == ["before", "lone ? half", "", "after"]


def test_texts_longer_than_a_block_and_those_around_them_are_read_in_any_order(
    tmp_path: Path,
) -> None:
    sizes = [1, 2_000_000, 10, 600_000, 300_000, 300_000, 0, 7]
    with CandidateStore(tmp_path / "store.sqlite") as store:
        store.put_many(
            [
                (identity(n).candidate_id, identity(n), COMPLETION._replace(text=str(n) * size))
                for n, size in enumerate(sizes)
            ]
        )
        store.flush()
        order = [7, 0, 5, 1, 3, 2, 6, 4, 1]
        found = read(store, [identity(n).candidate_id for n in order])
    assert [one.text for _, one in found] == [str(n) * sizes[n] for n in order]


FIRST_FORM = """
CREATE TABLE candidates (
    id BLOB NOT NULL UNIQUE,
    problem_id TEXT NOT NULL, "index" INTEGER NOT NULL, teacher TEXT NOT NULL,
    sampling_digest TEXT NOT NULL, prompt_digest TEXT NOT NULL,
    text BLOB NOT NULL, text_bytes INTEGER NOT NULL, finish_reason TEXT NOT NULL,
    prompt_tokens INTEGER, completion_tokens INTEGER, seed INTEGER,
    server TEXT NOT NULL, engine TEXT NOT NULL, created_unix_s REAL NOT NULL, wall_s REAL);
CREATE TABLE failures (
    id BLOB NOT NULL UNIQUE,
    reason TEXT NOT NULL, detail TEXT NOT NULL, created_unix_s REAL NOT NULL);
CREATE TABLE settings (sampling_digest TEXT NOT NULL PRIMARY KEY, content TEXT NOT NULL);
"""
"""The tables of a store as Retort wrote them before there were blocks."""


def first_form(path: Path, indices: range) -> None:
    """A store of the first form, whose texts say so."""
    packing = pa.Codec("zstd", compression_level=3)
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode = WAL")
        file.executescript(FIRST_FORM)
        for index in indices:
            one, text = identity(index), f"first form {index} zwölf".encode()
            file.execute(
                "INSERT INTO candidates VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                (
                    bytes.fromhex(one.candidate_id),
                    *(one.problem_id, one.index, one.teacher),
                    *(one.sampling_digest, one.prompt_digest),
                    *(packing.compress(text, asbytes=True), len(text)),
                    *("length", None, 9, 2**48, "http://one/v1", "vllm 0", 1.5, None),
                ),
            )
        failed = bytes.fromhex(identity(10**6).candidate_id)
        file.execute("INSERT INTO failures VALUES (?, 'failed', 'HTTP 500', 1.5)", (failed,))
        file.execute("INSERT INTO settings VALUES ('s', '{}')")
        file.commit()


def test_a_file_of_the_first_form_is_read_and_goes_on_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    first_form(path, range(5))
    for _ in range(2):
        with CandidateStore(path) as store:
            for index in range(8):
                store.put(identity(index), COMPLETION._replace(text=f"new {index}"))
            store.flush()
            ids = [identity(index).candidate_id for index in (6, 1, 7, 0, 4, 5)]
            found = read(store, ids)
            failed = identity(10**6).candidate_id
            assert store.failures([failed]) == {failed: Failure(Drop.FAILED, "HTTP 500")}
            assert store.settings("s") == "{}"
        assert [completion.text for _, completion in found] == [
            "new 6",
            *("first form 1 zwölf", "new 7", "first form 0 zwölf", "first form 4 zwölf"),
            "new 5",
        ]
        assert found[1] == (
            identity(1),
            Completion(
                text="first form 1 zwölf",
                finish_reason=FinishReason.LENGTH,
                prompt_tokens=None,
                completion_tokens=9,
                seed=2**48,
                server="http://one/v1",
                engine="vllm 0",
                created_unix_s=1.5,
                wall_s=None,
            ),
        )


def test_a_damaged_block_is_named_and_what_it_held_can_be_drawn_anew(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    ids = [identity(index).candidate_id for index in range(4)]
    with CandidateStore(path) as store:
        for index in range(4):
            store.put(identity(index), COMPLETION)
            if index % 2:
                store.flush()
    with closing(sqlite3.connect(path)) as file:
        (content,) = file.execute("SELECT content FROM blocks WHERE number = 1").fetchone()
        changed = content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]
        file.execute("UPDATE blocks SET content = ? WHERE number = 1", (changed,))
        file.commit()
    with CandidateStore(path) as store:
        assert read(store, ids[2:]) == [(identity(2), COMPLETION), (identity(3), COMPLETION)]
        with pytest.raises(TeacherError, match="block 1: expected the completions") as caught:
            read(store, ids)
    remedy = re.search(r"`(DELETE .*?)`", str(caught.value))
    assert remedy is not None
    with closing(sqlite3.connect(path)) as file:
        file.execute(remedy[1])
        file.commit()
    with CandidateStore(path) as store:
        assert set(store.places(ids)) == set(ids[2:])
        store.put(identity(0), COMPLETION)
        store.flush()
        assert read(store, ids[:1]) == [(identity(0), COMPLETION)]


def test_blocks_of_other_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    CandidateStore(path).close()
    other = pa.schema([("text", pa.string())]).serialize().to_pybytes()
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE layouts SET arrow_schema = ?", (other,))
        file.commit()
    with pytest.raises(TeacherError, match=r"layout 1: expected .* found \['text'\]"):
        CandidateStore(path)


def test_the_columns_of_a_layout_do_not_change() -> None:
    # Where this fails, stores that exist could not be read: give other columns another layout.
    columns = ", ".join(f"{one.name} {one.type}{'' if one.nullable else '!'}" for one in STORED)
    assert (LAYOUT, columns) == (
        1,
        "problem_id string!, index int32!, teacher string!, sampling_digest string!, "
        "prompt_digest string!, text large_string!, finish_reason string!, prompt_tokens int32, "
        "completion_tokens int32, seed int64, server string!, engine string!, "
        "created_unix_s double!, wall_s double",
    )


def test_two_writers_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with CandidateStore(path) as one, CandidateStore(path) as two:
        for index in range(400):
            (one if index % 2 else two).put(identity(index), COMPLETION)
            two.put(identity(index), COMPLETION)
    with CandidateStore(path) as store:
        assert len(store.places(identity(index).candidate_id for index in range(400))) == 400


WRITER = """
import sys
from pathlib import Path
from factory.generate.store import CandidateStore
from tests.unit.generate.test_store import COMPLETION, identity
first = int(sys.argv[2])
with CandidateStore(Path(sys.argv[1])) as store:
    for index in range(first, 10**9):
        store.put(identity(index), COMPLETION._replace(text=f"text {index}"))
        if (index + 1) % 200 == 0:
            store.flush()
            print(index + 1, flush=True)
"""


def test_a_killed_writer_loses_no_committed_row_and_leaves_no_duplicate(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    committed = 0
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(max(0, committed - 100))],
            stdout=subprocess.PIPE,
            text=True,
        )
        with writer:
            assert writer.stdout is not None
            committed = int(writer.stdout.readline())
            time.sleep(0.3)
            os.kill(writer.pid, signal.SIGKILL)
            committed = max(committed, *map(int, writer.stdout.read().split()), 0)
        with CandidateStore(path) as store:
            ids = [identity(index).candidate_id for index in range(committed)]
            assert set(store.places(ids)) == set(ids)
            found = [(one.index, completion.text) for one, completion in read(store, ids)]
            assert found == [(index, f"text {index}") for index in range(committed)]


TORN = """
import os, sys
from pathlib import Path
from factory.generate.store import CandidateStore
from tests.unit.generate.test_store import COMPLETION, identity
store = CandidateStore(Path(sys.argv[1]))
for index in range(40):
    store.put(identity(index), COMPLETION)
    store.flush()
os._exit(0)
"""


def test_a_torn_tail_of_the_log_loses_the_torn_commit_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    subprocess.run([sys.executable, "-c", TORN, str(path)], check=True)
    log = path.with_name(path.name + "-wal")
    whole = log.read_bytes()
    log.write_bytes(whole[:-100] + b"\xff" * 37)
    ids = [identity(index).candidate_id for index in range(40)]
    with CandidateStore(path) as store:
        assert set(store.places(ids)) == set(ids[:-1])
        store.put(identity(39), COMPLETION)
        store.flush()
        assert set(store.places(ids)) == set(ids)
