"""What a sample says of its answer and of its prompt, by grader and by teacher."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from factory.select.stage import select_samples
from schemas.generate_settings import Generate, Prompt, Rest, RoundRule
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.problem import Domain, GraderName, Problem
from schemas.sample import Message
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


def run(
    root: Path, problems: list[Problem], drawn: list[Graded], generate: Generate | None = None
) -> StageResult:
    return select_samples(
        write_problems(root / "collect", problems),
        [write_round(root, 1, drawn)],
        Select(),
        generate=generate or asked(),
        seed=3,
        machine=Machine(workers=1),
        out_dir=root / "select",
        key="k",
    )


def rows(root: Path, kind: str = "samples") -> list[dict[str, Any]]:
    files = sorted((root / "select").glob(f"{kind}-*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def test_a_row_without_a_gold_says_that_its_answer_is_that_of_the_majority(tmp_path: Path) -> None:
    voted = {"method": "majority", "passed": 6, "total": 7, "detail": "6 of 7 votes"}
    lost = {**voted, "extracted": "5"}
    drawn = [
        Graded("a", 0, GOOD.format(0), verdict=voted),
        Graded("a", 1, GOOD.format(1), Status.INCORRECT, verdict=lost),
        Graded("b", 0, GOOD.format(2), Status.NO_MAJORITY, verdict=voted),
    ]
    problems = [problem(name, gold="", grader=GraderName.MAJORITY) for name in "ab"]
    result = run(tmp_path, problems, drawn)
    [row] = rows(tmp_path)
    assert row["answer"] == "4"
    assert json.loads(row["verification_info"]) == {
        "agreement": 0.8571,
        "extracted": "4",
        "gold": "majority",
        "grader": "majority",
        "method": "majority",
    }
    assert result.ledger.drops == {"incorrect": 1, "no_majority": 1}


def test_a_row_that_a_judge_accepted_says_why_and_not_at_length(tmp_path: Path) -> None:
    why = {"method": "judge", "extracted": "", "detail": "It says the same. " * 100}
    given = problem("a", grader=GraderName.JUDGE, domain=Domain.GENERAL)
    run(tmp_path, [given], [Graded("a", 0, GOOD.format(0), verdict=why)])
    evidence = json.loads(rows(tmp_path)[0]["verification_info"])
    assert evidence["judge"].startswith("It says the same.")
    assert len(evidence["judge"]) == 300
    assert "gold" not in evidence


def test_each_problem_is_shown_as_its_own_teacher_saw_it(tmp_path: Path) -> None:
    generate = asked(Prompt(system="Think."), rest=Rest(prompt=Prompt(system="Be brief.")))
    problems = [problem("a"), problem("b", reasoning=False, domain=Domain.GENERAL)]
    run(tmp_path, problems, [Graded("a", 0, GOOD.format(0)), Graded("b", 0, "Hello.")], generate)
    assert [row["messages"][0]["content"] for row in rows(tmp_path)] == ["Think.", "Be brief."]


def test_a_conversation_that_is_passed_through_stays_as_it_was(tmp_path: Path) -> None:
    history = [
        Message(role="system", content="You are old."),
        Message(role="user", content="Hi"),
        Message(role="assistant", content="Hello"),
    ]
    given = problem(
        "a",
        grader=GraderName.GIVEN,
        gold="",
        history=history,
        author="someone",
        reasoning=False,
        domain=Domain.GENERAL,
    )
    prompt = Prompt(system="Think.", templates={Domain.GENERAL: "Please: {statement}"})
    wanted = asked(prompt, accepted_wanted=2)
    result = run(tmp_path, [given], [Graded("a", 0, "Fine.", tokens=None)], wanted)
    [row] = rows(tmp_path)
    turns = [(turn["role"], turn["content"]) for turn in row["messages"]]
    assert turns == [
        *((one.role, one.content) for one in history),
        ("user", "How many is a?"),
        ("assistant", "Fine."),
    ]
    assert result.figures["tokens"] is None
    assert result.figures["problems_without_tokens"] == 1
    assert result.figures["states"] == {"solved": 1, "short": 0, "given_up": 0}  # it has only one


def test_pass_rates_say_where_every_problem_stands_and_what_it_cost(tmp_path: Path) -> None:
    problems = [problem("a"), problem("b"), problem("c", domain=Domain.CODE), problem("d")]
    right, wrong = Status.CORRECT, Status.INCORRECT
    drawn = [
        Graded(name, index, GOOD.format(f"{name}{index}"), status, tokens=tokens)
        for name, statuses, tokens in (
            ("a", (right, right, wrong), 10),
            ("b", (right, wrong, wrong, wrong), 20),
            ("c", (right,), None),
            ("d", (wrong, wrong), 5),
        )
        for index, status in enumerate(statuses)
    ]
    rules = {Domain.CODE: RoundRule(accepted_wanted=1)}
    result = run(tmp_path, problems, drawn, asked(accepted_wanted=2, domains=rules))
    found = [
        (row["problem_id"], row["state"], row["correct"], row["completion_tokens"], row["samples"])
        for row in rows(tmp_path, "pass_rates")
    ]
    assert found == [
        ("a", "solved", 2, 30, 2),
        ("b", "short", 1, 80, 1),
        ("c", "solved", 1, None, 1),
        ("d", "given_up", 0, 10, 0),
    ]
    figures = result.figures
    assert figures["states"] == {"solved": 2, "short": 1, "given_up": 1}
    assert (figures["tokens"], figures["tokens_per_accepted"]) == (120, 40)
    assert figures["by_domain"]["code"]["tokens_per_accepted"] is None
    assert figures["by_domain"]["math"]["states"] == {"solved": 1, "short": 1, "given_up": 1}
    assert figures["fixed_n"]["n"] == {"math": 4}
    assert figures["fixed_n"]["ours"] == 40
    assert figures["fixed_n"]["tokens_per_accepted"] == (40 + 80 + 20) / 3
