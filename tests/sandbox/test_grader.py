"""The code grader on real containers: completions in, statuses out, in order."""

from __future__ import annotations

import json

import pytest

from factory.errors import SandboxUnavailable
from factory.grade.code import CodeGrader
from factory.grade.contract import Item
from sandboxes import SandboxPool
from schemas.candidate import FinishReason
from schemas.grade_settings import GradeCode
from schemas.machine import Sandbox
from schemas.problem import GraderName
from schemas.verdict import Status
from tests.unit.grade.items import problem

GOLD = json.dumps({"kind": "asserts", "code": "assert double(2) == 4\nassert double(3) == 6"})

ANSWERS = {
    "<think>easy</think>\n```python\ndef double(x): return 2 * x\n```": Status.CORRECT,
    "```python\ndef double(x): return x * x\n```": Status.INCORRECT,
    "```python\ndef double(x) return x\n```": Status.SYNTAX,
    "```python\ndef double(x): return y\n```": Status.ERROR,
    "```python\ndef double(x):\n    while True: pass\n```": Status.TIMEOUT,
    "```python\ndef double(x): return bytearray(1 << 30)\n```": Status.MEMORY,
    "```python\ndef double(x): print('x' * (1 << 22))\n```": Status.OUTPUT_LIMIT,
    "<think>it never ends": Status.TRUNCATED,
    "": Status.UNPARSABLE,
}


def item(text: str, gold: str = GOLD) -> Item:
    return Item(problem(gold, GraderName.CODE), text, FinishReason.STOP)


def test_each_answer_gets_its_status_in_order(pool: SandboxPool) -> None:
    limits = GradeCode(wall_s=3, cpu_s=1)
    with CodeGrader(limits, Sandbox(slots=2)) as grader:
        gradings = grader.grade_many([item(text) for text in ANSWERS])
    assert [grading.status for grading in gradings] == list(ANSWERS.values())
    assert (gradings[0].passed, gradings[0].total, gradings[1].passed) == (2, 2, 1)
    assert gradings[1].detail == "line 2 of the tests does not hold"
    assert all("\n" not in grading.detail for grading in gradings)


def test_gold_that_is_no_tests_is_evidence_not_a_crash(pool: SandboxPool) -> None:
    texts = ["not json", '{"kind": "magic"}', '{"kind": "asserts", "code": "def"}', "[]"]
    with CodeGrader(GradeCode(), Sandbox(slots=1)) as grader:
        gradings = grader.grade_many([item("x = 1", gold) for gold in texts])
    assert {grading.status for grading in gradings} == {Status.ERROR}
    assert all(grading.detail.startswith("gold: ") for grading in gradings)


def test_no_engine_is_an_error_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    with (
        pytest.raises(SandboxUnavailable, match=r"python -m sandboxes\.engine start"),
        CodeGrader(GradeCode(), Sandbox()),
    ):
        pass
