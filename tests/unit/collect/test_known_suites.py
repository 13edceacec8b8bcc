"""Suites by name: real data where it is there, local copies in the shape of the hub's elsewhere."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from factory.collect.gold import check_golds
from factory.collect.sources import iter_problems, read_source
from factory.plan.problems import plan_sources
from schemas.collect_settings import Source
from schemas.grade_settings import Grade
from schemas.known_suites import BOXED, KNOWN_SUITES
from schemas.machine import Machine
from schemas.problem import GraderName, Problem
from schemas.row_source_settings import FileSource, HubSource
from schemas.source_settings import GpqaSource
from schemas.validate_settings import Suite, Validate
from tests.unit.collect import livecodebench_rows as lcb
from tests.unit.collect.local_sets import jsonl_set, parquet_set


def suite(name: str, **fields: Any) -> Suite:
    return Suite.model_validate({"name": name, **fields})


def source_of(known: Suite) -> Source:
    (source,) = known.sources
    return source


def problems(known: Suite) -> list[Problem]:
    return read_source(source_of(known), seed=0).problems


@pytest.mark.parametrize("name", sorted(KNOWN_SUITES))
def test_a_stored_suite_is_read_again_as_it_was(name: str) -> None:
    for known in (suite(name), suite(name, k=64), suite(name, k=2, template="{statement}!")):
        stored = known.model_dump(mode="json")
        assert Suite.model_validate(stored) == known
        assert Suite.model_validate(Suite.model_validate(stored).model_dump()) == known


@pytest.mark.parametrize("k", [1, 2, 64])
def test_every_known_suite_can_be_asked_with_any_k(k: int) -> None:
    suites = [{"name": name} for name in KNOWN_SUITES]
    validate = Validate.model_validate({"suites": suites, "k": k})
    assert [one.metric_k for one in validate.suites] == [[1]] * len(KNOWN_SUITES)
    own = Validate.model_validate({"suites": [one | {"k": k} for one in suites]})
    assert all(max(one.metric_k) in (1, k) for one in own.suites)


def test_the_vote_of_64_is_reported_where_the_suite_itself_asks_64_times() -> None:
    assert suite("aime-2024", k=64).metric_k == [1, 64]
    assert suite("aime-2024", k=63).metric_k == [1]
    assert suite("aime-2024", k=64, metric_k=[1, 8]).metric_k == [1, 8]


@pytest.mark.parametrize("name", ["gsm8k", "humaneval", "math", "mbpp"])
def test_the_real_files_have_as_many_items_as_is_said(data: Path, name: str) -> None:
    known = KNOWN_SUITES[name]
    assert f"{len(problems(suite(name))):,}" in known.about


@pytest.mark.parametrize("name", ["gsm8k", "math"])
def test_some_real_golds_are_accepted_by_their_own_grader(data: Path, name: str) -> None:
    some = random.Random(0).sample(problems(suite(name)), 60)
    checked = check_golds(some, Grade(), Machine())
    assert (checked.rejected, checked.unchecked) == ({}, 0)


MATH_500 = {
    "problem": "What is $1+1$?",
    "solution": "\\boxed{2}",
    "answer": "2",
    "subject": "Algebra",
    "level": 5,
    "unique_id": "test/algebra/1.json",
}
AIME_2024 = {
    "id": 60,
    "problem": "Every morning",
    "solution": "…",
    "answer": "204",
    "url": "https://example.org",
    "year": "2024",
}
AIME_2025 = {"problem": "Find the sum of all bases", "answer": "70", "id": "0"}


@pytest.mark.parametrize(
    ("name", "row", "split", "expected"),
    [
        ("math-500", MATH_500, "test", ("math-500/test/algebra/1.json", "2", "Algebra", "5")),
        ("aime-2024", AIME_2024, "train", ("aime-2024/60", "204", "", "")),
        ("aime-2025", AIME_2025, "test", ("aime-2025/0", "70", "", "")),
    ],
)
def test_a_local_copy_in_the_shape_of_the_hub_is_read(
    folder: Path, name: str, row: dict[str, Any], split: str, expected: tuple[str, ...]
) -> None:
    parquet_set(folder / "copy", [row], split)
    jsonl_set(folder / "lines", [row], split)
    by_dataset = suite(name, dataset="${RETORT_DATA}/copy")
    by_path = suite(name, path=f"${{RETORT_DATA}}/lines/{split}.jsonl")
    assert isinstance(source_of(by_dataset), HubSource)
    assert isinstance(source_of(by_path), FileSource)
    (found,) = problems(by_dataset)
    assert (found.problem_id, found.gold, found.category, found.level) == expected
    assert (found.statement, found.grader) == (row["problem"], GraderName.MATH)
    assert problems(by_path) == [found]


def test_a_plan_counts_what_is_not_downloaded_and_a_copy_has_all_its_rows(folder: Path) -> None:
    for name, items in [("math-500", 500), ("aime-2024", 30), ("gpqa-diamond", 198)]:
        (planned,) = plan_sources(suite(name).sources)
        assert (planned.problems, planned.known_by) == (items, "limit")
    parquet_set(folder / "copy", [AIME_2025 | {"id": str(at)} for at in range(31)], "test")
    assert len(problems(suite("aime-2025", dataset="${RETORT_DATA}/copy"))) == 31


def test_gpqa_may_be_a_file_instead_of_the_gated_dataset() -> None:
    source = source_of(suite("gpqa-diamond", path="${RETORT_DATA}/gpqa_diamond.csv"))
    assert isinstance(source, GpqaSource)
    assert (source.path, source.dataset, source.config) == (
        "${RETORT_DATA}/gpqa_diamond.csv",
        "",
        "",
    )


def test_livecodebench_takes_the_window_of_the_published_scores(folder: Path) -> None:
    days = ["2024-07-31", "2024-08-01", "2025-01-31T23:00:00", "2025-02-01T00:00:00"]
    rows = [lcb.script_row(question_id=str(at), contest_date=day) for at, day in enumerate(days)]
    lcb.write(folder, rows)
    found = problems(suite("livecodebench"))
    assert [one.problem_id for one in found] == ["livecodebench/1", "livecodebench/2"]


def test_what_is_asked_of_each_suite_holds_its_statement_once() -> None:
    for known in KNOWN_SUITES.values():
        assert known.template.count("{statement}") == 1
    assert KNOWN_SUITES["math"].template is BOXED


def test_mathematics_is_asked_in_the_words_of_the_report_and_code_in_its_own(data: Path) -> None:
    boxed = "Please reason step by step, and put your final answer within \\boxed{}."
    for name in ("aime-2024", "aime-2025", "gsm8k", "math", "math-500"):
        assert suite(name).template == "{statement}\n\n" + boxed
    assert suite("humaneval").template == suite("mbpp").template == "{statement}"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"name": "aime-2023"}, "expected sources, or one of the suites that are known by name"),
        ({"name": "gsm8k", "dataset": "openai/gsm8k"}, "give `path`, not"),
        ({"name": "math-500", "path": "a", "dataset": "b"}, "give either `path`, or `dataset`"),
        ({"name": "math-500", "path": "a", "revision": "b"}, "give either `path`, or `dataset`"),
        (
            {
                "name": "gsm8k",
                "path": "a",
                "sources": [{"kind": "gsm8k", "name": "g", "path": "b"}],
            },
            "belong into a source of the suite",
        ),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Suite.model_validate(table)


def test_a_known_suite_of_ones_own_sources_is_ones_own() -> None:
    own = suite("math", sources=[{"kind": "gsm8k", "name": "g", "path": "x"}])
    assert (own.template, own.sources[0].name) == ("", "g")


def test_no_statement_of_a_suite_repeats_its_template(data: Path) -> None:
    for one in iter_problems(source_of(suite("gsm8k"))):
        assert "\\boxed" not in one.statement
