"""The cases of a part: what the rules see of its candidates, one text at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factory.grade.language import read_wanted
from factory.select.rules import Case
from schemas.candidate import FinishReason
from schemas.generate_settings import Generate, Prompt
from schemas.problem import Domain, GraderName
from schemas.select_settings import Select

Prompts = tuple[Prompt, Prompt]
"""How problems with and without a chain of thought are put."""

_LANGUAGES: Final = {"zh": "Chinese", "ko": "Korean", "ja": "Japanese"}


def prompts_of(generate: Generate) -> Prompts:
    """How the teachers of a recipe saw the problems."""
    with_thought, without = (generate.asking(reasoning=one)[2] for one in (True, False))
    return with_thought, without


@dataclass(frozen=True)
class Tables:
    """A part of candidates, the part of their verdicts, and their problems."""

    candidates: pa.Table
    verdicts: pa.Table
    problems: pa.Table
    """Each problem once."""
    at: NDArray[np.int64]
    """Row of the problem of each candidate."""


def cases_of(
    tables: Tables, rows: NDArray[np.int64], select: Select, prompts: Prompts
) -> Iterator[tuple[int, Case]]:
    """`(row, case)` for each of the rows, in order."""
    from factory.select.runs import may_repeat  # loads numba

    some = tables.candidates.select(["text", "finish_reason", "completion_tokens"])
    chosen = some.take(pa.array(rows)).combine_chunks()
    texts = chosen["text"]
    looked = may_repeat(texts) if select.repetition else np.zeros(len(rows), np.bool_)
    pieces = [one for chunk in texts.chunks for one in chunk]
    finish_reasons = chosen["finish_reason"].to_pylist()
    tokens = chosen["completion_tokens"].to_pylist()
    problems = [_Asked.of(one, prompts) for one in tables.problems.to_pylist()]
    for number, row in enumerate(rows.tolist()):
        problem = problems[tables.at[row]]
        gold = tables.verdicts["extracted"][row].as_py() if problem.by_vote else problem.gold
        yield (
            row,
            Case(
                statement=problem.statement,
                gold=gold,
                domain=problem.domain,
                reasoning=problem.reasoning,
                text=pieces[number].as_py(),
                finish_reason=FinishReason(finish_reasons[number]),
                tokens=tokens[number],
                context=problem.context,
                may_repeat=bool(looked[number]),
            ),
        )


@dataclass(frozen=True)
class _Asked:
    """A problem as far as the rules need it."""

    statement: str
    gold: str
    domain: Domain
    reasoning: bool
    context: str
    by_vote: bool

    @classmethod
    def of(cls, row: dict[str, Any], prompts: Prompts) -> _Asked:
        domain = Domain(row["domain"])
        return cls(
            statement=row["statement"],
            gold=row["gold"],
            domain=domain,
            reasoning=row["reasoning"],
            context="\n".join(_context(row, domain, prompts[0 if row["reasoning"] else 1])),
            by_vote=row["grader"] == GraderName.MAJORITY,
        )


def _context(row: dict[str, Any], domain: Domain, prompt: Prompt) -> Iterator[str]:
    """What the teacher was told beside the statement; a conversation that is passed through was
    told nothing of the recipe's."""
    if not row["author"]:
        yield prompt.system
        yield prompt.templates.get(domain, "")
    for turn in row["history"]:
        yield turn["content"]
    if row["grader"] == GraderName.LANGUAGE and (wanted := read_wanted(row["gold"])):
        for language in sorted(wanted.trace | wanted.answer):
            yield _LANGUAGES.get(language, "")
