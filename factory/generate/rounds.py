"""Which candidates a round asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from factory.parts import iter_parts
from schemas.arrow import VERDICT
from schemas.recipe import Generate
from schemas.verdict import Status


def correct_by_problem(earlier: Sequence[tuple[Path, Path]]) -> Counter[str]:
    """How many correct candidates each problem has after the rounds before.

    Args:
        earlier: (generate folder, grade folder) of each round before, finished.
    """
    correct: Counter[str] = Counter()
    for _, graded in earlier:
        for table in iter_parts(graded, "verdicts", VERDICT):
            rows = zip(table["problem_id"].to_pylist(), table["status"].to_pylist(), strict=True)
            correct.update(problem for problem, status in rows if status == Status.CORRECT)
    return correct


def wanted(
    problem_ids: Iterable[str], correct: Counter[str], generate: Generate, *, round: int
) -> list[tuple[str, range]]:
    """(problem, candidate indices) that a round asks for, in the order of the problems.

    Round 1 asks for `candidates` of every problem. A later round asks for the next `candidates`
    of each problem that has fewer than `accepted_wanted` correct ones and is not given up: without
    any correct one in `give_up_after` candidates. A problem that a round leaves out never comes
    back, so indices have no gaps and follow from the round alone.
    """
    before = (round - 1) * generate.candidates
    indices = range(before, before + generate.candidates)
    if round == 1:
        return [(problem, indices) for problem in problem_ids]
    return [
        (problem, indices)
        for problem in problem_ids
        if correct[problem] < generate.accepted_wanted
        and (correct[problem] > 0 or before < generate.give_up_after)
    ]
