"""Grader of problems without a gold: what most of their candidates answer is taken for right.

Each candidate with a readable final answer, by the rules of `factory.grade.math`, has one vote;
`vote` counts them. Where enough candidates voted and enough of them agree (`[grade.majority]`),
those that gave the winning answer are correct and the other voters incorrect; else no voter is
either (`no_majority`). A completion that was cut at the limit has no vote, even where an answer
stands in it already, and is `truncated`; one without a readable answer is `unparsable`.

Not covered: whether the majority is right. docs/majority.md says how often it is on problems whose
gold is known, and how to measure it on others.
"""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Self

from factory.grade.contract import Item, Verdict
from factory.grade.math import MathGrader
from factory.grade.math.compare import reading_of, settle
from factory.grade.math.extract import Found, final_answer
from factory.grade.vote import Vote, elect, joined
from schemas.candidate import FinishReason
from schemas.grade_settings import Grade, GradeMajority
from schemas.machine import Machine
from schemas.problem import Problem
from schemas.verdict import Status

_PROBE: Final = "no gold"
"""Words that are compared with an answer to see whether the grader of mathematics can read it."""
_AT_ONCE: Final = 256
"""Problems whose hard pairs go to the workers together."""
_KEPT_CHARS: Final = 2000
"""A longer answer is cut in `extracted`."""


def majority_grader(grade: Grade, machine: Machine) -> MajorityGrader:
    """The grader with the recipe's settings and the machine's workers."""
    math = MathGrader(grade.math, machine.workers or os.cpu_count() or 1)
    return MajorityGrader(grade.majority, math)


class MajorityGrader:
    """Agreement of the candidates of a problem. All of them vote before one is graded."""

    def __init__(
        self, rule: GradeMajority, math: MathGrader, votes: Mapping[str, Vote] | None = None
    ) -> None:
        self._rule = rule
        self._math = math
        self._votes = votes
        self._reading = reading_of(math.limits.policy)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._math.close()

    def gold_answer(self, problem: Problem) -> None:
        """Nothing: there is no gold to check."""
        return

    def grade_many(self, items: Sequence[Item]) -> list[Verdict]:
        """One verdict per item. The items are all candidates of their problems, which vote here;
        where they come in batches, `count` all of them first and grade `by` the votes.

        Raises:
            GraderError: A worker of symbolic grading cannot be started.
        """
        votes = self.count(items) if self._votes is None else self._votes
        return [self._grade(item, votes[item.problem.problem_id]) for item in items]

    def by(self, votes: Mapping[str, Vote]) -> MajorityGrader:
        """The same grader with the votes counted already; it is open as long as this one."""
        return MajorityGrader(self._rule, self._math, votes)

    def count(
        self, items: Iterable[Item], before: Mapping[str, Vote] | None = None
    ) -> dict[str, Vote]:
        """The vote on each problem, by its id, sorted; of the items only their answers are held.

        Args:
            items: All candidates of each problem, in any order.
            before: Votes that are decided: answers to these problems do not count any more, those
                that equal the winning one become members.

        Raises:
            GraderError: A worker of symbolic grading cannot be started.
        """
        before = before or {}
        tallies: dict[str, Counter[str]] = defaultdict(Counter)
        for item in items:
            answer = self._answer(item)
            tallies[item.problem.problem_id].update([answer] if isinstance(answer, str) else [])
        votes: dict[str, Vote] = {}
        voting = sorted(tallies.keys() - before.keys())
        for first in range(0, len(voting), _AT_ONCE):
            some = voting[first : first + _AT_ONCE]
            found = elect([tallies[one] for one in some], self._rule, self._math)
            votes.update(zip(some, found, strict=True))
        for one in tallies.keys() & before.keys():
            votes[one] = joined(before[one], tallies[one], self._math)
        return dict(sorted(votes.items()))

    def _grade(self, item: Item, vote: Vote) -> Verdict:
        start = time.monotonic()
        answer = self._answer(item)
        if not isinstance(answer, str):
            return answer
        detail = f"{vote.votes} of {vote.total} votes"
        status = Status.INCORRECT
        if not vote.answer:
            status = Status.NO_MAJORITY
            short = vote.total < self._rule.min_votes
            wanted = self._rule.min_votes if short else f"{self._rule.min_agreement:g} of them"
            detail += f", at least {wanted} wanted"
        elif answer in vote.members:
            status, answer = Status.CORRECT, vote.answer
        wall_s = time.monotonic() - start
        kept = answer[:_KEPT_CHARS]
        return Verdict(status, kept, "majority", detail, wall_s, vote.votes, vote.total)

    def _answer(self, item: Item) -> str | Verdict:
        """The answer that has a vote, or the verdict that there is none."""
        start = time.monotonic()

        def nothing(status: Status, method: str, why: str, answer: str = "") -> Verdict:
            wall_s = time.monotonic() - start
            return Verdict(status, answer[:_KEPT_CHARS], method, f"{why}: no vote", wall_s)

        if item.finish_reason is FinishReason.LENGTH:
            return nothing(Status.TRUNCATED, "extraction", "cut at the limit")
        read = final_answer(item.text, item.finish_reason)
        if read.found is Found.UNFINISHED:
            return nothing(Status.TRUNCATED, "extraction", read.found.value)
        joined_boxes = read.fuller if read.found is Found.BOXED else None
        answer = (joined_boxes or read.answer or "").strip()
        if not answer:
            return nothing(Status.UNPARSABLE, "extraction", read.found.value)
        finding = settle(_PROBE, answer, self._math.limits.policy, self._reading)
        if finding is not None and finding.status is Status.UNPARSABLE:
            return nothing(Status.UNPARSABLE, finding.method, finding.detail, answer)
        return answer
