"""Rewritten forms take the place of what they were made from; every candidate is accounted for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.errors import ManifestMismatch
from factory.select.stage import select_samples
from schemas.generate_settings import Rewrite
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.problem import Domain, GraderName
from schemas.select_settings import Select
from schemas.teacher_settings import OpenaiTeacher
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
    problem("b", domain=Domain.CODE),
    problem("c", grader=GraderName.GIVEN, author="someone", reasoning=False, solution="x"),
]


def rewriting(*domains: Domain) -> Rewrite:
    teacher = OpenaiTeacher(engine="openai", model="writer", revision="1")
    return Rewrite(teacher=teacher, template="{statement} {response}", domains=list(domains))


def run(
    root: Path,
    drawn: list[Graded],
    forms: list[Graded],
    rewrite: Rewrite | None,
    select: Select | None = None,
) -> StageResult:
    return select_samples(
        write_problems(root / "collect", PROBLEMS),
        [write_round(root, 1, drawn), write_round(root, 2, forms)],
        select or Select(),
        generate=asked(accepted_wanted=2),
        rewrite=rewrite,
        seed=3,
        machine=Machine(workers=1),
        out_dir=root / "select",
        key="k",
    )


def rows(root: Path, kind: str) -> list[dict[str, Any]]:
    files = sorted((root / "select").glob(f"{kind}-*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def form(of: Graded, status: Status = Status.CORRECT, text: str = "") -> Graded:
    text = text or of.text.replace("four", "rewritten four")
    return replace(of, rewrites=of.candidate_id, status=status, text=text, round=2, tokens=7)


def test_rewritten_forms_are_the_samples_and_pass_rates_are_those_of_the_teacher(
    tmp_path: Path,
) -> None:
    drawn = [
        Graded("a", 0, GOOD.format(0)),
        Graded("a", 1, GOOD.format(1)),
        Graded("a", 2, GOOD.format(2)),
        Graded("a", 3, GOOD.format(3), Status.INCORRECT),
    ]
    forms = [form(drawn[0]), form(drawn[1], Status.INCORRECT)]
    result = run(tmp_path, drawn, forms, rewriting())
    [sample] = rows(tmp_path, "samples")
    assert sample["uuid"] == "a-0-form"
    assert (sample["pass_rate"], sample["num_generations"]) == (0.75, 4)
    assert sample["messages"][0]["content"] == "How many is a?"
    assert result.ledger.drops == {"incorrect": 2, "rewritten": 3}
    details = {row["candidate_id"]: row["detail"] for row in rows(tmp_path, "dropped")}
    assert details["a-0"] == "as a-0-form"
    assert details["a-2"] == "its problem has rewritten forms only"
    [rate] = rows(tmp_path, "pass_rates")
    assert (rate["completion_tokens"], rate["rewrite_tokens"], rate["samples"]) == (40, 14, 1)
    assert result.figures["tokens_per_accepted"] == 54
    assert result.figures["fixed_n"]["ours"] == 20


def test_other_domains_and_conversations_passed_through_keep_their_own(tmp_path: Path) -> None:
    drawn = [
        Graded("a", 0, GOOD.format(0)),
        Graded("b", 0, GOOD.format(1)),
        Graded("c", 0, "Yes.", tokens=None),
    ]
    run(tmp_path, drawn, [form(drawn[0])], rewriting(Domain.MATH))
    assert [row["uuid"] for row in rows(tmp_path, "samples")] == ["a-0-form", "b-0", "c-0"]
    run(tmp_path / "all", drawn, [form(drawn[0]), form(drawn[1])], rewriting())
    found = [row["uuid"] for row in rows(tmp_path / "all", "samples")]
    assert found == ["a-0-form", "b-0-form", "c-0"]


def test_the_rules_apply_to_rewritten_forms_and_a_rule_names_its_own_drop_first(
    tmp_path: Path,
) -> None:
    drawn = [Graded("a", 0, GOOD.format(0)), Graded("a", 1, "no thinking")]
    forms = [form(drawn[0], text="no tags"), form(drawn[1], text=GOOD.format("two"))]
    result = run(tmp_path, drawn, forms, rewriting())
    assert [row["uuid"] for row in rows(tmp_path, "samples")] == ["a-1-form"]
    assert result.ledger.drops == {"bad_format": 2, "rewritten": 1}


def test_a_form_that_nobody_asked_for_or_of_nothing_is_refused(tmp_path: Path) -> None:
    drawn = [Graded("a", 0, GOOD.format(0))]
    with pytest.raises(ManifestMismatch, match="a-0-form is a rewritten form, expected none"):
        run(tmp_path / "1", drawn, [form(drawn[0])], None)
    lost = form(Graded("a", 9, GOOD.format(9)))
    with pytest.raises(ManifestMismatch, match="a rewritten form of a-9, expected that one"):
        run(tmp_path / "2", drawn, [lost], rewriting())


STATUSES = st.sampled_from([Status.CORRECT, Status.INCORRECT, Status.TIMEOUT])
TEXTS = st.sampled_from([GOOD.format(1), "no tags"])
DRAWN = st.lists(st.tuples(st.sampled_from("ab"), STATUSES, TEXTS), max_size=12)


@settings(max_examples=12, deadline=None)
@given(DRAWN, st.data())
def test_rows_in_are_rows_out_plus_drops_whatever_is_rewritten(
    tmp_path_factory: pytest.TempPathFactory,
    outcomes: list[tuple[str, Status, str]],
    data: st.DataObject,
) -> None:
    root = tmp_path_factory.mktemp("ledger")
    drawn = [
        Graded(name, index, text, status) for index, (name, status, text) in enumerate(outcomes)
    ]
    correct = [one for one in drawn if one.status is Status.CORRECT]
    chosen = data.draw(st.lists(st.sampled_from(correct), unique_by=id) if correct else st.just([]))
    domains = data.draw(st.sampled_from([(), (Domain.MATH,)]))
    covered = [one for one in chosen if not domains or one.problem_id == "a"]
    forms = [form(one, data.draw(STATUSES), data.draw(TEXTS)) for one in covered]
    select = Select(per_problem=data.draw(st.integers(1, 3)))
    result = run(root, drawn, forms, rewriting(*domains), select)
    kept = [row["uuid"] for row in rows(root, "samples")]
    dropped = [row["candidate_id"] for row in rows(root, "dropped")]
    assert sorted(kept + dropped) == sorted(one.candidate_id for one in [*drawn, *forms])
    assert result.ledger.rows_in == len(kept) + sum(result.ledger.drops.values())
    originals = {one.candidate_id for one in drawn if not domains or one.problem_id == "a"}
    assert not originals & set(kept), "where forms are wanted no original is a sample"
    rates = rows(root, "pass_rates")
    assert sum(rate["num_generations"] for rate in rates) == len(drawn)
    assert sum(rate["samples"] for rate in rates) == len(kept)
    assert sum(result.figures["states"].values()) == len(rates)
