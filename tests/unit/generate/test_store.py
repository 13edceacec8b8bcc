"""The candidate store: what is committed stays, once, under its own identity."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from factory.errors import TeacherError
from factory.generate.store import CandidateStore, Completion, Failure, Identity
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


def test_what_was_put_is_read_back_whole_and_in_the_order_asked(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "store.sqlite"
    with CandidateStore(path) as store:
        for index in range(1200):
            store.put(identity(index), replace(COMPLETION, text=f"text {index}"))
    with CandidateStore(path) as store:
        ids = [identity(index).candidate_id for index in reversed(range(1200))]
        found = list(store.read(ids))
        assert [one.index for one, _ in found] == list(reversed(range(1200)))
        assert {completion.text for _, completion in found} == {f"text {n}" for n in range(1200)}
        assert store.known_ids([*ids, "0" * 32]) == set(ids)


def test_every_field_survives(tmp_path: Path) -> None:
    with CandidateStore(tmp_path / "store.sqlite") as store:
        store.put(identity(0), COMPLETION)
        store.flush()
        assert list(store.read([identity(0).candidate_id])) == [(identity(0), COMPLETION)]


def test_the_same_identity_is_kept_once_the_first_one(tmp_path: Path) -> None:
    with CandidateStore(tmp_path / "store.sqlite") as store:
        store.put(identity(0), replace(COMPLETION, text="first"))
        store.put(identity(0), replace(COMPLETION, text="second"))
        store.flush()
        (found,) = store.read([identity(0).candidate_id])
        assert found[1].text == "first"


def test_a_completion_takes_the_place_of_a_failure(tmp_path: Path) -> None:
    with CandidateStore(tmp_path / "store.sqlite") as store:
        one = identity(0).candidate_id
        store.put(identity(0), Failure(Drop.OVERLONG_PROMPT, "HTTP 400"))
        store.put(identity(0), Failure(Drop.FAILED, "HTTP 500"))
        store.flush()
        assert store.known_ids([one]) == set()
        assert store.failures([one]) == {one: Failure(Drop.FAILED, "HTTP 500")}
        store.put(identity(0), COMPLETION)
        store.flush()
        assert store.known_ids([one]) == {one}
        assert store.failures([one]) == {}


def test_a_file_that_is_no_store_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    path.write_bytes(b"not a database, " * 1000)
    with pytest.raises(TeacherError, match="candidate store"):
        CandidateStore(path)


def test_two_writers_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with CandidateStore(path) as one, CandidateStore(path) as two:
        for index in range(400):
            (one if index % 2 else two).put(identity(index), COMPLETION)
            two.put(identity(index), COMPLETION)
    with CandidateStore(path) as store:
        assert len(store.known_ids(identity(index).candidate_id for index in range(400))) == 400


WRITER = """
import sys
from pathlib import Path
from dataclasses import replace
from factory.generate.store import CandidateStore
from tests.unit.generate.test_store import COMPLETION, identity
first = int(sys.argv[2])
with CandidateStore(Path(sys.argv[1])) as store:
    for index in range(first, 10**9):
        store.put(identity(index), replace(COMPLETION, text=f"text {index}"))
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
            assert store.known_ids(ids) == set(ids)
            found = [(one.index, completion.text) for one, completion in store.read(ids)]
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
        assert store.known_ids(ids) == set(ids[:-1])
        store.put(identity(39), COMPLETION)
        store.flush()
        assert store.known_ids(ids) == set(ids)
