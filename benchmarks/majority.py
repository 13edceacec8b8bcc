"""How often the majority is right: votes on problems whose gold is known.

The responses of the shared data, eight to each of 100 MATH problems, are graded twice: by the gold
and, as if there were none, by the vote of their problem's candidates (`factory/grade/majority.py`).
For each threshold: problems with a majority, how many of their answers equal the gold, candidates
that the vote calls correct, and how many of those the gold does too.

    python benchmarks/majority.py [--agreement 0.51 0.7 …] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from factory.grade.contract import Item
from factory.grade.majority import MajorityGrader
from factory.grade.math import MathGrader
from factory.recipe_file import existing
from schemas.candidate import FinishReason
from schemas.grade_settings import GradeMajority, GradeMath
from schemas.problem import Domain, GraderName, Problem
from schemas.verdict import Status

RESPONSES: Final = "${RETORT_DATA}/generations/qwen2.5-math_cot.jsonl"
AGREEMENT: Final = (0.51, 0.6, 0.7, 0.8, 0.9, 1.0)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agreement", type=float, nargs="+", default=AGREEMENT)
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    figures = measured(arguments.agreement)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    print("| `min_agreement` | with a majority | of these right | accepted | of these right |")
    print("|---|---|---|---|---|")
    for row in figures:
        print(
            f"| {row['min_agreement']:g} | {row['decided']} of {row['problems']} | "
            f"{_share(row['right'], row['decided'])} | {row['accepted']} of {row['candidates']} | "
            f"{_share(row['accepted_right'], row['accepted'])} |"
        )


def measured(agreement: Sequence[float]) -> list[dict[str, Any]]:
    """One row of counts per threshold."""
    items = _items()
    with MathGrader(GradeMath()) as math:
        by_gold = math.grade_many(items)
        return [_row(GradeMajority(min_agreement=one), items, by_gold, math) for one in agreement]


def _row(
    rule: GradeMajority, items: Sequence[Item], by_gold: Sequence[Any], math: MathGrader
) -> dict[str, Any]:
    grader = MajorityGrader(rule, math)
    votes = grader.count(items)
    golds = {item.problem.problem_id: item.problem.gold for item in items}
    won = {name: vote for name, vote in votes.items() if vote.answer}
    answers = math.grade_answers([(golds[name], vote.answer) for name, vote in won.items()])
    by_vote = grader.by(votes).grade_many(items)
    accepted = [
        gold.status is Status.CORRECT
        for vote, gold in zip(by_vote, by_gold, strict=True)
        if vote.status is Status.CORRECT
    ]
    return {
        "min_agreement": rule.min_agreement,
        "problems": len(votes),
        "decided": len(won),
        "right": sum(one.status is Status.CORRECT for one in answers),
        "candidates": len(items),
        "accepted": len(accepted),
        "accepted_right": sum(accepted),
    }


def _items() -> list[Item]:
    path = existing(RESPONSES, "the shared generations")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Item(_problem(row), response, FinishReason.STOP)
        for row in rows
        for response in row["responses"]
    ]


def _problem(row: dict[str, Any]) -> Problem:
    return Problem(
        problem_id=row["problem_id"],
        statement=row["problem"],
        gold=row["gold"],
        grader=GraderName.MATH,
        domain=Domain.MATH,
        source="math",
        license="MIT",
        category="",
        level=row["level"],
        reasoning=True,
        solution="",
    )


def _share(count: int, of: int) -> str:
    return f"{count} ({count / of:.1%})" if of else "–"


if __name__ == "__main__":
    main()
