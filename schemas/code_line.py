"""One line of a file for `retort grade code`, and one line of its output."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from schemas.row import Row
from schemas.verdict import Status

MOST_S = 3600.0
MOST_OUTPUT_BYTES = 64 * 1024 * 1024

Seconds = Annotated[float, Field(gt=0, le=MOST_S, allow_inf_nan=False)]


class CodeLimits(Row):
    """Limits of one program over all its cases; a compiler has limits of its own."""

    model_config = ConfigDict(strict=True)

    wall_s: Seconds = 10.0
    cpu_s: Seconds = 5.0
    memory_bytes: Annotated[int, Field(ge=1)] = 256 * 1024 * 1024
    """Of each of its processes. How much is too much depends on the engine's machine."""
    output_bytes: Annotated[int, Field(ge=1, le=MOST_OUTPUT_BYTES)] = 1024 * 1024
    """Standard output and standard error together."""


class CodeLine(Row):
    """A program and its tests."""

    model_config = ConfigDict(strict=True)

    id: str | int
    """As it is in the output; `1` and `"1"` differ."""
    language: str
    """A name or alias that `sandboxes.language_of` knows."""
    program: str
    tests: dict[str, Any]
    """The JSON form that `sandboxes.parse_tests` takes."""
    limits: CodeLimits | None = None
    """None, or a limit that is not named: the default."""


class CodeResult(Row):
    """What became of one program, without the id of its line."""

    verdict: Status
    passed: int
    """Cases that held; 0 of 0 where there is no verdict (`infra`)."""
    total: int
    detail: str
    """One line: the first case that failed and why; for `infra` what the machine lacked."""
    wall_s: float
    cpu_s: float
