"""What a student's card is made from: nothing that a person typed but the recipe.

Written beside the model when it is trained (`card.json`), so that the card can be made again when
the scores are there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pydantic import Field

from factory.errors import ManifestMismatch
from factory.parts import write_atomically
from factory.train.job import TrainingOutcome
from factory.train.token_parts import RowCounts
from schemas.row import Row
from schemas.score import Score

FACTS: Final = "card.json"


class LearnedFrom(Row):
    """Rows of one licence by one model."""

    license: str
    """Of the problems."""
    model: str
    """That wrote the completions, without its revision."""
    model_license: str
    """Of what it wrote; empty where it is not stated."""
    rows: int


class DatasetFacts(Row):
    """A published dataset by its own `dataset.json`, or another folder of rows."""

    name: str
    """Of a folder that is not published its path below the project, or only its last part."""
    version: str
    """Empty where it is not published."""
    digest: str
    """Of its content; where it is not published, of the files in its folder `data`."""
    rows: int


class BaseFacts(Row):
    """What the student was before."""

    name: str
    """Of the hub, a folder, or `embedded:NAME`; empty where its weights were random."""
    revision: str
    """Commit of the hub, or digest of the folder."""
    on_hub: bool
    license: str
    """Empty where nothing here states it."""


class Measured(Row):
    """What a run measured of a student."""

    scores: list[Score] = Field(min_length=1)
    """Of the student, and of what it is compared with."""
    sampling: dict[str, Any]
    """How the models were asked."""


class CardFacts(Row):
    """Everything that a card says but the scores; equal facts give equal bytes."""

    student: str
    recipe: str
    """Its name; empty where the training was asked for without one."""
    key: str
    seed: int
    base: BaseFacts
    config: dict[str, Any]
    """`config.json` of the student."""
    dataset: DatasetFacts
    learned_from: list[LearnedFrom]
    """Empty where the rows do not say it."""
    counts: RowCounts
    max_length_tokens: int
    settings: dict[str, Any]
    """`[train]` without its students; beside a DeepSpeed file, only what the recipe says."""
    settings_of_student: dict[str, Any]
    deepspeed: dict[str, Any]
    """What the DeepSpeed file says; empty without one."""
    precision: str
    """It, ZeRO and offloading as they were, whoever decided them."""
    zero_stage: int
    offload: str
    outcome: TrainingOutcome
    device: str
    """Name of the GPU, or `CPU`."""
    versions: dict[str, str]
    template: str
    """SHA-256 of the chat template's source."""
    templates_of_rows: dict[str, str]
    """Model that wrote rows -> the same of the template that it was asked with."""
    end_token: str

    @property
    def is_control(self) -> bool:
        """Whether its rows were drawn from all candidates."""
        return self.settings_of_student["learns_from"] == "all"


def write_facts(facts: CardFacts, folder: Path) -> None:
    """`card.json` in the artifact's folder; it is no part of it, for it holds times."""
    write_atomically(folder / FACTS, (facts.model_dump_json(indent=2) + "\n").encode())


def read_facts(folder: Path) -> CardFacts:
    """What `write_facts` wrote.

    Raises:
        ManifestMismatch: It is not there, or of another version.
    """
    path = folder / FACTS
    try:
        return CardFacts.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ManifestMismatch(
            f"{path}: expected what the student's card is made from, found none of this version "
            f"({error}); delete {folder / 'manifest.json'} and run again, it will not train again"
        ) from error
