"""The plan of a round: every candidate that it asks for, and what of it has to be drawn.

A plan holds about three hundred bytes per problem and no text: prompts are rendered once to know
their digests, and again, problem by problem, when they are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from sys import intern
from typing import Final, NamedTuple

import pyarrow as pa

from factory.digest import candidate_ids
from factory.generate.answerer import Answerer, Answerers
from factory.generate.identity import Identity
from factory.generate.prompt import Rendered
from factory.generate.rounds import Brief
from factory.generate.store import CandidateStore
from factory.parts import iter_columns, iter_parts
from schemas.arrow import PROBLEM
from schemas.problem import GraderName, Problem

_PROBLEMS_PER_LOOKUP: Final = 1024


class Asked(NamedTuple):
    """The candidates of one problem in this round."""

    problem_id: str
    indices: range
    reasoning: bool
    prompt_digest: str
    missing: Sequence[int]
    """Indices that had to be drawn when the plan was made."""


class Question(NamedTuple):
    """A prompt with the candidates that are to be drawn for it."""

    by: Answerer
    rendered: Rendered
    identities: Sequence[Identity]
    ids: Sequence[str]
    """Candidate ids, in the order of `identities`."""
    counts_as: tuple[str, ...]
    """Domain, and category where it has a quota: where a meter counts it."""


@dataclass
class Plan:
    """All that a round asks for, in the order of (problem, index)."""

    answerers: Answerers
    asked: list[Asked] = field(default_factory=list)

    @property
    def requested(self) -> int:
        """Candidates asked for, stored ones included."""
        return sum(len(one.indices) for one in self.asked)

    def missing(self, serving: str) -> int:
        """Candidates that a server of this name has to draw."""
        return sum(len(one.missing) for one in self.asked if self.by(one).serving == serving)

    def stored(self, serving: str) -> int:
        """Candidates of a server of this name that need not be drawn."""
        asked = sum(len(one.indices) for one in self.asked if self.by(one).serving == serving)
        return asked - self.missing(serving)

    def by(self, one: Asked) -> Answerer:
        """Who answers."""
        return self.answerers.of(reasoning=one.reasoning)

    def ids(self, one: Asked, indices: Sequence[int]) -> list[str]:
        """Candidate ids of some of its indices."""
        by = self.by(one)
        return candidate_ids(
            one.problem_id, indices, by.identity, by.sampling_digest, one.prompt_digest
        )

    def identities(self, one: Asked, indices: Sequence[int]) -> list[Identity]:
        """Identities of some of its indices."""
        by = self.by(one)
        return [
            Identity(one.problem_id, index, by.identity, by.sampling_digest, one.prompt_digest)
            for index in indices
        ]

    def questions(
        self, problems_dir: Path, serving: str, names: Callable[[str, str], tuple[str, ...]]
    ) -> Iterator[Question]:
        """What a server of this name is asked, in the order of the problems.

        Args:
            names: Domain and category -> where a candidate counts (`Meter.names`).
        """
        todo = {
            one.problem_id: one
            for one in self.asked
            if one.missing and self.by(one).serving == serving
        }
        for problem in iter_problems(problems_dir, todo):
            one = todo[problem.problem_id]
            rendered = self.by(one).render(problem)
            assert rendered.digest == one.prompt_digest
            yield Question(
                self.by(one),
                rendered,
                self.identities(one, one.missing),
                self.ids(one, one.missing),
                names(problem.domain.value, problem.category),
            )


def make_plan(
    problems_dir: Path,
    wanted: Mapping[str, range],
    answerers: Answerers,
    store: CandidateStore,
    *,
    drawn: bool = False,
) -> Plan:
    """The plan of a round, with what the store has already found in it.

    Args:
        wanted: Problem id -> indices (`factory.generate.rounds`).
        drawn: All of it was asked already: what has failed is not missing.
    """
    plan = Plan(answerers)
    batch: list[Asked] = []
    for problem in iter_problems(problems_dir, wanted):
        by = answerers.of(reasoning=problem.reasoning)
        batch.append(
            Asked(
                problem.problem_id,
                wanted[problem.problem_id],
                problem.reasoning,
                by.render(problem).digest,
                (),
            )
        )
        if len(batch) == _PROBLEMS_PER_LOOKUP:
            plan.asked += _looked_up(plan, batch, store, drawn=drawn)
            batch = []
    plan.asked += _looked_up(plan, batch, store, drawn=drawn)
    return plan


def _looked_up(
    plan: Plan, batch: Sequence[Asked], store: CandidateStore, *, drawn: bool
) -> Iterator[Asked]:
    ids = [plan.ids(one, one.indices) for one in batch]
    known = store.answered_ids((each for group in ids for each in group), failed_too=drawn)
    for one, group in zip(batch, ids, strict=True):
        there = [each in known for each in group]
        missing: Sequence[int] = one.indices
        if any(there):
            pairs = zip(one.indices, there, strict=True)
            missing = tuple(index for index, found in pairs if not found)
        yield one._replace(missing=missing)


def iter_briefs(problems_dir: Path) -> Iterator[Brief]:
    """What a plan must know of every problem that is drawn for: passed-through ones are not."""
    columns = ["problem_id", "domain", "category", "grader", "author"]
    for table in iter_columns(problems_dir, "problems", columns):
        for problem, domain, category, grader, author in zip(
            *(column.to_pylist() for column in table.columns), strict=True
        ):
            if not author:
                votes = grader == GraderName.MAJORITY
                yield Brief(problem, intern(domain), intern(category), votes)


def iter_problems(
    problems_dir: Path, among: Mapping[str, object] | None = None
) -> Iterator[Problem]:
    """Problems in the order of the parts, one part in memory at a time.

    Args:
        among: Only those whose id is a key; None: all.
    """
    for table in iter_parts(problems_dir, "problems", PROBLEM):
        for row in _rows(table, among):
            yield Problem.model_validate(row)


def _rows(table: pa.Table, among: Mapping[str, object] | None) -> list[dict[str, object]]:
    if among is None:
        return table.to_pylist()
    mask = [one in among for one in table["problem_id"].to_pylist()]
    return table.filter(pa.array(mask)).to_pylist() if any(mask) else []
