"""A run: one target on one recipe, with every artifact that it stands on."""

from __future__ import annotations

from pydantic import Field

from schemas.manifest import LedgerEntry
from schemas.row import Row
from schemas.score import Comparison, Score
from schemas.spent import Spent


class StageRef(Row):
    """One artifact of a run."""

    task: str
    stage: str
    key: str
    path: str
    """Absolute."""
    wall_s: float


class DatasetRef(Row):
    """The dataset that a run published."""

    path: str
    """Absolute."""
    version: str
    digest: str
    rows: int


class Run(Row):
    """`run.json`: what `retort summary` reads. Paths are absolute."""

    run: str
    """`<recipe>-<digest>`, the name of the folder."""
    recipe: str
    target: str
    """The task that was asked for: `DistillAll` or `BuildDataset`."""
    stages: list[StageRef]
    ledger: list[LedgerEntry]
    """Rounds summed; proven to add up."""
    scores: list[Score]
    comparisons: list[Comparison] = Field(default_factory=list[Comparison])
    """Each student with its base, its control and the teacher, on the same problems."""
    dataset: DatasetRef
    students: list[str]
    """Folders of the trained students in Hugging Face layout."""
    spent: Spent | None = None
    """What drawing and judging the data took, all rounds together, each artifact when it was made;
    None where nothing was asked of a model."""
