"""What rows of stored responses may call the problems of a suite."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from factory.collect.sources import iter_problems
from factory.errors import ImportedRowError
from factory.validate.asked import asked_id
from schemas.validate_settings import Suite


@dataclass(frozen=True)
class Names:
    """Each begins with the suite's name, which reading a row puts before what the row says."""

    asked: Mapping[str, str]
    """Name -> asked id."""
    left_out: frozenset[str]
    """Names of problems of the suite that are not asked."""


def names_of(
    suite: Suite, problems: Sequence[str], left_out: Sequence[str], *, by_index: bool
) -> Names:
    """The names of a suite's problems.

    By id: with the names of suite and source before it, with that of the source, or without, where
    no other source has the same id. By index: the number of the problem among the rows of the
    suite's one source that are problems, from 0.

    Args:
        problems, left_out: Ids that were and were not admitted, as `collect` has them.

    Raises:
        ImportedRowError: The suite has several sources, so that an index names no problem.
    """
    calls = _by_index(suite) if by_index else _by_id(suite.name, {*problems, *left_out})
    return Names(
        {called: asked_id(suite.name, one) for one in problems for called in calls[one]},
        frozenset(called for one in left_out for called in calls.get(one, [])),
    )


def _by_index(suite: Suite) -> Mapping[str, list[str]]:
    if len(suite.sources) != 1:
        raise ImportedRowError(
            f"responses to suite {suite.name}: expected `problem_id` in each row, found `index`; "
            f"with {len(suite.sources)} sources a row's number does not say which problem"
        )
    return {
        problem.problem_id: [f"{suite.name}/{at}"]
        for at, problem in enumerate(iter_problems(suite.sources[0]))
    }


def _by_id(suite: str, problems: set[str]) -> Mapping[str, list[str]]:
    own = {one: one.partition("/")[2] for one in problems}
    times = Counter(own.values())
    calls: defaultdict[str, list[str]] = defaultdict(list)
    for one in problems:
        calls[one] += [f"{suite}/{one}", f"{suite}/{asked_id(suite, one)}"]
        if times[own[one]] == 1:
            calls[one].append(f"{suite}/{own[one]}")
    return calls
