"""LiveCodeBench's problems in the sandbox: right and wrong programs, graded as there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory.grade.contract import Item
from factory.grade.registry import open_grader
from schemas.candidate import FinishReason
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.problem import GraderName, Problem
from schemas.verdict import Status
from tests.unit.collect import livecodebench_rows as lcb

WITHOUT_IMPORTS = """class Solution:
    def ends(self, nums: List[int]) -> List[int]:
        counted = Counter(nums)
        return {given}
"""


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Problem]:
    folder = tmp_path_factory.mktemp("data")
    numbers = json.dumps([lcb.stdin_test("", f"0.50 {10**18} yes")])
    rows = [
        lcb.script_row(),
        lcb.method_row(),
        lcb.script_row(question_id="numbers", public_test_cases=numbers, private_test_cases="[]"),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETORT_DATA", str(folder))
        return {one.problem_id: one for one in lcb.problems(Path(folder), rows)}


CASES = [
    ("lcb/abc400_a", "n = int(input())\nprint(n * 2)", Status.CORRECT),
    (
        "lcb/abc400_a",
        "if __name__ == '__main__':\n    print(f'{int(input()) * 2}.0')",
        Status.CORRECT,
    ),
    ("lcb/abc400_a", "print(gcd(84, 84) if int(input()) == 21 else -8)", Status.INCORRECT),
    ("lcb/numbers", "while True: pass", Status.TIMEOUT),
    ("lcb/3333", WITHOUT_IMPORTS.format(given="[nums[0], nums[-1]]"), Status.CORRECT),
    ("lcb/3333", WITHOUT_IMPORTS.format(given="nums[0], nums[-1]"), Status.CORRECT),
    ("lcb/3333", WITHOUT_IMPORTS.format(given="nums[:2]"), Status.INCORRECT),
    ("lcb/numbers", f"print('0.5', {10**18}, 'yes')", Status.CORRECT),
    ("lcb/numbers", f"print('0.5', {10**18 + 1}, 'yes')", Status.INCORRECT),
]


def test_programs_are_graded_as_livecodebench_grades_them(problems: dict[str, Problem]) -> None:
    items = [
        Item(problems[name], f"```python\n{program}\n```", FinishReason.STOP)
        for name, program, _ in CASES
    ]
    with open_grader(GraderName.CODE, Grade(), Machine()) as grader:
        verdicts = grader.grade_many(items)
    assert [one.status for one in verdicts] == [status for _, _, status in CASES], verdicts
    assert (verdicts[0].passed, verdicts[0].total) == (3, 3)
    assert "from string import" not in verdicts[0].extracted
