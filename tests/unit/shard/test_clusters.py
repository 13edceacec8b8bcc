"""Duplicates: exact and near, within a problem and across; each cluster keeps one row."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.sample import Sample
from tests.unit.shard.sample_artifacts import build, sample

Rows = list[dict[str, Any]]


def rows_of(root: Path, files: str = "data/*.parquet") -> Rows:
    found = sorted((root / "shard" / "dataset").glob(files))
    return [row for file in found for row in pq.read_table(file).to_pylist()]


def words(first: int, count: int) -> str:
    return " ".join(f"w{number}" for number in range(first, first + count))


def asked(number: int, problem: int, completion: str, **fields: Any) -> Sample:
    """A sample of a problem whose statement is its own."""
    statement = f"Problem {problem}: {words(10_000 * (problem + 1), 40)}"
    fields = {"problem_id": f"p-{problem:03d}", "problem": statement} | fields
    messages = [
        {"role": "user", "content": statement},
        {"role": "assistant", "content": completion},
    ]
    return sample(number, completion, messages=messages, **fields)


def test_two_answers_of_one_problem_that_differ_in_a_word_are_one_row(tmp_path: Path) -> None:
    long = words(0, 300)
    samples = [
        asked(0, 0, f"{long} end"),
        asked(1, 0, f"{long} other"),
        asked(2, 0, words(1000, 300)),
        asked(3, 1, words(2000, 300)),
    ]
    result = build(tmp_path, samples)
    assert result.ledger.drops == {"near_duplicate": 1}
    kept = rows_of(tmp_path)
    assert [row["uuid"] for row in kept] == [samples[at].uuid for at in (0, 2, 3)]
    assert [row["dedup_cluster_id"] for row in kept] == [samples[0].uuid, None, None]
    clusters = rows_of(tmp_path, "ledger/clusters-*.parquet")
    assert [(row["uuid"], row["kept"]) for row in clusters] == [
        (samples[0].uuid, True),
        (samples[1].uuid, False),
    ]
    assert all(0.98 < row["similarity"] < 1 for row in clusters)
    assert {row["cluster_id"] for row in clusters} == {samples[0].uuid}


def test_within_a_problem_the_statement_does_not_make_short_answers_alike(tmp_path: Path) -> None:
    samples = [asked(0, 0, "It is four, because 2 + 2"), asked(1, 0, "By hand: 1 + 3 gives four")]
    assert build(tmp_path, samples).ledger.drops == {}


def test_two_problems_with_the_same_answer_are_no_duplicates(tmp_path: Path) -> None:
    answer = "The answer is \\boxed{4}."
    samples = [asked(0, 0, answer), asked(1, 1, answer), asked(2, 2, answer)]
    assert build(tmp_path, samples).ledger.drops == {}


def test_a_problem_that_stands_twice_with_like_answers_is_one_row(tmp_path: Path) -> None:
    long = words(0, 300)
    samples = [asked(0, 0, f"{long} end"), asked(1, 0, f"{long} other", problem_id="again")]
    result = build(tmp_path, samples)
    assert result.ledger.drops == {"near_duplicate": 1}
    assert rows_of(tmp_path)[0]["uuid"] == samples[0].uuid


def test_a_cluster_joins_what_is_alike_in_steps_within_and_across(tmp_path: Path) -> None:
    samples = [
        asked(0, 0, words(0, 300)),
        asked(1, 0, words(20, 300)),
        asked(2, 0, words(40, 300)),
        asked(3, 0, words(60, 300), problem_id="q-000"),
    ]
    result = build(tmp_path, samples)
    assert result.ledger.rows_out == 1
    assert {row["cluster_id"] for row in rows_of(tmp_path, "ledger/clusters-*")} == {
        samples[0].uuid
    }


@pytest.mark.parametrize(("keep", "stays", "equal"), [("shortest", 1, 3), ("longest", 2, 1)])
def test_the_recipe_says_which_row_of_a_cluster_stays(
    tmp_path: Path, keep: str, stays: int, equal: int
) -> None:
    long = words(0, 300)
    samples = [
        asked(0, 0, f"{long} some"),
        asked(1, 0, f"{long} x"),
        asked(2, 0, f"{long} longest"),
        asked(3, 0, f"{long}  x"),
    ]
    result = build(tmp_path, samples, keep=keep)
    [row] = rows_of(tmp_path)
    assert row["uuid"] == samples[stays].uuid
    assert row["dedup_cluster_id"] == samples[0].uuid
    assert result.ledger.drops == {"exact_duplicate": 1, "near_duplicate": 2}
    dropped = rows_of(tmp_path, "ledger/dropped-*")
    assert [(one["candidate_id"], one["stage"]) for one in dropped] == [
        (one.uuid, "shard") for one in samples if one.uuid != row["uuid"]
    ]
    assert all(row["uuid"] in one["detail"] for one in dropped)
    exact = [one["candidate_id"] for one in dropped if one["reason"] == "exact_duplicate"]
    assert exact == [samples[equal].uuid]


VARIANTS = st.tuples(
    st.integers(0, 3), st.integers(0, 2), st.sampled_from(["", " one", " two", " three  ", " one "])
)


@settings(max_examples=15, deadline=None)
@given(st.lists(VARIANTS, max_size=24), st.integers(1, 9), st.sampled_from(["near", "exact"]))
def test_every_cluster_has_one_survivor_whatever_the_parts(
    tmp_path_factory: pytest.TempPathFactory,
    variants: list[tuple[int, int, str]],
    rows_per_part: int,
    dedupe: str,
) -> None:
    root = tmp_path_factory.mktemp("clusters")
    samples = [
        asked(number, problem, words(1000 * text, 60) + end)
        for number, (problem, text, end) in enumerate(variants)
    ]
    result = build(root / "1", samples, rows_per_part=rows_per_part, dedupe=dedupe)
    rows, clusters = rows_of(root / "1"), rows_of(root / "1", "ledger/clusters-*")
    kept: dict[str, list[str]] = defaultdict(list)
    for row in clusters:
        kept[row["cluster_id"]] += [row["uuid"]] * row["kept"]
    assert all(len(survivors) == 1 for survivors in kept.values())
    named = {row["dedup_cluster_id"]: row["uuid"] for row in rows if row["dedup_cluster_id"]}
    assert named == {cluster: survivor for cluster, [survivor] in kept.items()}
    assert len(samples) == len(rows) + sum(result.ledger.drops.values())
    expected = {
        (problem, text, end.strip() if dedupe == "exact" else "") for problem, text, end in variants
    }
    assert len(rows) == len(expected)
    assert build(root / "2", samples, dedupe=dedupe) == result


def test_real_solutions_with_planted_copies_lose_the_copies_alone(
    tmp_path: Path, data: Path
) -> None:
    lines = (data / "math" / "test.jsonl").read_text(encoding="utf-8").splitlines()[:600]
    solved = [json.loads(line) for line in lines]
    samples = [real(number, one["problem"], one["solution"]) for number, one in enumerate(solved)]
    planted: list[Sample] = []
    for number, one in enumerate(solved):
        text = one["solution"].split()
        if len(text) < 80:
            continue
        text[len(text) // 2] = "hence"
        problem_id = f"math-{number:04d}" if number % 2 else f"copy-{number}"
        planted.append(real(1000 + number, one["problem"], " ".join(text), problem_id=problem_id))
    assert len(planted) > 100
    result = build(tmp_path, [*samples, *planted])
    drops = sum(result.ledger.drops.values())
    clusters = rows_of(tmp_path, "ledger/clusters-*")
    assert {one.uuid for one in planted} <= {row["uuid"] for row in clusters}
    assert all(row["similarity"] >= 0.8 for row in clusters)
    assert len(planted) <= drops <= len(planted) + 4, "different solutions were taken for one"
    assert len(rows_of(tmp_path)) == len(samples) + len(planted) - drops


def real(number: int, problem: str, solution: str, problem_id: str | None = None) -> Sample:
    messages = [
        {"role": "user", "content": problem},
        {"role": "assistant", "content": solution},
    ]
    name = problem_id or f"math-{number:04d}"
    return sample(number, problem=problem, problem_id=name, messages=messages)


def test_workers_and_parts_do_not_change_a_byte(tmp_path: Path) -> None:
    samples = [asked(number, number // 4, words(50 * number, 80)) for number in range(40)]
    samples += [asked(100 + number, number, words(200 * number, 80)) for number in range(10)]
    samples.sort(key=lambda one: (one.problem_id, one.uuid))
    one = build(tmp_path / "1", samples, shard_bytes=4000)
    other = build(tmp_path / "2", samples, shard_bytes=4000, rows_per_part=7, workers=2)
    assert one == other
    assert one.figures["shards"] > 3
    assert one.ledger.drops
