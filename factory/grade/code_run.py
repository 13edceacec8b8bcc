"""How the programs of one code problem are run, where the recipe's own way is not the problem's."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import Field

from schemas.row import Settings

_LEFT_OUT: Final = re.compile(r'"left_out":(\d+)')
"""As canonical JSON has it; inside a text the quotes would be escaped."""


class CodeRun(Settings):
    """The key `run` beside the tests in the gold of a code problem; what is left out is as in
    `[grade.code]`."""

    prelude: str = ""
    """Code that stands before every program, on lines of its own."""
    cpu_s: Annotated[float, Field(gt=0)] | None = None
    """Of all cases together; never less than the recipe has. So are the two below."""
    wall_s: Annotated[float, Field(gt=0)] | None = None
    output_bytes: Annotated[int, Field(gt=0)] | None = None
    left_out: int = 0
    """Tests of the source that are not among these, because no sandbox can take them."""

    def program(self, written: str) -> str:
        """A program with what stands before it."""
        return f"{self.prelude}\n{written}" if self.prelude else written


def count_left_out(gold: str) -> int:
    """How many tests of its source a gold of the grader `code` has not, without reading them."""
    run = gold.rfind('"run":{')
    found = _LEFT_OUT.search(gold, run) if run >= 0 else None
    return int(found[1]) if found else 0
