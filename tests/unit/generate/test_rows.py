"""Parts from the store: the very bytes that the same candidates make as plain rows."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from factory.digest import digest
from factory.generate.identity import Completion, Failure, Identity
from factory.generate.rows import FAILURE, Parts, Requested
from factory.generate.store import CandidateStore
from factory.parts import as_table, read_part, write_part
from schemas.arrow import CANDIDATE
from schemas.candidate import FinishReason
from schemas.sample import Drop

COUNT = 600
PER_PART = 250


def made(number: int) -> tuple[Identity, Completion | Failure]:
    """A candidate; all that may be missing is, somewhere, and one in a hundred has failed."""
    one = Identity(f"sums/{number // 8}", number % 8, "tiny@1", "s" * 64, f"{number // 8:064x}")
    if number % 100 == 7:
        return one, Failure(Drop.FAILED, f"HTTP 500 zwölf {number}")
    completion = Completion(
        text="" if number == 3 else f"<think>\n{number} 🙂\n</think>\n" + "sum " * (number % 97),
        finish_reason=FinishReason.LENGTH if number % 3 == 0 else FinishReason.STOP,
        prompt_tokens=None if number % 5 == 0 else 60,
        completion_tokens=None if number % 7 == 0 else number,
        seed=None if number % 2 else 2**47 + number,
        server="http://one/v1",
        engine="vllm 0",
        created_unix_s=1e9 + number / 7,
        wall_s=None if number % 11 == 0 else number / 3,
    )
    return one, completion


def row(one: Identity, completion: Completion, rewrites: dict[str, str]) -> dict[str, Any]:
    """What a part holds of a candidate."""
    return {
        "candidate_id": one.candidate_id,
        **{name: getattr(one, name) for name in Identity.__annotations__},
        **completion._asdict(),
        "finish_reason": completion.finish_reason.value,
        "round": 2,
        "rewrites": rewrites.get(one.candidate_id),
        "label": None,
    }


def test_parts_from_the_store_are_the_bytes_that_plain_rows_make(tmp_path: Path) -> None:
    all_made = [made(number) for number in range(COUNT)]
    requested: list[Requested] = [
        (one.candidate_id, one.problem_id, one.index) for one, _ in all_made
    ]
    rewrites = {candidate: "f" * 32 for candidate, _, index in requested if index == 0}
    stored = [(one.candidate_id, one, said) for one, said in all_made]
    random.Random(1).shuffle(stored)
    parts = Parts(tmp_path / "out", "key", PER_PART, round=2)
    with CandidateStore(tmp_path / "store.sqlite") as store:
        for start in range(0, COUNT, 50):
            store.put_many(stored[start : start + 50])
            store.flush()
        parts.from_store(store, requested, rewrites)
    rows = [row(one, said, rewrites) for one, said in all_made if isinstance(said, Completion)]
    assert (parts.candidates, dict(parts.drops)) == (594, {"failed": 6})
    assert [part.rows for part in parts.written] == [250, 250, 94, 6]
    for number, part in enumerate(parts.written[:3]):
        chunk = rows[number * PER_PART :][:PER_PART]
        ids = [one["candidate_id"] for one in chunk]
        plain = write_part(
            tmp_path / "plain",
            part.path,
            as_table(chunk, CANDIDATE),
            made_from=digest({"key": "key", "ids": ids}),
        )
        assert plain == part
    failures = read_part(tmp_path / "out", parts.written[3], FAILURE).to_pylist()
    assert failures[0]["detail"] == "HTTP 500 zwölf 7"


def test_the_rows_of_a_fixed_small_generation_do_not_change(tmp_path: Path) -> None:
    # The digest is of what the rows say, not of the file: another pyarrow writes other bytes.
    all_made = [made(number) for number in range(24)]
    parts = Parts(tmp_path / "out", "key", PER_PART, round=2)
    with CandidateStore(tmp_path / "store.sqlite") as store:
        store.put_many([(one.candidate_id, one, said) for one, said in all_made])
        store.flush()
        parts.from_store(
            store, [(one.candidate_id, one.problem_id, one.index) for one, _ in all_made]
        )
    candidates = read_part(tmp_path / "out", parts.written[0], CANDIDATE).to_pylist()
    failures = read_part(tmp_path / "out", parts.written[1], FAILURE).to_pylist()
    assert digest(candidates) == "142ac73136822cdf19bfc72868caa3ea13e606a7c03d6212fb1accdf2739ce5b"
    assert digest(failures) == "b39f3008ec466ca5e16272ade1e596dab25c4491465e9296dd6d11df88af458c"
