"""select on hand-made artifacts: every candidate is accounted for, and the bytes are repeatable."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.errors import ManifestMismatch, SchemaMismatch
from factory.select.stage import select_samples
from schemas.arrow import SAMPLE
from schemas.candidate import FinishReason
from schemas.generate_settings import Prompt
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.problem import Domain
from schemas.sample import Drop, Sample
from schemas.select_settings import Select
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


@settings(max_examples=12, deadline=None)
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


@pytest.mark.parametrize(
    "limit",
    [
        "factory.select.stage._CANDIDATES_PER_WORKER",
        pytest.param("factory.select.buckets._ROWS_PER_WORKER", marks=pytest.mark.soak),
    ],
)
def test_work_in_several_processes_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(limit, 1)
    problems = write_problems(tmp_path / "collect", PROBLEMS)
    folders = [write_round(tmp_path, 1, graded("a", *[Status.CORRECT] * 6), rows_per_part=2)]
    first, second = (
        select_samples(
            problems,
            folders,
            Select(),
            generate=asked(),
            seed=3,
            machine=Machine(workers=workers, rows_per_part=2),
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
    with pytest.raises(ManifestMismatch, match=r"-00000\.parquet, row 0 and in .*, row 0; delete"):
        run(tmp_path / "3", graded("a", Status.CORRECT), graded("a", Status.CORRECT))
    with pytest.raises(ManifestMismatch, match=r"found a-0 in .*, row 0 and in .*, row 1; delete"):
        run(tmp_path / "4", graded("a", Status.CORRECT) * 2)


def test_figures_count_reasons_per_source(tmp_path: Path) -> None:
    candidates = [*graded("a", Status.CORRECT, Status.ERROR), *graded("b", Status.CORRECT)]
    figures = run(tmp_path, candidates).figures
    assert figures["rows_by_reason_and_source"] == {
        "kept": {"chat": 1, "unit": 1},
        "error": {"unit": 1},
    }
    assert (figures["problems"], figures["problems_with_samples"]) == (2, 2)
    assert pl.Series(figures["samples_by_domain"].values()).sum() == 2


# --------------------------------------------------------------------------------- memory and kills


def test_the_scratch_of_a_killed_run_is_cleared_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    left = tmp_path / "select" / ".scratch"
    left.mkdir(parents=True)
    (left / "000000.arrow").write_bytes(b"half a file")
    run(tmp_path, graded("a", *[Status.CORRECT] * 5), rows_per_part=2)
    assert not left.exists()
    assert [path.name for path in (tmp_path / "select").iterdir() if path.name[0] == "."] == []


def test_a_run_that_is_killed_at_any_part_goes_on_to_the_same_digest(tmp_path: Path) -> None:
    select = Select(per_problem=9, pairs_per_problem=2)
    candidates = [
        *graded("b", *[Status.CORRECT] * 6, *[Status.INCORRECT] * 3),
        *graded("c", *[Status.CORRECT] * 3, *[Status.INCORRECT] * 3),
    ]
    whole = run(tmp_path / "whole", candidates, select=select, written=2)
    names = sorted(part.path for part in whole.parts)
    assert {name.partition("-")[0] for name in names} >= {"samples", "preference", "dropped"}
    for gone in (0, 2, 4, len(names) - 1):
        root = tmp_path / str(gone)
        run(root, candidates, select=select, written=2)
        for name in names[gone:]:
            (root / "select" / name).unlink()
        stamps = {name: (root / "select" / name).stat().st_mtime_ns for name in names[:gone]}
        assert run(root, candidates, select=select, written=2) == whole
        for name, stamp in stamps.items():
            assert (root / "select" / name).stat().st_mtime_ns == stamp, "it was made again"


def test_a_part_of_other_content_is_not_taken_for_the_same(tmp_path: Path) -> None:
    candidates = graded("b", *[Status.CORRECT] * 4)
    run(tmp_path, candidates, select=Select(per_problem=2))
    before = rows(tmp_path, "samples")
    run(tmp_path, candidates, select=Select(per_problem=3))
    assert (len(before), len(rows(tmp_path, "samples"))) == (2, 3)


# --------------------------------------------------------------------------------------- the report


def test_the_report_counts_by_source_and_shows_borderline_examples_first(tmp_path: Path) -> None:
    long = ["x" * count for count in (530, 510, 700, 900, 505, 620, 560)]
    candidates = [Graded("a", at, f"<think>so {text} 2+2</think>4") for at, text in enumerate(long)]
    candidates += graded("c", Status.CORRECT, Status.TIMEOUT, start=20)
    candidates += graded("b", Status.CORRECT, Status.CORRECT)
    select = Select(max_paragraph_chars=500, per_problem=1)
    result = run(tmp_path, candidates, select=select, rows_per_part=3)
    counts = result.figures["rules"]
    assert next(iter(counts)) == "timeout"
    assert counts["timeout"] == {"chat": [0, 2], "unit": [1, 9]}
    assert counts["mixed_language"] == {"chat": [0, 2], "unit": [0, 8]}
    assert counts["long_paragraph"] == {"chat": [0, 2], "unit": [7, 8]}
    assert counts["without_work"] == {"chat": [0, 2], "unit": [0, 1]}
    assert counts["surplus"] == {"chat": [1, 2], "unit": [0, 1]}
    for reason, dropped in result.ledger.drops.items():
        assert sum(one for one, _ in counts[reason].values()) == dropped
    report = (tmp_path / "select" / "report.md").read_text()
    about = report.partition("## long_paragraph")[2].partition("\n## ")[0]
    assert "| unit | 7 | 8 | 87.50% |" in about
    shown = [line.split("`")[3] for line in about.splitlines() if line.startswith("- problem")]
    assert shown == ["a-4", "a-1", "a-0", "a-6", "a-5"]
    assert "a paragraph of 512 characters, at most 500" in about
    assert "> <think>so xxx" in about
    assert "report.md" not in {part.path for part in result.parts}
    assert run(tmp_path, candidates, select=select).figures == result.figures
    assert (tmp_path / "select" / "report.md").read_text() == report


def test_pass_rates_nearest_to_their_bounds_come_first_in_the_report(tmp_path: Path) -> None:
    right, wrong = Status.CORRECT, Status.INCORRECT
    candidates = [*graded("a", right, *[wrong] * 9), *graded("c", right, right, *[wrong] * 6)]
    run(tmp_path, candidates, select=Select(min_pass_rate=0.5))
    report = (tmp_path / "select" / "report.md").read_text()
    about = report.partition("## pass_rate")[2]
    shown = [line for line in about.splitlines() if line.startswith("- problem")]
    assert shown == [
        "- problem `c`, candidate `c-0`, margin 0.25",
        "- problem `c`, candidate `c-1`, margin 0.25",
        "- problem `a`, candidate `a-0`, margin 0.40",
    ]


# -------------------------------------------------------------------------------- quotas and picks


def test_candidates_that_resemble_each_other_least_are_picked(tmp_path: Path) -> None:
    same = " ".join(f"word{number}" for number in range(60))
    other = " ".join(f"thing{number}" for number in range(60))
    texts = [same, f"{same} again", f"{same} once more", other]
    candidates = [Graded("a", at, f"<think>{text}</think>4") for at, text in enumerate(texts)]
    run(tmp_path, candidates, select=Select(per_problem=2, pick="different"))
    assert [row["uuid"] for row in rows(tmp_path, "samples")] == ["a-0", "a-3"]
    details = {row["detail"] for row in rows(tmp_path, "dropped")}
    assert details == {"per_problem 2, different"}


# --------------------------------------------------------------------------------------- bad input


def broken(
    root: Path, kind: str, change: Callable[[pa.Table], pa.Table], error: type[Exception]
) -> str:
    """What select says of a part that was changed behind its manifest."""
    problems = write_problems(root / "collect", PROBLEMS)
    folders = write_round(root, 1, graded("a", *[Status.CORRECT] * 3))
    path = folders[kind == "verdicts"] / f"{kind}-00000.parquet"
    pq.write_table(change(pq.read_table(path)), path)
    with pytest.raises(error) as caught:
        select_samples(
            problems,
            [folders],
            Select(),
            generate=asked(),
            seed=0,
            machine=Machine(workers=1),
            out_dir=root / "select",
            key="k",
        )
    assert str(path) in str(caught.value)
    return str(caught.value)


def changed(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(name), values)


def with_other_type(table: pa.Table) -> pa.Table:
    return table.set_column(2, "index", pa.array(["0", "1", "2"]))


def test_parts_of_other_columns_types_or_rows_are_refused_with_their_file(tmp_path: Path) -> None:
    for number, kind in enumerate(("candidates", "verdicts")):
        root = tmp_path / str(number)
        said = broken(root / "1", kind, lambda table: table.drop_columns(["index"]), SchemaMismatch)
        assert "expected column index: int32 not null, found none; delete" in said
        said = broken(root / "2", kind, with_other_type, SchemaMismatch)
        assert "expected column index: int32 not null, found index: string; delete" in said
        broken(root / "3", kind, lambda table: table.slice(1), ManifestMismatch)
        said = broken(
            root / "4",
            kind,
            lambda table: changed(table, "candidate_id", pa.array(["a-0", "a-9", "a-2"])),
            ManifestMismatch,
        )
        assert "from row 1 on" in said


def test_a_corrupt_part_is_refused_with_its_file(tmp_path: Path) -> None:
    problems = write_problems(tmp_path / "collect", PROBLEMS)
    candidates, verdicts = write_round(tmp_path, 1, graded("a", Status.CORRECT))
    path = candidates / "candidates-00000.parquet"
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ManifestMismatch, match=r"candidates-00000\.parquet: cannot be read"):
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


def test_values_that_there_cannot_be_are_refused_with_file_row_and_column(tmp_path: Path) -> None:
    bad = pa.array([b"so", b"\xff\xfe", b"so"], pa.large_binary()).view(pa.large_string())
    said = broken(
        tmp_path / "1", "candidates", lambda table: changed(table, "text", bad), SchemaMismatch
    )
    assert "row 1, column text: expected UTF-8" in said
    status = pa.array(["correct", "correct", "perhaps"])
    said = broken(
        tmp_path / "3", "verdicts", lambda table: changed(table, "status", status), SchemaMismatch
    )
    assert "row 2, column status: expected one of correct" in said
