"""select on hand-made artifacts: every candidate is accounted for, and the bytes are repeatable."""

from __future__ import annotations

import json
import random
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.errors import ManifestMismatch
from factory.select.stage import select_samples
from schemas.arrow import SAMPLE
from schemas.candidate import FinishReason
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.problem import Domain
from schemas.recipe import Prompt, Select
from schemas.sample import Drop, Sample
from schemas.verdict import Status
from tests.unit.select.graded_artifacts import (
    Graded,
    asked,
    problem,
    write_problems,
    write_round,
)

GOOD = "<think>\nfour {}\n</think>\n\n\\boxed{{4}}"
PROBLEMS = [
    problem("a"),
    problem("b", domain=Domain.GENERAL, reasoning=False, source="chat", license="CC-BY-4.0"),
    problem("c"),
]


def run(
    root: Path,
    *rounds: list[Graded],
    select: Select | None = None,
    rows_per_part: int = 4096,
    written: int = 4096,
    prompt: Prompt | None = None,
    out: str = "select",
) -> StageResult:
    problems = write_problems(root / "collect", PROBLEMS)
    folders = [
        write_round(root, number, one, rows_per_part=rows_per_part)
        for number, one in enumerate(rounds, 1)
    ]
    return select_samples(
        problems,
        folders,
        select or Select(),
        generate=asked(prompt or Prompt()),
        seed=3,
        machine=Machine(workers=1, rows_per_part=written),
        out_dir=root / out,
        key="k",
    )


def rows(root: Path, kind: str, out: str = "select") -> list[dict]:
    files = sorted((root / out).glob(f"{kind}-*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def graded(problem_id: str, *statuses: Status, start: int = 0) -> list[Graded]:
    return [
        Graded(problem_id, index, GOOD.format(index), status)
        for index, status in enumerate(statuses, start)
    ]


def test_a_sample_holds_prompt_answer_and_where_it_came_from(tmp_path: Path) -> None:
    prompt = Prompt(system="Think.", templates={Domain.MATH: "Solve: {statement}"})
    run(tmp_path, graded("a", Status.CORRECT, Status.INCORRECT), prompt=prompt)
    [row] = rows(tmp_path, "samples")
    sample = Sample.model_validate(row)
    assert [(turn.role, turn.content) for turn in sample.messages] == [
        ("system", "Think."),
        ("user", "Solve: How many is a?"),
        ("assistant", GOOD.format(0)),
    ]
    assert (sample.uuid, sample.problem, sample.answer) == ("a-0", "How many is a?", "4")
    assert (sample.pass_rate, sample.num_generations) == (0.5, 2)
    assert sample.generation_model == "unit-teacher@abc"
    assert json.loads(sample.verification_info) == {
        "extracted": "4",
        "grader": "math",
        "method": "string",
    }
    assert (sample.license, sample.source, sample.num_tokens) == ("MIT", "unit", 10)


def test_the_pass_rate_counts_every_round(tmp_path: Path) -> None:
    first = graded("a", Status.INCORRECT, Status.TIMEOUT)
    second = graded("a", Status.CORRECT, Status.INCORRECT, start=2)
    result = run(tmp_path, first, second)
    assert [row["pass_rate"] for row in rows(tmp_path, "samples")] == [0.25]
    assert result.ledger.rows_in == 4
    assert result.ledger.drops == {"incorrect": 2, "timeout": 1}


def test_a_plain_answer_without_thinking_stays_as_it_is(tmp_path: Path) -> None:
    run(tmp_path, [Graded("b", 0, "  Hello there.\n")])
    assert rows(tmp_path, "samples")[0]["messages"][-1]["content"] == "  Hello there.\n"


def test_pass_rate_bounds_are_inclusive(tmp_path: Path) -> None:
    candidates = [
        *graded("a", Status.CORRECT, Status.CORRECT),
        *graded("b", Status.CORRECT, Status.INCORRECT),
        *graded("c", Status.CORRECT, Status.ERROR, Status.ERROR, Status.ERROR),
    ]
    result = run(tmp_path, candidates, select=Select(min_pass_rate=0.5, max_pass_rate=0.5))
    assert {row["problem_id"] for row in rows(tmp_path, "samples")} == {"b"}
    assert result.ledger.drops["pass_rate"] == 3


def test_every_drop_has_its_reason_and_evidence(tmp_path: Path) -> None:
    correct = graded("a", *[Status.CORRECT] * 3)
    odd = [
        Graded("c", 0, "<think>因此</think>4"),
        Graded("c", 1, GOOD.format(1), finish_reason=FinishReason.LENGTH),
        Graded("c", 2, "no thinking"),
    ]
    run(tmp_path, [*correct, *odd], select=Select(per_problem=1))
    dropped = {row["candidate_id"]: row for row in rows(tmp_path, "dropped")}
    assert dropped["c-0"]["reason"] == Drop.MIXED_LANGUAGE
    assert dropped["c-0"]["detail"] == "han 2"
    assert dropped["c-1"]["reason"] == Drop.TRUNCATED
    assert dropped["c-2"]["reason"] == Drop.BAD_FORMAT
    surplus = [row for row in dropped.values() if row["reason"] == Drop.SURPLUS]
    assert len(surplus) == 2
    assert surplus[0]["detail"] == "per_problem 1, random"


def test_a_quota_limits_its_domain_alone(tmp_path: Path) -> None:
    candidates = [*graded("a", *[Status.CORRECT] * 4), *graded("b", *[Status.CORRECT] * 4)]
    candidates += graded("c", *[Status.CORRECT] * 4)
    run(tmp_path, candidates, select=Select(quota={Domain.MATH: 2}))
    found = [row["problem_id"] for row in rows(tmp_path, "samples")]
    assert found == ["a", "b", "b", "b", "b", "c"]


CANDIDATES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([one for one in Status if one is not Status.INFRA]),
        st.sampled_from([GOOD.format(1), "no tags", "<think>因此</think>4"]),
    ),
    max_size=30,
)


@settings(max_examples=20, deadline=None)
@given(CANDIDATES, st.integers(1, 3), st.sampled_from([None, 2, 5]), st.integers(1, 7))
def test_rows_in_are_rows_out_plus_drops(
    tmp_path_factory: pytest.TempPathFactory, drawn, wanted, quota, size
) -> None:
    root = tmp_path_factory.mktemp("ledger")
    candidates = [Graded(name, at, text, status) for at, (name, status, text) in enumerate(drawn)]
    select = Select(per_problem=wanted, quota={Domain.MATH: quota} if quota else {})
    result = run(root, candidates, select=select, rows_per_part=size, written=size)
    kept = {row["uuid"] for row in rows(root, "samples")}
    dropped = {row["candidate_id"] for row in rows(root, "dropped")}
    assert kept | dropped == {one.candidate_id for one in candidates}
    assert not kept & dropped
    assert result.ledger.rows_in == len(candidates) == len(kept) + sum(result.ledger.drops.values())
    listed = {part.path for part in result.parts}
    assert listed == {path.name for path in (root / "select").glob("*.parquet")}


def test_the_order_of_candidates_and_the_size_of_parts_change_nothing(tmp_path: Path) -> None:
    candidates = [*graded("a", *[Status.CORRECT] * 9), *graded("b", *[Status.CORRECT] * 9)]
    shuffled = random.Random(1).sample(candidates, k=len(candidates))
    first = run(tmp_path / "1", candidates, rows_per_part=5)
    second = run(tmp_path / "2", shuffled, rows_per_part=3)
    assert first == second
    run(tmp_path / "3", candidates, written=2)
    assert rows(tmp_path / "1", "samples") == rows(tmp_path / "3", "samples")
    order = [(row["problem_id"], row["uuid"]) for row in rows(tmp_path / "3", "samples")]
    assert order == sorted(order)


def test_parts_that_are_valid_are_kept_and_a_broken_one_is_made_again(tmp_path: Path) -> None:
    candidates = graded("b", *[Status.CORRECT] * 9)
    first = run(tmp_path, candidates, select=Select(per_problem=9), written=3)
    broken, kept = (tmp_path / "select" / f"samples-0000{number}.parquet" for number in (1, 2))
    before = kept.stat().st_mtime_ns
    broken.write_bytes(broken.read_bytes()[:100])
    assert run(tmp_path, candidates, select=Select(per_problem=9), written=3) == first
    assert kept.stat().st_mtime_ns == before


def test_work_in_several_processes_gives_the_same(tmp_path: Path) -> None:
    problems = write_problems(tmp_path / "collect", PROBLEMS)
    folders = [write_round(tmp_path, 1, graded("a", *[Status.CORRECT] * 6), rows_per_part=2)]
    first, second = (
        select_samples(
            problems,
            folders,
            Select(),
            generate=asked(),
            seed=3,
            machine=Machine(workers=workers),
            out_dir=tmp_path / f"select-{workers}",
            key="k",
        )
        for workers in (1, 2)
    )
    assert first == second


def test_no_candidates_give_an_empty_artifact_of_the_right_columns(tmp_path: Path) -> None:
    result = run(tmp_path, [])
    assert (result.ledger.rows_in, result.ledger.rows_out) == (0, 0)
    table = pq.read_table(tmp_path / "select" / "samples-00000.parquet")
    assert table.schema.names == SAMPLE.names


def test_verdicts_of_other_candidates_are_refused(tmp_path: Path) -> None:
    problems = write_problems(tmp_path / "collect", PROBLEMS)
    candidates, _ = write_round(tmp_path / "x", 1, graded("a", Status.CORRECT))
    _, verdicts = write_round(tmp_path / "y", 1, graded("b", Status.CORRECT))
    with pytest.raises(ManifestMismatch, match="expected the candidates of"):
        select_samples(
            problems,
            [(candidates, verdicts)],
            Select(),
            generate=asked(),
            seed=0,
            machine=Machine(workers=1),
            out_dir=tmp_path / "select",
            key="k",
        )


def test_infra_unknown_problems_and_repeated_candidates_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestMismatch, match="infra"):
        run(tmp_path / "1", graded("a", Status.INFRA))
    with pytest.raises(ManifestMismatch, match="not among the admitted problems"):
        run(tmp_path / "2", graded("unknown", Status.CORRECT))
    with pytest.raises(ManifestMismatch, match="more than one part"):
        run(tmp_path / "3", graded("a", Status.CORRECT), graded("a", Status.CORRECT))


def test_figures_count_reasons_per_source(tmp_path: Path) -> None:
    candidates = [*graded("a", Status.CORRECT, Status.ERROR), *graded("b", Status.CORRECT)]
    figures = run(tmp_path, candidates).figures
    assert figures["rows_by_reason_and_source"] == {
        "kept": {"chat": 1, "unit": 1},
        "error": {"unit": 1},
    }
    assert (figures["problems"], figures["problems_with_samples"]) == (2, 2)
    assert pl.Series(figures["samples_by_domain"].values()).sum() == 2
