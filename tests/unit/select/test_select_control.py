"""The control: rows and tokens of the dataset, of its problems, whatever the verdict."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.errors import ManifestMismatch
from factory.select.control import draw, draw_control
from schemas.arrow import SAMPLE
from schemas.candidate import FinishReason
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.verdict import Status
from tests.unit.select.graded_artifacts import (
    Graded,
    asked,
    problem,
    write_problems,
    write_round,
)

RIGHT, WRONG = Status.CORRECT, Status.INCORRECT


def control(
    root: Path, accepted: list[str], candidates: list[Graded], *, dedupe: bool = True, seed: int = 3
) -> StageResult:
    """The control of a dataset with these rows."""
    (root / "dataset" / "data").mkdir(parents=True, exist_ok=True)
    made_of = [[one] for one in accepted]
    pq.write_table(
        pa.table({"uuid": accepted, "made_of": made_of}),
        root / "dataset" / "data" / "train.parquet",
    )
    return drawn_control(root, candidates, dedupe=dedupe, seed=seed)


def drawn_control(
    root: Path, candidates: list[Graded], *, dedupe: bool = True, seed: int = 3
) -> StageResult:
    return draw_control(
        root / "dataset",
        write_problems(root / "collect", [problem("a"), problem("b"), problem("c")]),
        [write_round(root, 1, candidates)],
        generate=asked(),
        dedupe=dedupe,
        seed=seed,
        machine=Machine(workers=1),
        out_dir=root / "control",
        key="k",
    )


def rows_of(root: Path) -> pa.Table:
    return pa.concat_tables(pq.read_table(f) for f in sorted((root / "control/data").iterdir()))


def test_it_has_the_rows_and_tokens_of_the_dataset_and_wrong_answers_too(tmp_path: Path) -> None:
    candidates = [
        Graded(p, i, f"{p} answers {i}", RIGHT if i % 3 == 0 else WRONG, tokens=10 + i)
        for p in "abc"
        for i in range(30)
    ]
    accepted = [f"{p}-{i}" for p in "ab" for i in (0, 3, 6, 9, 12)]
    result = control(tmp_path, accepted, candidates)
    rows = rows_of(tmp_path)
    assert rows.schema.names == SAMPLE.names
    assert rows["problem_id"].to_pylist() == ["a"] * 5 + ["b"] * 5
    assert sum(rows["num_tokens"].to_pylist()) == sum(10 + i for i in (0, 3, 6, 9, 12)) * 2
    assert 0 < result.figures["correct"] < 10
    assert result.ledger.rows_in == 90
    assert result.ledger.drops == {"surplus": 80}


def test_cut_broken_and_repeated_texts_are_left_out_by_name(tmp_path: Path) -> None:
    candidates = [
        Graded("a", 0, "four"),
        Graded("a", 1, "four"),
        Graded("a", 2, "fo", Status.TRUNCATED, FinishReason.LENGTH),
        Graded("a", 3, "so</think>4", WRONG),
        Graded("a", 4, " ", WRONG),
        Graded("a", 5, "five", WRONG),
    ]
    result = control(tmp_path, ["a-0", "a-5"], candidates)
    assert result.ledger.drops == {"bad_format": 2, "exact_duplicate": 1, "truncated": 1}
    assert [m[-1]["content"] for m in rows_of(tmp_path)["messages"].to_pylist()] == ["four", "five"]


def test_without_the_teachers_counts_it_measures_characters(tmp_path: Path) -> None:
    candidates = [Graded("a", i, "x" * (i + 1), tokens=None) for i in range(20)]
    result = control(tmp_path, ["a-4", "a-9"], candidates)
    assert result.figures["length"] == result.figures["length_of_dataset"] == 15


def test_a_dataset_of_other_candidates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestMismatch, match="not made from these rounds"):
        control(tmp_path, ["a-0", "z-9"], [Graded("a", 0, "four")])


def test_the_same_seed_draws_the_same_rows_and_another_seed_others(tmp_path: Path) -> None:
    candidates = [Graded("a", i, f"text {i}") for i in range(50)]
    accepted = [f"a-{i}" for i in range(10)]
    drawn: list[list[str]] = []
    for number, seed in enumerate((1, 1, 2)):
        control(tmp_path / str(number), accepted, candidates, seed=seed)
        drawn.append(rows_of(tmp_path / str(number))["uuid"].to_pylist())
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_frequent_text_is_drawn_as_often_as_it_is_frequent(tmp_path: Path) -> None:
    candidates = [Graded("a", i, "four") for i in range(9)] + [Graded("a", 9, "five", WRONG)]
    wrong = 0
    for seed in range(30):
        result = control(tmp_path / str(seed), ["a-0"], candidates, seed=seed)
        wrong += 1 - result.figures["correct"]
        assert result.ledger.drops == {"exact_duplicate": 8, "surplus": 1}
    assert wrong <= 8, "one in ten is expected, one in two were each text drawn once"


def test_a_dataset_that_keeps_equal_rows_has_a_control_that_does(tmp_path: Path) -> None:
    candidates = [Graded("a", i, "four", finish_reason=FinishReason.UNKNOWN) for i in range(4)]
    result = control(tmp_path, ["a-0", "a-1"], candidates, dedupe=False)
    assert result.ledger.drops == {"surplus": 2}


@given(
    st.lists(st.integers(1, 100), min_size=1, max_size=30),
    st.data(),
)
def test_the_draw_has_the_wanted_rows_once_each_and_is_no_farther_from_the_length(
    lengths: list[int], data: st.DataObject
) -> None:
    pool = pl.DataFrame(
        [
            {"candidate_id": f"{i}", "problem_id": "ab"[i % 2], "length": length}
            for i, length in enumerate(lengths)
        ]
    )
    sizes = dict(pool.group_by("problem_id").len().sort("problem_id").iter_rows())
    wanted = {one: data.draw(st.integers(0, size)) for one, size in sizes.items()}
    length = data.draw(st.integers(0, sum(lengths)))
    drawn = draw(pool, wanted=wanted, length=length, seed=5)
    rows = pool.filter(pl.col("candidate_id").is_in(drawn.implode()))
    assert rows.height == sum(wanted.values())
    found = dict(rows.group_by("problem_id").len().iter_rows())
    assert {one: found.get(one, 0) for one in wanted} == wanted


def test_rewritten_forms_are_drawn_only_where_a_problem_has_too_few_others(tmp_path: Path) -> None:
    drawn = [Graded("a", i, f"text {i}", RIGHT if i % 2 else WRONG) for i in range(6)]
    forms = [Graded("a", i, f"form {i}", rewrites=f"a-{i}") for i in (1, 3)]
    result = control(tmp_path / "1", ["a-1-form", "a-3-form"], [*drawn, *forms])
    assert not any("form" in one for one in rows_of(tmp_path / "1")["uuid"].to_pylist())
    assert result.ledger.drops == {"rewritten": 2, "surplus": 4}
    assert set(rows_of(tmp_path / "1")["num_generations"].to_pylist()) == {6}

    same = [Graded("a", i, "one text") for i in range(4)]
    forms = [Graded("a", i, f"form {i}", rewrites=f"a-{i}") for i in range(3)]
    accepted = [f"a-{i}-form" for i in range(3)]
    result = control(tmp_path / "2", accepted, [*same, *forms])
    found = rows_of(tmp_path / "2")["uuid"].to_pylist()
    assert len(found) == 3
    assert sum("form" in one for one in found) == 2
    assert result.ledger.drops == {"exact_duplicate": 3, "rewritten": 1}


def test_a_journey_counts_as_the_candidate_it_ends_with(tmp_path: Path) -> None:
    candidates = [Graded("a", i, f"text {i}", RIGHT if i else WRONG, tokens=7) for i in range(4)]
    (tmp_path / "dataset" / "data").mkdir(parents=True)
    rows = {"uuid": ["f" * 32, "a-2"], "made_of": [["a-0", "a-1"], ["a-2"]]}
    pq.write_table(pa.table(rows), tmp_path / "dataset" / "data" / "train.parquet")
    result = drawn_control(tmp_path, candidates)
    assert result.ledger.rows_out == 2
    assert result.figures["length_of_dataset"] == 21
    forms = {row["form"] for row in rows_of(tmp_path).to_pylist()}
    assert forms == {"completion"}


def test_a_row_of_the_control_says_nothing_of_a_verdict(tmp_path: Path) -> None:
    control(tmp_path, ["a-0"], [Graded("a", 0, "four")])
    [row] = rows_of(tmp_path).to_pylist()
    assert row["verification_info"] == '{"extracted":"","grader":"","method":""}'
    assert (row["answer"], row["made_of"], row["uuid"]) == ("4", ["a-0"], "a-0")
    assert not list((tmp_path / "control").glob(".*"))
