"""Samples that overlap with a benchmark: in the statement, in earlier turns, in the answer."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from factory.recipe_file import ROOT
from schemas.collect_settings import Benchmark
from schemas.manifest import StageResult
from schemas.sample import Sample
from tests.unit.shard.sample_artifacts import build, sample

BENCHMARK = Benchmark(
    name="arithmetic-bench",
    path="recipes/examples/generations.jsonl",
    item_id="problem_id",
    columns=["problem"],
)


def item() -> tuple[str, str]:
    """Id and text of an item that is long enough for the rule of words."""
    file = ROOT / BENCHMARK.path
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    row = next(row for row in rows if len(row["problem"].split()) > 16)
    return row["problem_id"], row["problem"]


def rows_of(root: Path, files: str) -> list[dict[str, object]]:
    found = sorted((root / "shard" / "dataset").glob(files))
    return [row for file in found for row in pq.read_table(file).to_pylist()]


def planted() -> list[Sample]:
    _, text = item()
    disguised = text.upper().replace(" ", "\n", 3).replace(".", " !")
    clean = "A sentence of its own with more than thirteen words, none of which is in an item."
    turns = [
        {"role": "system", "content": text},
        {"role": "user", "content": disguised},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": clean},
        {"role": "assistant", "content": clean},
    ]
    alone = [turns[0], *turns[3:]]
    return [
        sample(0, clean),
        sample(1, f"I remember this one. {disguised} So it is four."),
        sample(3, problem=f"Here is one: {disguised}", problem_id="p-statement"),
        sample(4, messages=turns, problem_id="p-turns"),
        sample(5, messages=alone, problem_id="p-system"),
    ]


def shard(root: Path, **settings: object) -> StageResult:
    return build(root, planted(), benchmarks=[BENCHMARK], dedupe="none", **settings)  # type: ignore[arg-type]


def test_samples_that_overlap_are_dropped_with_their_evidence(tmp_path: Path) -> None:
    result = shard(tmp_path)
    uuids = [one.uuid for one in planted()]
    assert result.ledger.drops == {"contaminated_sample": 3}
    assert result.figures["overlaps"] == {BENCHMARK.name: 3}
    assert {row["uuid"] for row in rows_of(tmp_path, "data/*")} == {uuids[0], uuids[4]}
    dropped = rows_of(tmp_path, "ledger/dropped-*")
    assert {row["candidate_id"] for row in dropped} == set(uuids[1:4])
    for row in dropped:
        assert row["reason"] == "contaminated_sample"
        evidence = json.loads(str(row["detail"]))
        assert list(evidence) == ["benchmark", "item", "rule", "span"]
        assert (evidence["benchmark"], evidence["item"]) == (BENCHMARK.name, item()[0])
        assert evidence["span"]


def test_they_are_only_marked_where_the_recipe_says_so(tmp_path: Path) -> None:
    result = shard(tmp_path, contaminated="mark")
    assert result.ledger.drops == {}
    marks = {str(row["uuid"]): row["contamination"] for row in rows_of(tmp_path, "data/*")}
    marked = [uuid for uuid, mark in marks.items() if mark is not None]
    assert sorted(marked) == sorted(one.uuid for one in planted()[1:4])
    assert json.loads(str(marks[marked[0]]))["benchmark"] == BENCHMARK.name


def test_nothing_is_compared_where_it_is_switched_off(tmp_path: Path) -> None:
    result = shard(tmp_path, decontaminate=False)
    assert result.ledger.drops == {}
    assert {row["contamination"] for row in rows_of(tmp_path, "data/*")} == {None}


def test_a_copy_of_a_contaminated_sample_does_not_leave_as_a_duplicate(tmp_path: Path) -> None:
    one = planted()[1]
    copy = one.model_copy(update={"uuid": f"{2:032x}"})
    result = build(tmp_path, [one, copy], benchmarks=[BENCHMARK])
    assert result.ledger.drops == {"contaminated_sample": 2}
    assert rows_of(tmp_path, "ledger/clusters-*") == []


@pytest.mark.parametrize("kind", ["solutions", "answers"])
def test_planted_items_of_math_are_all_found(tmp_path: Path, data: Path, kind: str) -> None:
    lines = (data / "math" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    solved = [json.loads(line) for line in lines[:300]]
    own = [json.loads(line) for line in lines[600:700]]
    benchmark = Benchmark(name="math", path="${RETORT_DATA}/math/test.jsonl", columns=["problem"])
    long = [one for one in solved if len(one["problem"].split()) > 25][:60]
    assert len(long) == 60
    samples: list[Sample] = []
    for number, (mine, theirs) in enumerate(zip(own, long, strict=False)):
        words = theirs["problem"].split()
        span = "  ".join(words[3:23]).upper()
        where = f"{mine['solution']}\n{span}" if kind == "solutions" else f"{span}\nfour"
        samples.append(sample(number, where, problem=f"Number {number}?", problem_id=f"p-{number}"))
    clean = sample(900, "Two and two are four.", problem="Is it so?", problem_id="p-clean")
    result = build(tmp_path, [*samples, clean], benchmarks=[benchmark])
    assert result.ledger.drops == {"contaminated_sample": 60}
    assert result.ledger.rows_out == 1
