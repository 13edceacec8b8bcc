"""validate on real graders, with completions that the candidate store holds already."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factory.errors import SourceError
from factory.generate.answerer import answerers
from factory.generate.identity import Completion, Identity
from factory.generate.store import CandidateStore
from factory.models import Model, local_model
from factory.parts import parts_digest
from factory.run_record import read_scores
from factory.validate.answered import as_generate
from factory.validate.stage import validate_model
from schemas.arrow import CANDIDATE
from schemas.candidate import FinishReason
from schemas.generate_settings import Sampling
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.problem import Domain, GraderName, Problem
from schemas.score import Score
from schemas.source_settings import ProceduralSource
from schemas.validate_settings import Suite, Validate
from tests.unit.select.graded_artifacts import (
    Graded,
    candidate_row,
    problem,
    write_artifact,
    write_problems,
)

K = 4
SUMS = [problem("s-1", gold="4"), problem("s-2", gold="\\frac{1}{2}")]
WORDS = [
    problem("s-1", gold="yes ||| yeah", grader=GraderName.TEXT, domain=Domain.GENERAL),
]


def boxed(answer: str) -> str:
    return f"<think>\nlet me see\n</think>\n\n\\boxed{{{answer}}}"


ANSWERS = {
    "sums/s-1": [boxed("4"), boxed("5"), boxed("5"), boxed("4.0")],
    "sums/s-2": [boxed("1/2"), boxed("1/3"), "<think>\nnever", ""],
    "words/s-1": ["Yes.", "no", "no", "no"],
}


def suite(name: str, metric_k: list[int]) -> Suite:
    source = ProceduralSource(name=name, kind="procedural", family="chat", split="heldout", count=1)
    return Suite(name=name, sources=[source], metric_k=metric_k)


def settings(*suites: Suite) -> Validate:
    return Validate(
        suites=list(suites),
        k=K,
        sampling=Sampling(temperature=0.6, max_tokens=64),
        max_model_len=128,
        seed=5,
    )


@pytest.fixture
def model(tmp_path: Path) -> Model:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "qwen2"}')
    template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    return local_model(folder, "unit-student")


Validated = Callable[..., StageResult]


@pytest.fixture
def validated(tmp_path: Path, model: Model) -> Validated:
    """Validates from a store that is filled first, so that no server is needed."""

    def run(
        suites: list[tuple[Suite, list[Problem]]],
        answers: dict[str, list[str]],
        out: str = "validate",
    ) -> StageResult:
        validate = settings(*(one for one, _ in suites))
        fill(tmp_path / "store.sqlite", validate, model, suites, answers)
        return validate_model(
            [(one, write_problems(tmp_path / f"collect-{one.name}", its)) for one, its in suites],
            validate,
            Grade(),
            model=model,
            role="student",
            name="unit-student",
            arch="qwen2",
            machine=Machine(workers=1),
            store=tmp_path / "store.sqlite",
            out_dir=tmp_path / out,
            key="k",
        )

    return run


def fill(
    store: Path,
    validate: Validate,
    model: Model,
    suites: list[tuple[Suite, list[Problem]]],
    answers: dict[str, list[str]],
) -> None:
    who = answerers(as_generate(validate, model), validate.seed, model).reasoning
    with CandidateStore(store) as opened:
        for one, problems in suites:
            for each in problems:
                asked = f"{one.name}/{each.problem_id}"
                rendered = who.render(each)
                for index, text in enumerate(answers[asked]):
                    identity = Identity(
                        asked,
                        index,
                        who.identity,
                        who.sampling_digest,
                        rendered.digest,
                    )
                    opened.put(identity, completion(text))


def completion(text: str) -> Completion:
    """What the teacher answered; thinking that never closes was cut."""
    cut = text.startswith("<think>") and "</think>" not in text
    reason = FinishReason.LENGTH if cut else FinishReason.STOP
    return Completion(text, reason, 5, 7, 1, "http://unit", "unit", 0.0, 0.1)


def both() -> list[tuple[Suite, list[Problem]]]:
    return [(suite("sums", [1, 4]), SUMS), (suite("words", [1, 2]), WORDS)]


def by_name(scores: list[Score]) -> dict[tuple[str, str], Score]:
    return {(one.suite, one.metric): one for one in scores}


def test_each_suite_and_all_have_their_scores(tmp_path: Path, validated: Validated) -> None:
    result = validated(both(), ANSWERS)
    scores = read_scores(tmp_path / "validate")
    assert [(one.suite, one.metric) for one in scores] == [
        ("sums", "pass@1"),
        ("sums", "pass@4"),
        ("sums", "maj@4"),
        ("words", "pass@1"),
        ("words", "pass@2"),
        ("words", "maj@2"),
        ("all", "pass@1"),
    ]
    found = by_name(scores)
    assert found["sums", "pass@1"].value == pytest.approx((0.5 + 0.25) / 2)
    assert found["sums", "pass@4"].value == 1.0
    assert found["sums", "maj@4"].value == 0.5, "tied answers share each win"
    assert found["words", "pass@1"].value == 0.25
    assert found["words", "maj@2"].value == 0.25, "half of each pair with the right answer"
    assert found["all", "pass@1"].value == pytest.approx((0.5 + 0.25 + 0.25) / 3)
    assert (found["all", "pass@1"].n, found["sums", "pass@1"].n) == (3, 2)
    one = found["all", "pass@1"]
    assert (one.model, one.role, one.arch) == ("unit-student", "student", "qwen2")
    assert (one.temperature, one.k, one.seed) == (0.6, K, 5)
    assert result.ledger.stage == "validate:student:unit-student"
    assert (result.ledger.rows_in, result.ledger.rows_out) == (12, 12)


def test_a_suite_has_its_own_k_and_all_the_least(validated: Validated, tmp_path: Path) -> None:
    words = suite("words", [1, 2]).model_copy(update={"k": 2})
    answers = {**ANSWERS, "words/s-1": ["Yes.", "no"]}
    result = validated([(suite("sums", [1, 4]), SUMS), (words, WORDS)], answers)
    found = by_name(read_scores(tmp_path / "validate"))
    assert [found[name, "pass@1"].k for name in ("sums", "words", "all")] == [4, 2, 2]
    assert found["words", "pass@1"].value == 0.5
    assert (result.ledger.rows_in, result.ledger.rows_out) == (10, 10)


def test_metrics_that_every_suite_has_stand_in_all_too(
    tmp_path: Path, validated: Validated
) -> None:
    suites = [(suite("sums", [1, 4]), SUMS), (suite("words", [2, 4]), WORDS)]
    validated(suites, ANSWERS)
    overall = [one.metric for one in read_scores(tmp_path / "validate") if one.suite == "all"]
    assert overall == ["pass@1", "pass@4", "maj@4"]


def test_cut_and_empty_answers_are_wrong_and_counted(validated: Validated) -> None:
    figures = validated(both(), ANSWERS).figures["suites"]
    assert figures["sums"]["statuses"]["truncated"] == 1
    assert figures["sums"]["empty_completions"] == 1
    assert figures["sums"]["completion_tokens"] == 8 * 7
    assert sum(figures["sums"]["statuses"].values()) == 8


def test_failed_candidates_are_drops_and_count_as_wrong(
    tmp_path: Path, validated: Validated
) -> None:
    drawn = [Graded("words/s-1", index, "Yes.") for index in (0, 2)]
    write_artifact(
        tmp_path / "validate" / "candidates",
        "generate",
        "candidates",
        [candidate_row(one) for one in drawn],
        CANDIDATE,
        rows_in=4,
        drops={"overlong_prompt": 2},
    )
    result = validated([(suite("words", [1]), WORDS)], {"words/s-1": []})
    assert result.ledger.drops == {"overlong_prompt": 2}
    assert (result.ledger.rows_in, result.ledger.rows_out) == (4, 2)
    assert by_name(read_scores(tmp_path / "validate"))["all", "pass@1"].value == 0.5


def test_a_validation_that_was_stopped_goes_on_and_gives_the_same(
    tmp_path: Path, validated: Validated
) -> None:
    first = validated(both(), ANSWERS)
    scores = (tmp_path / "validate" / "scores.json").read_bytes()
    drawn = tmp_path / "validate" / "candidates" / "candidates-00000.parquet"
    before = drawn.stat().st_mtime_ns
    (tmp_path / "validate" / "scores.json").unlink()
    (tmp_path / "validate" / "verdicts" / "manifest.json").unlink()
    (tmp_path / "store.sqlite").unlink()
    second = validated(both(), ANSWERS)
    assert (tmp_path / "validate" / "scores.json").read_bytes() == scores
    assert drawn.stat().st_mtime_ns == before
    assert parts_digest(first.parts) == parts_digest(second.parts)
    listed = {part.path for part in second.parts}
    assert "scores.json" in listed
    assert {path.split("/")[0] for path in listed} == {
        "scores.json",
        "settings.json",
        "problems",
        "candidates",
        "verdicts",
    }


def test_the_same_problem_in_two_suites_counts_in_both(
    tmp_path: Path, validated: Validated
) -> None:
    suites = [(suite("sums", [1]), SUMS[:1]), (suite("again", [1]), SUMS[:1])]
    answers: dict[str, Any] = {"sums/s-1": [boxed("4")] * K, "again/s-1": [boxed("5")] * K}
    validated(suites, answers)
    found = by_name(read_scores(tmp_path / "validate"))
    assert found["sums", "pass@1"].value == 1.0
    assert found["again", "pass@1"].value == 0.0
    assert found["all", "pass@1"].value == 0.5


def test_a_suite_without_problems_is_refused(validated: Validated) -> None:
    with pytest.raises(SourceError, match="suite sums: expected problems"):
        validated([(suite("sums", [1]), [])], {})
