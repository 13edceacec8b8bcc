"""What a check finds: rows of `factory.train.check`, in the form that `--json` prints."""

from __future__ import annotations

from factory.train.first_rows import FirstRow
from factory.train.memory import Memory
from factory.train.probe import Time
from schemas.row import Row


class Dataset(Row):
    """What is learned from; name, version and digest where it is a published dataset."""

    folder: str
    name: str | None = None
    version: str | None = None
    digest: str | None = None
    """Of the rows' content."""


class Rows(Row):
    """What became of the dataset's rows."""

    read: int
    kept: int
    held_out: int
    drops: dict[str, int]
    """By reason; no zeros."""


class Lengths(Row):
    """A distribution over documents."""

    least: int
    median: int
    p95: int
    most: int
    total: int


class Packing(Row):
    """Rows of several documents."""

    on: bool
    row_tokens: int
    rows: int
    """Of one epoch."""
    efficiency: float
    """Tokens over the capacity of the rows, in (0, 1]."""


class Template(Row):
    """Chat templates, by their digests."""

    student: str
    teachers: dict[str, str]
    """Model that wrote rows -> digest; empty where the dataset does not say."""


class EndToken(Row):
    """What generation will stop at."""

    id: int
    text: str


class Steps(Row):
    """The plan's size."""

    steps: int
    epochs: int
    tokens_per_epoch: int
    targets_per_epoch: int
    micro_batches: int
    """Of one rank in one step, at most."""
    micro_batch_tokens: int
    """Padded tokens of one of them, at most."""
    eval_targets: int
    """Target tokens of the held-out documents."""


class Disk(Row):
    """Bytes below the student's folder."""

    checkpoint_bytes: int
    checkpoints: int
    """At a time, at most: one more than are kept, while the newest is written."""
    export_bytes: int
    free_bytes: int

    @property
    def needed_bytes(self) -> int:
        """Of checkpoints and the exported model together."""
        return self.checkpoints * self.checkpoint_bytes + self.export_bytes


class Check(Row):
    """A training as it would be."""

    student: str
    base: str
    parameters: int
    device: str
    ranks: int
    zero_stage: int
    precision: str
    attention: str
    """By transformers' name of it."""
    gradient_checkpointing: bool
    offload: str
    dataset: Dataset
    rows: Rows
    tokens: Lengths
    targets: Lengths
    packing: Packing
    template: Template
    end_token: EndToken
    first_rows: list[FirstRow]
    steps: Steps
    memory: Memory
    disk: Disk
    time: Time | None
    """None: not tried, or too much to try here."""
    warnings: list[str]
