"""The stage `collect`: what stays, what leaves and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.collect.contamination import overlaps
from factory.collect.stage import REJECTED, collect_problems
from factory.errors import SourceError
from factory.overlap.benchmark_index import BenchmarkIndex
from factory.parts import read_part
from schemas.arrow import PROBLEM
from schemas.collect_settings import Benchmark, Overlap, Source
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.problem import Domain, GraderName, Problem
from schemas.row_source_settings import FileSource
from schemas.source_settings import Gsm8kSource, MathSource, ProceduralSource

LONG = "A train leaves the old station at noon and travels north at sixty miles per hour for"


def graded_by(folder: Path, grader: str, golds: list[str]) -> Source:
    """A source of one file whose problems another grader than that of mathematics decides."""
    rows = [{"problem": f"{grader} {at}?", "gold": gold} for at, gold in enumerate(golds)]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / f"{grader}.jsonl").write_text(lines, encoding="utf-8")
    columns = {"gold": ""} if grader == "format" else {}
    return FileSource.model_validate(
        {"kind": "file", "name": grader, "path": f"${{RETORT_DATA}}/{grader}.jsonl"}
        | {"license": "MIT", "domain": "general", "grader": grader, "columns": columns}
    )


def source(
    folder: Path, name: str, rows: list[tuple[str, str]], limit: int | None = None
) -> Source:
    lines = (json.dumps({"problem": one, "gold": gold}) + "\n" for one, gold in rows)
    (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    return FileSource(
        kind="file",
        name=name,
        path=f"${{RETORT_DATA}}/{name}.jsonl",
        license="MIT",
        domain=Domain.MATH,
        grader=GraderName.MATH,
        limit=limit,
    )


def collect(out: Path, sources: list[Source], **changes: Any) -> StageResult:
    options: dict[str, Any] = {"check_gold": True, "against": [], "seed": 0, "key": "k"}
    options |= {"machine": Machine(workers=1, rows_per_part=2), **changes}
    return collect_problems(sources, grade=Grade(), out_dir=out, **options)


def kept(out: Path, result: StageResult) -> list[str]:
    parts = [part for part in result.parts if part.path.startswith("problems-")]
    return [
        row for part in parts for row in read_part(out, part, PROBLEM)["problem_id"].to_pylist()
    ]


def rejected(out: Path, result: StageResult) -> dict[str, tuple[str, str]]:
    parts = [part for part in result.parts if part.path.startswith("rejected-")]
    rows = [row for part in parts for row in read_part(out, part, REJECTED).to_pylist()]
    return {row["problem_id"]: (row["reason"], row["detail"]) for row in rows}


def test_each_grader_checks_its_own_kind_of_gold(folder: Path) -> None:
    golds = {
        "number": ["3.14 ± 0.01", "5%", "three", "3 ± -1"],
        "language": ["ko", "trace=zh answer=en", "klingon", ""],
        "choice": ["(B)", "\\text{(C)}"],
        "text": ["yes ||| of course"],
        "exact": ["a_b", ""],
        "format": ["", "anything"],
    }
    sources = [graded_by(folder, name, each) for name, each in golds.items()]
    result = collect(folder / "out", sources)
    assert set(rejected(folder / "out", result)) == {
        *("number/2", "number/3", "language/2", "language/3", "exact/1")
    }
    assert len(kept(folder / "out", result)) == 10
    assert result.figures["gold_unchecked"] == 2


def test_every_row_is_kept_or_rejected_with_its_evidence(folder: Path) -> None:
    train = source(
        folder,
        "train",
        [
            ("What is 2-3?", "-1"),
            ("What  is\n2-3?", "-1"),
            ("What is 2+3?", "5"),
            ("What is 9 - 4?", "5"),
            (f"{LONG} two hours. How far?", "120"),
            ("Nothing?", ""),
            ("An open box?", "{"),
        ],
    )
    suite = source(folder, "suite", [("WHAT IS 9-4", "5"), (f"Once: {LONG} three hours.", "180")])
    result = collect(folder / "out", [train], against=[suite])
    assert kept(folder / "out", result) == ["train/0", "train/2"]
    found = rejected(folder / "out", result)
    assert found["train/1"] == ("duplicate_problem", "same statement as train/0")
    assert found["train/3"] == (
        "contaminated_problem",
        "suite, item suite/0, whole: What is 9 - 4?",
    )
    assert found["train/4"][0] == "contaminated_problem"
    assert found["train/4"][1].startswith("suite, item suite/1, words: ")
    assert "train leaves the old station" in found["train/4"][1]
    assert result.figures["contaminated_by_benchmark"] == {"suite": 2}
    assert found["train/5"][0] == found["train/6"][0] == "gold_rejected"
    assert result.ledger.rows_in == 7 and result.ledger.rows_out == 2
    assert result.ledger.drops == {
        "contaminated_problem": 2,
        "duplicate_problem": 1,
        "gold_rejected": 2,
    }


def test_rows_beyond_the_limit_are_counted(folder: Path) -> None:
    train = source(folder, "train", [(f"{n}?", str(n)) for n in range(7)], limit=3)
    result = collect(folder / "out", [train])
    assert (result.ledger.rows_in, result.ledger.rows_out) == (7, 3)
    assert result.ledger.drops == {"beyond_limit": 4}
    assert [part.rows for part in result.parts] == [2, 1, 2, 2]


def test_the_same_inputs_make_the_same_bytes(folder: Path) -> None:
    train = source(folder, "train", [(f"{n}?", str(n)) for n in range(7)], limit=5)
    one, two = collect(folder / "one", [train]), collect(folder / "two", [train])
    assert one.parts == two.parts


def test_without_the_gold_check_nothing_is_graded(folder: Path) -> None:
    train = source(folder, "train", [("Nothing?", ""), ("1?", "1")])
    result = collect(folder / "out", [train], check_gold=False)
    assert kept(folder / "out", result) == ["train/0", "train/1"]
    assert result.figures["gold_unchecked"] == 2


def test_no_problem_left_is_an_error_that_counts_the_reasons(folder: Path) -> None:
    train = source(folder, "train", [("1?", "1")])
    with pytest.raises(SourceError, match="contaminated_problem"):
        collect(folder / "out", [train], against=[source(folder, "suite", [("1?", "1")])])


def test_a_suite_with_a_limit_still_guards_all_its_items(folder: Path) -> None:
    train = source(folder, "train", [("1?", "1"), ("2?", "2"), ("9?", "9")])
    suite = source(folder, "suite", [("1?", "1"), ("2?", "2")], limit=1)
    result = collect(folder / "out", [train], against=[suite])
    assert kept(folder / "out", result) == ["train/2"]


def test_named_benchmarks_guard_statements_and_solutions(folder: Path) -> None:
    jsonl = [
        {"id": 7, "asked": f"{LONG} two hours.", "answered": "It has nothing to do with it."},
        {"id": 8, "asked": "And what is 8 * 9?", "answered": None},
    ]
    (folder / "bench.jsonl").write_text("".join(json.dumps(row) + "\n" for row in jsonl))
    bench = Benchmark(
        name="bench",
        path="${RETORT_DATA}/bench.jsonl",
        item_id="id",
        columns=["asked", "answered"],
    )
    train = source(
        folder,
        "train",
        [(f"Now: {LONG} five hours?", "1"), ("What is 8 * 9?", "72"), ("and what is 8*9?", "72")],
    )
    result = collect(folder / "out", [train], benchmarks=[bench])
    assert kept(folder / "out", result) == ["train/1"]
    assert result.figures["contaminated_by_benchmark"] == {"bench": 2}
    assert rejected(folder / "out", result)["train/2"][1].startswith("bench, item 8, whole: ")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"columns": ["question"]}, r"bench.jsonl, row 1: expected a value in column 'question'"),
        ({"columns": ["id"]}, r"bench.jsonl, row 1: expected text in column 'id', found 7"),
        ({"columns": ["empty"]}, r"expected texts in its columns \['empty'\], found none"),
    ],
)
def test_a_benchmark_that_is_not_what_the_recipe_says_is_named(
    folder: Path, fields: dict[str, Any], says: str
) -> None:
    (folder / "bench.jsonl").write_text('{"id": 7, "problem": "1 + 1?", "empty": null}\n')
    bench = Benchmark.model_validate(
        {"name": "bench", "path": "${RETORT_DATA}/bench.jsonl"} | fields
    )
    with pytest.raises(SourceError, match=says):
        collect(folder / "out", [source(folder, "train", [("1?", "1")])], benchmarks=[bench])


def test_procedural_splits_do_not_contaminate_each_other_by_their_templates(tmp_path: Path) -> None:
    def split(name: str) -> ProceduralSource:
        return ProceduralSource.model_validate(
            {"kind": "procedural", "name": name, "family": "arithmetic", "split": name, "count": 40}
        )

    result = collect(tmp_path / "out", [split("train")], against=[split("heldout")])
    assert "contaminated_problem" not in result.ledger.drops


def overlap(item: str, statement: str) -> bool:
    index = BenchmarkIndex(Overlap())
    index.add("b", [("0", item)])
    [(_, hit)] = overlaps([problem("p", statement)], index)
    return hit is not None


def problem(problem_id: str, statement: str) -> Problem:
    empty = dict.fromkeys(("category", "level", "solution"), "")
    return Problem(
        problem_id=problem_id,
        statement=statement,
        gold="1",
        grader=GraderName.MATH,
        domain=Domain.MATH,
        source="s",
        license="MIT",
        reasoning=True,
        **empty,
    )


SOME_WORDS = ["red", "green", "blue", "ten", "cats", "run", "over", "hills", "and", "far", "away"]
words = st.lists(st.sampled_from(SOME_WORDS))


@given(
    words, words, st.lists(st.from_regex("[a-z]{3,6}", fullmatch=True), min_size=Overlap().words)
)
def test_a_long_run_of_words_is_found_in_any_case_punctuation_and_wrapping(
    before: list[str], after: list[str], run: list[str]
) -> None:
    copied = "\n".join([*before, *(f"«{word.upper()}»," for word in run), *after])
    assert overlap(" ".join(run), copied)


def test_fewer_words_in_common_and_other_signs_are_no_overlap() -> None:
    twelve = " ".join(LONG.split()[:12])
    rest = "when will it be at the place where the other one has been since early morning today"
    assert not overlap(f"{twelve} x, {rest}?", f"{twelve} y.")
    assert overlap(f"{twelve} x", f"{twelve} y"), "most of the item stands in the text"
    assert not overlap("What is 2+3?", "What is 2-3?")
    assert overlap("What is 2+3?", "what is 2 + 3")
    assert overlap("A well-known fact", "a well known\nfact!")


def test_real_test_sets_do_not_overlap_with_each_other(data: Path, tmp_path: Path) -> None:
    gsm8k = Gsm8kSource(kind="gsm8k", name="g", path="${RETORT_DATA}/gsm8k/test.jsonl", limit=200)
    math = MathSource(kind="math", name="m", path="${RETORT_DATA}/math/test.jsonl")
    result = collect(tmp_path / "out", [gsm8k], against=[math])
    assert result.ledger.drops == {"beyond_limit": 1119}
    table = pq.read_table(tmp_path / "out" / "problems-00000.parquet")
    assert table.schema.equals(PROBLEM)
