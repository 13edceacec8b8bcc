"""Which problems repeat another, or overlap with a benchmark.

Of a problem the statement is compared, earlier turns of a user, and the worked solution where the
source has one. `factory.overlap.benchmark_index` says what counts as an overlap, and what is not
found.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from factory.collect.known_sets import HUMANEVAL_INSTRUCTION, MBPP_TEST_LINE
from factory.collect.livecodebench import STARTER_LINE, STDIN_LINE
from factory.collect.mapped import CALL_LINE
from schemas.problem import Problem

if TYPE_CHECKING:
    from factory.overlap.benchmark_index import BenchmarkIndex, Hit

ADDED: Final = (HUMANEVAL_INSTRUCTION, MBPP_TEST_LINE, CALL_LINE, STARTER_LINE, STDIN_LINE)
"""What adapters add to every statement: no overlap."""

_PROBLEMS_AT_A_TIME: Final = 1024


def same_statement(statement: str) -> str:
    """The form in which two statements are one problem: equal but for spaces and composed letters.

    Case and signs stay: `2-3` is not `2+3`, and `X` may stand beside `x`.
    """
    return " ".join(unicodedata.normalize("NFC", statement).split())


def same_problem(problem: Problem) -> str:
    """The form in which two problems are one: the statement after the same turns, if any."""
    said = [f"{turn.role}: {same_statement(turn.content)}" for turn in problem.history]
    return "\n".join([*said, same_statement(problem.statement)])


def asked_in(problem: Problem) -> list[str]:
    """What a user said: the statement, and earlier turns of a conversation."""
    earlier = [turn.content for turn in problem.history if turn.role == "user"]
    return [problem.statement, *(text for text in earlier if text.strip())]


def overlaps(
    problems: Iterable[Problem], index: BenchmarkIndex
) -> Iterator[tuple[Problem, Hit | None]]:
    """Each problem with its first overlap, None where there is none."""
    remaining = iter(problems)
    while some := list(islice(remaining, _PROBLEMS_AT_A_TIME)):
        first: dict[int, Hit] = {}
        texts = [(at, text) for at, one in enumerate(some) for text in _texts(one)]
        found = index.find([text for _, text in texts])
        for (at, _), hit in zip(texts, found, strict=True):
            if hit is not None:
                first.setdefault(at, hit)
        yield from ((one, first.get(at)) for at, one in enumerate(some))


def _texts(problem: Problem) -> list[str]:
    """What is compared; an answer that is passed through is compared where samples are."""
    solution = [problem.solution] if problem.solution.strip() and not problem.author else []
    return [*asked_in(problem), *solution]
