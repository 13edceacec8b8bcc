"""Our verdicts on stored responses, by validation itself: `retort validate --responses FILE`."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from factory.collect.sources import iter_problems
from factory.parts import read_parts
from factory.validate.alone import alone
from factory.validate.asked import asked_id
from factory.validate.chosen import Wishes, chosen
from factory.validate.responses import stored_responses
from schemas.arrow import VERDICT
from schemas.candidate import FinishReason
from schemas.machine import Machine, Paths
from schemas.verdict import Status

from .stored import Response, write_lines

LEFT_OUT: Final = "left out"
"""Status of responses to a problem that validation does not ask: a duplicate, or a bad gold."""


@dataclass(frozen=True)
class Verdict:
    """What we found."""

    correct: bool
    status: str
    extracted: str


def graded(responses: Sequence[Response], suite: str, machine: Machine) -> list[Verdict]:
    """Verdicts on responses to a suite that is known by name, in their order."""
    k = 1 + max(one.index for one in responses)
    what = chosen([suite], Wishes(k=k), None, None, forced=True)
    source = what.validate.suites[0].sources[0]
    places = {asked_id(suite, one.problem_id): at for at, one in enumerate(iter_problems(source))}
    with tempfile.TemporaryDirectory(prefix="parity-") as name:
        folder = Path(name)
        paths = Paths(artifacts=str(folder / "artifacts"), runs=str(folder / "runs"))
        here = machine.model_copy(update={"paths": paths})
        file = write_lines(folder / "responses.jsonl", _rows(responses))
        subject = stored_responses(file, suite, "stored")
        out = folder / "validated"
        alone(what, subject, "stored", here, out=out).run()
        columns = ["problem_id", "index", "status", "extracted"]
        rows = read_parts(out / "verdicts", "verdicts", VERDICT).select(columns).to_pylist()
    found = {(places[row["problem_id"]], row["index"]): row for row in rows}
    return [_verdict(found.get((one.problem, one.index))) for one in responses]


def _rows(responses: Sequence[Response]) -> list[dict[str, Any]]:
    """The file of stored responses: a row per problem."""
    rows: dict[int, dict[str, Any]] = {}
    for one in responses:
        row = rows.setdefault(
            one.problem, {"index": one.problem, "responses": [], "finish_reasons": []}
        )
        row["responses"].append(one.text)
        row["finish_reasons"].append(FinishReason.LENGTH if one.cut else FinishReason.STOP)
    return list(rows.values())


def _verdict(row: dict[str, Any] | None) -> Verdict:
    if row is None:
        return Verdict(False, LEFT_OUT, "")
    return Verdict(row["status"] == Status.CORRECT, row["status"], row["extracted"])
