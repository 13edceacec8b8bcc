"""What the rounds before gave: per problem, how many candidates were asked for and how many are
correct. Conversations that are passed through were not asked and are left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from factory.parts import iter_columns
from schemas.candidate import GIVEN
from schemas.verdict import Status

_CHARS_PER_TOKEN: Final = 4
"""Where a server did not count tokens, a budget takes this many characters for one."""


@dataclass(slots=True)
class Tally:
    """What one problem got so far."""

    asked: int = 0
    """Candidates asked for, failed ones included: the index of the next one."""
    rounds: int = 0
    """Rounds that asked for some."""
    graded: int = 0
    correct: int = 0
    tokens: int = 0
    """Completion tokens; estimated from the text's length where they were not counted."""


def tally(earlier: Sequence[tuple[Path, Path]]) -> dict[str, Tally]:
    """Problem id -> what it got, for every problem that an earlier round asked.

    Args:
        earlier: (generate folder, grade folder) of each round before, finished.
    """
    tallies: dict[str, Tally] = {}
    for generated, graded in earlier:
        last: dict[str, int] = {}
        for table in _drawn(generated, ["index"]):
            _last_index(table, last)
        for table in iter_columns(generated, "failures", ["problem_id", "index"]):
            _last_index(table, last)
        for problem, index in last.items():
            one = tallies.setdefault(problem, Tally())
            one.asked = max(one.asked, index + 1)
            one.rounds += 1
        for problem, tokens in _tokens(generated).items():
            tallies[problem].tokens += tokens
        for table in iter_columns(graded, "verdicts", ["problem_id", "status"]):
            rows = zip(table["problem_id"].to_pylist(), table["status"].to_pylist(), strict=True)
            for problem, status in rows:
                if one := tallies.get(problem):
                    one.graded += 1
                    one.correct += status == Status.CORRECT
    return tallies


def _drawn(generated: Path, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Some columns of the candidates that were asked for, one part after the other."""
    for table in iter_columns(generated, "candidates", ["problem_id", "engine", *columns]):
        yield table.filter(pc.field("engine") != GIVEN)


def _last_index(table: pa.Table, last: dict[str, int]) -> None:
    for problem, index in zip(
        table["problem_id"].to_pylist(), table["index"].to_pylist(), strict=True
    ):
        if index > last.get(problem, -1):
            last[problem] = index


def _tokens(generated: Path) -> dict[str, int]:
    """Completion tokens of a round by problem. The texts are read only where counts are missing."""
    found: dict[str, int] = {}
    uncounted = False
    for table in _drawn(generated, ["completion_tokens"]):
        uncounted = uncounted or table["completion_tokens"].null_count > 0
        for problem, tokens in zip(
            table["problem_id"].to_pylist(), table["completion_tokens"].to_pylist(), strict=True
        ):
            found[problem] = found.get(problem, 0) + (tokens or 0)
    if uncounted:
        for table in _drawn(generated, ["completion_tokens", "text"]):
            chars = pc.call_function("utf8_length", [table["text"]])
            for problem, tokens, length in zip(
                table["problem_id"].to_pylist(),
                table["completion_tokens"].to_pylist(),
                chars.to_pylist(),
                strict=True,
            ):
                if tokens is None:
                    found[problem] += length // _CHARS_PER_TOKEN
    return found
