"""How the programs of one code problem are run, where the recipe's own way is not the problem's.

A gold of the grader `code` may have the key `run` beside the sandbox's tests.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from sandboxes import Limits, Tests, parse_tests
from schemas.row import Settings


class CodeRun(Settings):
    """`run` in the gold of a code problem; what is left out is as in `[grade.code]`."""

    prelude: str = ""
    """Code that stands before every program, on lines of its own."""
    cpu_s: Annotated[float, Field(gt=0)] | None = None
    """Of all cases together; never less than the recipe has."""
    wall_s: Annotated[float, Field(gt=0)] | None = None
    output_bytes: Annotated[int, Field(gt=0)] | None = None
    left_out: int = 0
    """Tests of the source that are not among these, because no sandbox can take them."""

    def program(self, written: str) -> str:
        """A program with what stands before it."""
        return f"{self.prelude}\n{written}" if self.prelude else written

    def limits(self, of_the_recipe: Limits) -> Limits:
        """The recipe's limits, raised to those that the problem needs."""
        return replace(
            of_the_recipe,
            cpu_s=max(of_the_recipe.cpu_s, self.cpu_s or 0.0),
            wall_s=max(of_the_recipe.wall_s, self.wall_s or 0.0),
            output_bytes=max(of_the_recipe.output_bytes, self.output_bytes or 0),
        )


def read_code_gold(gold: str) -> tuple[Tests, CodeRun]:
    """The tests of a code problem, and how its programs are run.

    Raises:
        ValueError: It is no JSON, or not of this form.
    """
    form: Any = json.loads(gold)
    run = CodeRun.model_validate(form.pop("run", {})) if isinstance(form, dict) else CodeRun()
    return parse_tests(form), run
