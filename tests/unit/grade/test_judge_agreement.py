"""The judge against labels: figures worked out by hand, and measured once for a recipe."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from factory.errors import GradeFileError, GraderError, RecipeError
from factory.grade.judge_agreement import Agreement, agreement_text, share
from factory.grade.judge_endpoints import check_judge
from factory.grade.judge_labels import judge_figures, measure_agreement
from factory.grade.judge_prompts import PromptName
from schemas.grade_settings import Grade
from schemas.verdict import Status
from tests.unit.grade.judge_server import JudgeServer, machine, settings

LABELLED = [
    {"id": 1, "problem": "Capital?", "gold": "Paris", "answer": "It is Paris.", "label": True},
    {"id": 2, "problem": "Capital?", "gold": "Paris", "answer": "Paname", "label": True},
    {"id": 3, "problem": "Capital?", "gold": "Paris", "answer": "Rome", "label": False},
    {"id": 4, "problem": "Capital?", "gold": "Paris", "answer": "Not Paris", "label": False},
    {"id": 5, "problem": "Write.", "response": "<think>Hm</think>a good one", "label": True},
    {"id": 6, "problem": "Write.", "response": "cut good", "finish_reason": "length",
     "label": False},
]  # fmt: skip


def agreement(right: tuple[int, int], wrong: tuple[int, int]) -> Agreement:
    """Of answers labelled right and wrong: how many the judge accepts and refuses."""
    return Agreement(*right, *wrong)


def test_figures_are_those_worked_out_by_hand() -> None:
    found = agreement((20, 5), (10, 15)).figures()
    assert found["n"] == 50
    assert found["accuracy"]["share"] == pytest.approx(0.7)
    # by chance: (25 * 30 + 25 * 20) / 50^2 = 0.5; (0.7 - 0.5) / (1 - 0.5)
    assert found["kappa"] == pytest.approx(0.4)
    assert (found["false_accepts"]["count"], found["false_accepts"]["of"]) == (10, 25)
    assert (found["false_rejects"]["count"], found["false_rejects"]["of"]) == (5, 25)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        (10, 25, 0.2340, 0.5926),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_are_wilson_s(count: int, of: int, low: float, high: float) -> None:
    found = share(count, of)
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=5e-5)


def test_figures_of_nothing_and_of_one_kind_are_none_and_not_an_error() -> None:
    assert Agreement().figures()["kappa"] is None
    only_right = agreement((5, 0), (0, 0)).figures()
    assert only_right["kappa"] is None
    assert only_right["false_accepts"] == {
        "count": 0, "of": 0, "share": None, "low": None, "high": None
    }  # fmt: skip
    assert "0 of 0\n" in agreement_text(only_right)


def test_all_that_is_not_correct_refuses() -> None:
    found = Agreement()
    for status in (Status.INCORRECT, Status.UNPARSABLE, Status.TRUNCATED):
        found.add(True, status, "judge")
        found.add(False, status, "extraction")
    assert (found.right_refused, found.wrong_refused, found.unreadable) == (3, 3, 1)


def test_the_text_says_counts_shares_and_intervals() -> None:
    assert agreement_text(agreement((20, 5), (10, 15)).figures()).splitlines() == [
        "agreement with 50 labels: 35 of 50, 70.0% (56.2% to 80.9%); kappa 0.40",
        "false accepts (of answers labelled wrong): 10 of 25, 40.0% (23.4% to 59.3%)",
        "false rejects (of answers labelled right): 5 of 25, 20.0% (8.9% to 39.1%)",
        "without a reply in form: 0",
    ]


# ------------------------------------------------------------------------------ of a recipe


@pytest.fixture
def labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that a recipe names `${RETORT_DATA}/labels.jsonl`."""
    monkeypatch.setenv("RETORT_DATA", str(tmp_path))
    return tmp_path / "labels.jsonl"


def write(file: Path, lines: Iterable[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))


def grade(prompt: PromptName = "reference-1") -> Grade:
    return Grade(judge=settings(labels="${RETORT_DATA}/labels.jsonl", prompt=prompt))


def test_a_recipe_s_judge_is_measured_once(tmp_path: Path, labels: Path) -> None:
    write(labels, LABELLED)
    with JudgeServer() as server:
        where = machine(tmp_path, server.base_url)
        first = measure_agreement(grade(), where)
        assert server.asked == 5
        assert measure_agreement(grade(), where) == first
        assert server.asked == 5
    assert first == agreement((2, 1), (1, 2)).figures()


def test_figures_name_the_judge_and_its_settings(tmp_path: Path, labels: Path) -> None:
    write(labels, LABELLED)
    with JudgeServer() as server:
        found = judge_figures(grade(), machine(tmp_path, server.base_url))
    assert found == {
        "model": "judge-model",
        "revision": "1",
        "prompt": "reference-1",
        "temperature": 0.0,
        "max_tokens": 1024,
        "agreement": agreement((2, 1), (1, 2)).figures(),
    }
    assert json.loads(json.dumps(found)) == found


def test_without_labels_nothing_is_measured(tmp_path: Path) -> None:
    plain = Grade(judge=settings())
    assert measure_agreement(plain, machine(tmp_path)) is None
    assert "agreement" not in judge_figures(plain, machine(tmp_path))


def test_many_labels_are_read_in_batches(tmp_path: Path, labels: Path) -> None:
    some = LABELLED[0]
    write(labels, [{**some, "id": n, "answer": f"{n} Paris", "label": n < 300} for n in range(600)])
    with JudgeServer() as server:
        found = measure_agreement(grade(), machine(tmp_path, server.base_url))
        assert server.asked == 600
    assert found == agreement((300, 0), (300, 0)).figures()


def test_labels_that_are_wrong_or_missing_are_named(tmp_path: Path, labels: Path) -> None:
    where = machine(tmp_path, "http://127.0.0.1:9/v1")
    with pytest.raises(RecipeError, match=r"grade\.judge\.labels"):
        measure_agreement(grade(), where)
    write(labels, [])
    with pytest.raises(GradeFileError, match="expected labelled answers, found none"):
        measure_agreement(grade(), where)
    write(labels, [LABELLED[0], LABELLED[1] | {"label": None}])
    with pytest.raises(GradeFileError, match=r"labels\.jsonl:2: `label`: expected true or false"):
        measure_agreement(grade(), where)
    with pytest.raises(GradeFileError, match=r"labels\.jsonl:2: `label`: expected true or false"):
        check_judge(grade(), where)


def test_a_server_that_fails_on_a_labelled_answer_names_its_line(
    tmp_path: Path, labels: Path
) -> None:
    from aiohttp import web

    write(labels, LABELLED)

    def says(shown: Any, times: int) -> str | web.StreamResponse:
        if "Rome" in shown.answer:
            return web.Response(status=500, text="boom")
        return "Reason: .\nVerdict: CORRECT"

    with JudgeServer(says) as server, pytest.raises(GraderError, match=r"on line 3,.*HTTP 500"):
        measure_agreement(grade(), machine(tmp_path, server.base_url))
