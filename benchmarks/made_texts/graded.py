"""Finished artifacts of collect, generate and grade, as large as wanted, part by part.

A problem has four right candidates and sometimes a wrong one. Each text follows from the seed and
its number alone, so that parts are made side by side and a copy of an earlier text needs no memory.
What is planted is in `planted-*.parquet` beside the artifacts, one row per planted candidate.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache, partial
from pathlib import Path
from random import Random
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from factory.executor import Executor
from factory.ledger import entry
from factory.parts import (
    as_table,
    kept_part,
    map_parts,
    part_name,
    parts_digest,
    write_manifest,
    write_part,
)
from schemas.arrow import CANDIDATE, PROBLEM, VERDICT
from schemas.manifest import Manifest, PartFile

from .pieces import Item, pieces
from .spans import Change, disguised, long_enough
from .texts import REASONING, drawn, jaccard, mean_chars, nearly, text_of, wrapped

RIGHT: Final = 4
_WRONG_SHARE: Final = 1 / 3
_PROBLEMS_PER_PART: Final = 900
_SPAN_WORDS: Final = 13
_SOURCES: Final = (("made-algebra", "math"), ("made-words", "math"), ("made-science", "stem"))
_FOREIGN: Final = "我们先把这个问题分成几个部分，然后逐一计算每个部分的结果。"


class Planted(StrEnum):
    """What a candidate is beside a trace like any other."""

    NEAR_WITHIN = "near_within"
    """A near duplicate of another trace to its problem."""
    NEAR_ACROSS = "near_across"
    """A near duplicate of a trace to another problem."""
    EXACT = "exact"
    CONTAMINATED = "contaminated"
    MIXED = "mixed_language"
    LOOP = "repetition"


_SHARES: Final = {
    2: {
        Planted.NEAR_ACROSS: 0.015,
        Planted.CONTAMINATED: 0.01,
        Planted.MIXED: 0.005,
        Planted.LOOP: 0.005,
    },
    3: {Planted.NEAR_WITHIN: 0.04, Planted.EXACT: 0.02},
}
"""Of the third and the fourth candidates; the first two are never anything but traces, so that what
is copied of them is there."""

PLANTED: Final = pa.schema(
    [
        pa.field("candidate_id", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("of", pa.string()),
        pa.field("similarity", pa.float64()),
    ]
)
"""`of` is the copied candidate or the benchmark's item; `similarity` that of what shard compares:
completions within a problem, statements with completions across problems."""


@dataclass(frozen=True)
class Trace:
    """One candidate's text, and what was planted."""

    text: str
    kind: Planted | None = None
    of: str = ""
    similarity: float | None = None


@dataclass(frozen=True)
class Graded:
    """Folders of the artifacts, and what is in them."""

    problems: Path
    candidates: Path
    verdicts: Path
    samples: int
    """Right candidates."""
    rows: int
    """All candidates."""
    bytes: int
    """Of all completions."""


def write_graded(folder: Path, samples: int, *, workers: int, seed: int = 0) -> Graded:
    """The three artifacts, with `samples` right candidates; parts that are there are kept."""
    problems = range(0, samples // RIGHT, _PROBLEMS_PER_PART)
    ends = [min(first + _PROBLEMS_PER_PART, samples // RIGHT) for first in problems]
    todo = [range(first, end) for first, end in zip(problems, ends, strict=True)]
    parts: dict[int, _Part] = {}
    work = partial(_write_part, folder, seed=seed)
    for position, part in map_parts(work, list(enumerate(todo)), executor=Executor(workers)):
        parts[position] = part
    made = [parts[position] for position in sorted(parts)]
    for stage, kind in (("collect", "problem"), ("generate", "candidate"), ("grade", "verdict")):
        _finish(folder / stage, stage, [getattr(one, kind) for one in made])
    return Graded(
        *(folder / stage for stage in ("collect", "generate", "grade")),
        samples=samples // RIGHT * RIGHT,
        rows=sum(one.candidate.rows for one in made),
        bytes=sum(one.bytes for one in made),
    )


@dataclass(frozen=True)
class _Part:
    problem: PartFile
    candidate: PartFile
    verdict: PartFile
    bytes: int


def _write_part(folder: Path, item: tuple[int, range], *, seed: int) -> _Part:
    position, numbers = item
    mark = f"made {seed} {numbers}"
    names = {
        stage: (folder / stage, part_name(kind, position))
        for stage, kind in (
            ("collect", "problems"),
            ("generate", "candidates"),
            ("grade", "verdicts"),
        )
    }
    planted = folder / part_name("planted", position)
    kept = [kept_part(*names[stage], made_from=mark) for stage in names]
    if planted.exists() and all(kept):
        size = int((pq.read_metadata(planted).metadata or {})[b"bytes"])
        return _Part(*kept, bytes=size)  # pyright: ignore[reportArgumentType]
    rows: list[tuple[str, str, int, Trace, bool]] = []
    for number in numbers:
        rows += _candidates(number, seed)
    size = sum(len(trace.text.encode()) for _, _, _, trace, _ in rows)
    _write_planted(planted, rows, size)
    tables = {
        "collect": as_table((_problem(number, seed) for number in numbers), PROBLEM),
        "generate": _candidate_table(rows),
        "grade": _verdict_table(rows),
    }
    written = [write_part(*names[stage], tables[stage], made_from=mark) for stage in names]
    return _Part(*written, bytes=size)


# ------------------------------------------------------------------------------------------- texts


def _candidates(number: int, seed: int) -> Iterator[tuple[str, str, int, Trace, bool]]:
    """(id, problem, index, trace, right) of each candidate of a problem."""
    name = _name(number)
    for index in range(RIGHT):
        yield candidate_id(number, index, seed), name, index, trace(number, index, seed), True
    if _rng("wrong", number, 0, seed).random() < _WRONG_SHARE:
        wrong = Trace(_thought(_statement(number, seed), _parts(number, RIGHT, seed), 0))
        yield candidate_id(number, RIGHT, seed), name, RIGHT, wrong, False


def trace(number: int, index: int, seed: int) -> Trace:
    """The text of one right candidate."""
    rng = _rng("kind", number, index, seed)
    kind, draw = None, rng.random()
    for one, share in _SHARES.get(index, {}).items():
        if draw < share and kind is None:
            kind = one
        draw -= share
    parts, answer = _parts(number, index, seed), _answer(number, seed)
    statement = _statement(number, seed)
    whole = _thought(statement, parts, answer)
    if kind is Planted.EXACT:
        return Trace(_rewrapped(rng, number, 1, seed), kind, candidate_id(number, 1, seed), 1.0)
    if kind is Planted.NEAR_WITHIN or (kind is Planted.NEAR_ACROSS and number):
        other = (number, 0) if kind is Planted.NEAR_WITHIN else (rng.randrange(number), 1)
        original = trace(*other, seed).text
        changed = nearly(rng, _parts(*other, seed), pieces().traces, rng.uniform(0.0, 0.07))
        copy = _thought(_statement(other[0], seed), changed, _answer(other[0], seed))
        if kind is Planted.NEAR_ACROSS:
            similarity = _similarity(
                f"{_statement(other[0], seed)}\n{original}", f"{statement}\n{copy}"
            )
        else:
            similarity = _similarity(original, copy)
        return Trace(copy, kind, candidate_id(*other, seed), similarity)
    if kind is Planted.CONTAMINATED:
        item = rng.choice(_long_items())
        parts.insert(len(parts) // 2, disguised(rng, item.text, _SPAN_WORDS, Change.PUNCTUATED))
        return Trace(_thought(statement, parts, answer), kind, f"{item.benchmark}/{item.item}")
    if kind is Planted.MIXED:
        parts.insert(len(parts) // 2, _FOREIGN)
        return Trace(_thought(statement, parts, answer), kind)
    if kind is Planted.LOOP:
        parts.insert(len(parts) // 2, "Wait, let me check this step again. " * 30)
        return Trace(_thought(statement, parts, answer), kind)
    return Trace(whole)


def _similarity(one: str, other: str) -> float:
    """By words between white space, in lower case, as our own engine counts."""
    return jaccard(one.lower().split(), other.lower().split(), 5)


def _rewrapped(rng: Random, number: int, index: int, seed: int) -> str:
    body = text_of(_parts(number, index, seed))
    return _assembled(_statement(number, seed), wrapped(rng, body), _answer(number, seed))


def _thought(statement: str, parts: Sequence[str], answer: int) -> str:
    return _assembled(statement, text_of(parts), answer)


def _assembled(statement: str, body: str, answer: int) -> str:
    restated = f"So the problem is this: {statement}"
    return f"<think>\n{restated}\n\n{body}\n</think>\n\nThe answer is $\\boxed{{{answer}}}$."


def _parts(number: int, index: int, seed: int) -> list[str]:
    real = pieces().traces
    return drawn(_rng("text", number, index, seed), real, REASONING, _mean_chars())


@lru_cache(maxsize=1)
def _mean_chars() -> float:
    return mean_chars(pieces().traces)


@lru_cache(maxsize=1)
def _long_items() -> list[Item]:
    """Items that a span can be cut out of, of the benchmarks that `data_stage.py` goes by."""
    return [
        one
        for one in pieces().items
        if one.benchmark != "mbpp" and long_enough(one.text, _SPAN_WORDS)
    ]


def _statement(number: int, seed: int) -> str:
    rng = _rng("statement", number, 0, seed)
    return " ".join(rng.choices(pieces().statements, k=rng.randint(2, 4)))


def _answer(number: int, seed: int) -> int:
    return _rng("answer", number, 0, seed).randrange(1, 10_000)


def _rng(what: str, number: int, index: int, seed: int) -> Random:
    return Random(f"{seed} {what} {number} {index}")


# -------------------------------------------------------------------------------------------- rows


def candidate_id(number: int, index: int, seed: int) -> str:
    """32 hexadecimal digits."""
    return hashlib.blake2b(f"{seed} {number} {index}".encode(), digest_size=16).hexdigest()


def _name(number: int) -> str:
    source, _ = _SOURCES[number % len(_SOURCES)]
    return f"{source}/{number:07d}"


def _problem(number: int, seed: int) -> dict[str, Any]:
    source, domain = _SOURCES[number % len(_SOURCES)]
    return {
        "problem_id": _name(number),
        "statement": _statement(number, seed),
        "gold": str(_answer(number, seed)),
        "grader": "math",
        "domain": domain,
        "source": source,
        "license": "MIT",
        "category": f"kind-{number % 7}",
        "level": "",
        "reasoning": True,
        "solution": "",
        "history": [],
        "author": "",
    }


def _candidate_table(rows: Sequence[tuple[str, str, int, Trace, bool]]) -> pa.Table:
    count = len(rows)
    columns: dict[str, Any] = {
        "candidate_id": [row[0] for row in rows],
        "problem_id": [row[1] for row in rows],
        "index": [row[2] for row in rows],
        "round": [1] * count,
        "teacher": ["made-teacher@1"] * count,
        "sampling_digest": ["made"] * count,
        "prompt_digest": ["made"] * count,
        "text": [row[3].text for row in rows],
        "finish_reason": ["stop"] * count,
        "prompt_tokens": [100] * count,
        "completion_tokens": [len(row[3].text) // 4 for row in rows],
        "seed": [row[2] for row in rows],
        "rewrites": [None] * count,
        "label": [None] * count,
        "server": ["made"] * count,
        "engine": ["made"] * count,
        "created_unix_s": [0.0] * count,
        "wall_s": [None] * count,
    }
    return _table(columns, CANDIDATE)


def _verdict_table(rows: Sequence[tuple[str, str, int, Trace, bool]]) -> pa.Table:
    count = len(rows)
    columns: dict[str, Any] = {
        "candidate_id": [row[0] for row in rows],
        "problem_id": [row[1] for row in rows],
        "index": [row[2] for row in rows],
        "round": [1] * count,
        "status": ["correct" if row[4] else "incorrect" for row in rows],
        "extracted": ["1"] * count,
        "method": ["string"] * count,
        "detail": ["" if row[4] else "1 is not the gold answer" for row in rows],
        "passed": [None] * count,
        "total": [None] * count,
        "wall_s": [0.0] * count,
    }
    return _table(columns, VERDICT)


def _table(columns: dict[str, Any], schema: pa.Schema) -> pa.Table:
    arrays = [pa.array(columns[field.name], type=field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _write_planted(
    file: Path, rows: Sequence[tuple[str, str, int, Trace, bool]], size: int
) -> None:
    found = [(one, trace) for one, _, _, trace, _ in rows if trace.kind is not None]
    table = pa.table(
        {
            "candidate_id": [one for one, _ in found],
            "kind": [str(trace.kind) for _, trace in found],
            "of": [trace.of for _, trace in found],
            "similarity": [trace.similarity for _, trace in found],
        },
        schema=PLANTED,
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({b"bytes": str(size).encode()}), file)


def _finish(folder: Path, stage: str, parts: list[PartFile]) -> None:
    rows = sum(part.rows for part in parts)
    write_manifest(
        folder,
        Manifest(
            stage=stage,
            recipe="made",
            key=f"made-{stage}",
            code_version=1,
            inputs={},
            parts=parts,
            digest=parts_digest(parts),
            ledger=entry(stage, rows, rows, {}),
            figures={},
            created_unix_s=time.time(),
            wall_s=0.0,
            versions={},
        ),
    )
