"""A whole validation with best@n, from a filled store and a judge over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from factory.models import Model
from factory.plan.run_plan import plan_of
from factory.run_record import read_scores
from factory.validate.stage import validate_model
from schemas.generate_settings import Sampling
from schemas.grade_settings import Grade
from schemas.machine import Endpoints, Machine
from schemas.manifest import StageResult
from schemas.recipe import Recipe
from schemas.validate_settings import BestOf, BudgetForcing, Validate
from tests.unit.select.graded_artifacts import write_problems
from tests.unit.validate.rating_server import RatingServer, in_form
from tests.unit.validate.test_validate_stage import (
    ANSWERS,
    SUMS,
    by_name,
    fill,
    model,
    settings,
    suite,
)

__all__ = ["model"]

MARKS = {"\\boxed{4}": 9, "\\boxed{4.0}": 9, "\\boxed{5}": 3, "\\boxed{1/2}": 1, "\\boxed{1/3}": 8}


def rated(tmp_path: Path, model: Model, url: str) -> StageResult:
    sums = suite("sums", [1, 4])
    best_of = BestOf(by="judge", model="rater", revision="1", n=[2, 4])
    validate = settings(sums).model_copy(update={"best_of": best_of})
    fill(tmp_path / "store.sqlite", validate, model, [(sums, SUMS)], ANSWERS)
    return validate_model(
        [(sums, write_problems(tmp_path / "collect", SUMS))],
        validate,
        Grade(),
        model=model,
        role="student",
        name="unit-student",
        arch="qwen2",
        machine=Machine(workers=1, judge=Endpoints(base_urls=[url], retries=1)),
        store=tmp_path / "store.sqlite",
        out_dir=tmp_path / "validate",
        key="k",
    )


def test_best_at_n_stands_behind_the_other_scores_and_its_ratings_are_parts(
    tmp_path: Path, model: Model
) -> None:
    with RatingServer(lambda answer, times: in_form(MARKS[answer])) as server:
        result = rated(tmp_path, model, server.base_url)
    scores = read_scores(tmp_path / "validate")
    metrics = ["pass@1", "pass@4", "maj@4", "best@2", "best@4"]
    assert [(one.suite, one.metric) for one in scores] == [
        (name, metric) for name in ("sums", "all") for metric in metrics
    ]
    found = by_name(scores)
    # s-1: two of four are right and rated highest; s-2: the right one stands below a wrong one,
    # and above two without an answer.
    assert found["sums", "best@2"].value == pytest.approx((5 / 6 + 2 / 6) / 2)
    assert found["sums", "best@4"].value == pytest.approx((1 + 0) / 2)
    assert found["all", "best@4"].stderr == pytest.approx(0.5)
    assert "ratings/ratings-00000.parquet" in {part.path for part in result.parts}
    ratings = result.figures["ratings"]
    assert (ratings["rated"], ratings["no_answer"], ratings["asked"]) == (6, 2, 5)
    (tmp_path / "validate" / "scores.json").unlink()
    again = rated(tmp_path, model, "http://127.0.0.1:9/v1")
    assert again.parts == result.parts


def test_a_plan_counts_what_is_rated() -> None:
    recipe = Recipe.model_validate(
        {
            "name": "rated",
            "collect": {"sources": [PROCEDURAL]},
            "generate": {
                "teacher": {"engine": "vllm", "model": "embedded:teacher", "max_model_len": 512},
                "expected_tokens": 60,
            },
            "select": {},
            "shard": {"name": "unit", "version": "1.0.0"},
            "validate": {
                "suites": [{"name": "held", "sources": [PROCEDURAL]}],
                "k": 4,
                "max_model_len": 512,
                "sampling": {"max_tokens": 64},
                "best_of": {"by": "judge", "model": "rater", "revision": "1"},
            },
        }
    )
    machine = Machine(judge=Endpoints(prompt_price=1.0, completion_price=10.0))
    (rater,) = [one for one in plan_of(recipe, machine).asked if one.role == "rater"]
    assert (rater.candidates, rater.tokens) == (10 * 4, 40 * 60)
    assert rater.cost == pytest.approx((40 * 1000 * 1.0 + 40 * 60 * 10.0) / 1e6)


PROCEDURAL = {
    "name": "sums",
    "kind": "procedural",
    "family": "arithmetic",
    "split": "heldout",
    "count": 10,
}


def test_a_cap_that_leaves_nothing_for_an_answer_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"max_thinking_tokens must be below"):
        Validate(
            suites=[suite("sums", [1])],
            sampling=Sampling(max_tokens=64),
            budget=BudgetForcing(max_thinking_tokens=64),
        )
