"""select with journeys and pairs, on hand-made artifacts: what is written, and that it adds up."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from factory.grade.math import grade_batch
from factory.parts import parts_digest
from factory.select.journeys import journey_uuid
from factory.select.stage import select_samples
from schemas.arrow import PREFERENCE, SAMPLE
from schemas.candidate import FinishReason
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.problem import Domain
from schemas.select_settings import Journeys, Select
from schemas.verdict import Status
from tests.unit.select.graded_artifacts import (
    Graded,
    asked,
    problem,
    write_problems,
    write_round,
)

PROBLEMS = [
    *(problem(f"m{number}") for number in range(8)),
    problem("chat", domain=Domain.GENERAL, reasoning=False),
]
BOTH = Select(journeys=Journeys(share=0.3), pairs_per_problem=2, per_problem=2)


def answered(problem_id: str, index: int, value: int, **fields: object) -> Graded:
    trace = f"Taking step {index} of {problem_id}, 2+2={value}."
    text = f"<think>\n{trace}\n</think>\n\n\\boxed{{{value}}}"
    status = Status.CORRECT if value == 4 else Status.INCORRECT
    usual = {"status": status, "verdict": {"extracted": str(value)}, "tokens": 10 + index}
    return Graded(problem_id, index, text, **(usual | fields))


def candidates() -> list[Graded]:
    """Two right and two wrong ones of every problem."""
    return [
        answered(one.problem_id, index, value)
        for one in PROBLEMS
        for index, value in enumerate((4, 5, 4, 6))
    ]


def run(
    root: Path,
    graded: list[Graded],
    select: Select = BOTH,
    *,
    out: str = "select",
    rows_per_part: int = 4096,
    written: int = 4096,
) -> StageResult:
    return select_samples(
        write_problems(root / "collect", PROBLEMS),
        [write_round(root, 1, graded, rows_per_part=rows_per_part)],
        select,
        generate=asked(),
        seed=3,
        machine=Machine(workers=1, rows_per_part=written),
        out_dir=root / out,
        key="k",
    )


def rows(root: Path, kind: str, out: str = "select") -> list[dict]:
    files = sorted((root / out).glob(f"{kind}-*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def test_journeys_are_written_marked_and_accounted_for(tmp_path: Path) -> None:
    graded = {one.candidate_id: one for one in candidates()}
    result = run(tmp_path, list(graded.values()))
    samples = rows(tmp_path, "samples")
    journeys = [one for one in samples if one["form"] == "journey"]
    assert 0 < len(journeys) < 8
    assert len(samples) == 2 * len(PROBLEMS) == result.ledger.rows_out
    assert result.ledger.drops["merged"] == len(journeys)
    assert result.ledger.drops["incorrect"] == 2 * len(PROBLEMS) - len(journeys)
    assert result.ledger.rows_in == len(samples) + sum(result.ledger.drops.values())
    merged = {one["candidate_id"]: one for one in rows(tmp_path, "dropped")}
    for one in journeys:
        rejected, accepted = one["made_of"]
        assert one["uuid"] == journey_uuid(rejected, accepted)
        assert merged[rejected]["reason"] == "merged"
        assert merged[rejected]["detail"] == f"journey {one['uuid']}"
        assert one["num_tokens"] == graded[rejected].tokens + graded[accepted].tokens
        assert json.loads(one["verification_info"])["journey"]["rejected"] == rejected
        text = one["messages"][-1]["content"]
        assert text.startswith(graded[rejected].text.partition("</think>")[0].strip())
        assert text.endswith(graded[accepted].text.removeprefix("<think>\n"))
    others = [one for one in samples if one["form"] != "journey"]
    assert {one["uuid"] for one in others}.isdisjoint(id_ for j in journeys for id_ in j["made_of"])
    assert pq.read_schema(tmp_path / "select" / "samples-00000.parquet").equals(SAMPLE)
    verdicts = grade_batch([("4", one["messages"][-1]["content"]) for one in journeys])
    assert {one.status for one in verdicts} == {Status.CORRECT}


def test_pairs_are_written_of_samples_that_are_no_journeys(tmp_path: Path) -> None:
    run(tmp_path, candidates())
    samples = {one["uuid"]: one for one in rows(tmp_path, "samples")}
    in_journeys = {
        one for row in samples.values() if row["form"] == "journey" for one in row["made_of"]
    }
    pairs = rows(tmp_path, "preference")
    texts = {one.candidate_id: one.text for one in candidates()}
    assert len(pairs) == 2 * len(PROBLEMS) - len(in_journeys) // 2
    for pair in pairs:
        chosen = samples[pair["uuid"]]
        assert chosen["form"] == "completion"
        assert pair["prompt"] == chosen["messages"][:-1]
        assert pair["chosen"] == chosen["messages"][-1:]
        assert pair["rejected"] == [{"role": "assistant", "content": texts[pair["rejected_id"]]}]
        assert pair["rejected_reason"] == "incorrect"
        assert pair["rejected_id"].startswith(f"{pair['problem_id']}-")
        assert pair["rejected_id"] not in in_journeys
    assert pq.read_schema(tmp_path / "select" / "preference-00000.parquet").equals(PREFERENCE)


def test_parts_of_another_size_give_the_same_journeys_and_pairs(tmp_path: Path) -> None:
    first = run(tmp_path / "one", candidates())
    other = run(tmp_path / "two", list(candidates()), rows_per_part=5)
    assert parts_digest(first.parts) == parts_digest(other.parts)
    run(tmp_path / "three", candidates(), rows_per_part=7, written=4)
    for kind in ("samples", "preference"):
        assert rows(tmp_path / "one", kind) == rows(tmp_path / "three", kind)


@pytest.mark.parametrize(
    "unfit",
    [
        {"text": "<think>\n" + "so we get 5 " * 60 + "\n</think>\n\n\\boxed{5}"},
        {"text": "<think>\n二加二得五\n</think>\n\n\\boxed{5}"},
        {"text": "I say \\boxed{5}"},
        {"finish_reason": FinishReason.LENGTH},
        {"status": Status.UNPARSABLE},
        {"status": Status.ERROR},
    ],
)
def test_what_a_sample_may_not_be_a_wrong_attempt_may_not_be(tmp_path: Path, unfit: dict) -> None:
    wrong = answered("m0", 1, 5)
    fields = {"text": wrong.text, "status": wrong.status, "verdict": wrong.verdict} | unfit
    graded = [answered("m0", 0, 4), Graded("m0", 1, **fields)]
    result = run(tmp_path, graded, Select(journeys=Journeys(share=1.0)))
    assert [one["form"] for one in rows(tmp_path, "samples")] == ["completion"]
    assert "merged" not in result.ledger.drops


def test_problems_without_a_chain_of_thought_have_no_journeys(tmp_path: Path) -> None:
    run(tmp_path, candidates(), Select(journeys=Journeys(share=1.0), per_problem=1))
    forms = {one["problem_id"]: one["form"] for one in rows(tmp_path, "samples")}
    assert forms == {
        one.problem_id: "journey" if one.reasoning else "completion" for one in PROBLEMS
    }
