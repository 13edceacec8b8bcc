"""A problem: a statement with its gold answer, and where it came from."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.row import Row
from schemas.sample import Message


class Domain(StrEnum):
    """The domains of the recipe (DeepSeek-R1, supplementary table 5)."""

    MATH = "math"
    CODE = "code"
    STEM = "stem"
    LOGIC = "logic"
    GENERAL = "general"


class GraderName(StrEnum):
    """Our own graders; each is a module of `factory.grade`. Others come from installed packages."""

    MATH = "math"
    """Symbolic equality with `gold`."""
    CODE = "code"
    """`gold` is JSON: `tests` of the sandbox (`stdio`, `call` or `asserts`), see `sandboxes`."""
    CHOICE = "choice"
    """`gold` is one letter, A to J: `B`, `(B)`, `B)`, `\\text{(B)}`."""
    TEXT = "text"
    """Equality of normalised text with `gold`; alternatives are separated by ` ||| `."""
    EXACT = "exact"
    """The characters of `gold`, without the space around them."""
    NUMBER = "number"
    """`gold` is a number; it may carry its tolerance, `3.14 ± 0.01`."""
    FORMAT = "format"
    """Thinking closed once, one final answer. `gold` is not read and may be empty."""
    LANGUAGE = "language"
    """`gold` names the wanted language of trace and answer: `ko`, `en+zh`, `trace=ko answer=en`."""
    PROCEDURAL = "procedural"
    """`gold` is JSON of reasoning-gym: `{"dataset": name, "entry": {…}}`, perhaps `config`."""
    JUDGE = "judge"
    """A model decides; `gold` is a reference answer, or empty where there is none."""
    MAJORITY = "majority"
    """There is no gold (it is empty): what most candidates answer, in mathematics."""
    GIVEN = "given"
    """The answer came with the problem and is taken as it stands; `gold` is empty."""


AnyGrader = Annotated[GraderName | str, Field(union_mode="left_to_right")]
"""One of our own graders, else the name under which an installed package registers one
(docs/graders.md); `factory.grade.registry` knows which there are."""


class Problem(Row):
    """One problem. `problem_id` is unique in a run and stable across runs of the same source."""

    problem_id: str
    statement: str
    gold: str
    """The gold answer, in the form that `grader` reads."""
    grader: AnyGrader
    domain: Domain
    source: str
    """Name of the source in the recipe, e.g. `gsm8k-train`."""
    license: str
    """SPDX identifier, or the words of the source where there is none."""
    category: str
    """Kind within the domain, e.g. `arithmetic`, `Algebra`; empty where the source has none."""
    level: str
    """Difficulty as the source names it; empty where it has none."""
    reasoning: bool
    """True where the answer is reached by a chain of thought; False for plain prompts."""
    solution: str
    """The source's own worked solution or reference program; empty where there is none.
    Never shown to a teacher: it serves the gold check and the false-drop measurements. Of a
    conversation that is passed through, its last assistant turn."""
    history: list[Message] = Field(default_factory=list)
    """Turns before `statement`, for conversations of several turns; roles as they were."""
    author: str = ""
    """Who wrote `solution`, where it is passed through as a candidate; else empty."""
