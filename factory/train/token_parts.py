"""One Parquet file of a dataset -> its token files: what is learned, and what is held out.

Beside them stand the counts of its rows, written last: a part is whole when the three are there
and were made from the same things. Rows that are too long are dropped whole, before problems are
held out.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from factory.parts import write_atomically
from factory.train.dataset_rows import MESSAGES, UUID, problem_column, problem_of, row_batches
from factory.train.held_out import HeldOut
from factory.train.render import Renderer
from factory.train.tokens import TokenWriter, tokens_made_from
from schemas.row import Row

_BATCH_ROWS: Final = 64


class RowCounts(Row):
    """What became of the rows of a dataset: `read = kept + held_out + over_length`."""

    read: int = 0
    kept: int = 0
    """Documents to learn."""
    held_out: int = 0
    """Of problems that are kept for the evaluation loss."""
    over_length: int = 0
    """More tokens than allowed, with prompt and end token; dropped whole."""
    longest_tokens: int = 0
    """Of all rows read."""


class _Beside(Row):
    """What stands beside the token files."""

    made_from: str
    counts: RowCounts


@dataclass(frozen=True)
class TokenPart:
    """What is made of one Parquet file."""

    file: Path
    folder: Path
    number: int
    max_length_tokens: int
    held_out: HeldOut
    made_from: str

    @property
    def tokens(self) -> Path:
        """The documents to learn."""
        return self.folder / f"tokens-{self.number:05d}.arrow"

    @property
    def eval_tokens(self) -> Path:
        """Those held out."""
        return self.folder / f"held-out-{self.number:05d}.arrow"

    @property
    def beside(self) -> Path:
        """The counts."""
        return self.folder / f"counts-{self.number:05d}.json"

    def kept(self) -> RowCounts | None:
        """The counts, where the token files are whole and were made from the same things."""
        try:
            beside = _Beside.model_validate_json(self.beside.read_bytes())
        except (OSError, ValueError):
            return None
        files = (self.tokens, self.eval_tokens)
        made = {beside.made_from, *(tokens_made_from(file) for file in files)}
        return beside.counts if made == {self.made_from} else None


def tokenise_part(
    renderer: Renderer, part: TokenPart, tell: Callable[[int], object] | None = None
) -> RowCounts:
    """Write the token files of one Parquet file, unless they are there.

    Args:
        tell: Hears of rows as they are done.

    Raises:
        TrainError: The file cannot be read, or a row must not be learned (see `Renderer`).
    """
    counts = part.kept()
    if counts is None:
        part.beside.unlink(missing_ok=True)
        counts = _write(renderer, part, tell)
        beside = _Beside(made_from=part.made_from, counts=counts)
        write_atomically(part.beside, beside.model_dump_json().encode())
    elif tell is not None:
        tell(counts.read)
    return counts


def _write(renderer: Renderer, part: TokenPart, tell: Callable[[int], object] | None) -> RowCounts:
    read = over_length = longest = 0
    problem = problem_column(part.file)
    columns = [UUID, MESSAGES, *({problem} - {UUID})]
    with (
        TokenWriter(part.tokens, made_from=part.made_from) as learned,
        TokenWriter(part.eval_tokens, made_from=part.made_from) as measured,
    ):
        for batch in row_batches(part.file, columns, _BATCH_ROWS):
            rows: dict[str, list[Any]] = batch.to_pydict()
            documents = renderer.documents(rows[UUID], rows[MESSAGES])
            for document, name, uuid in zip(documents, rows[problem], rows[UUID], strict=True):
                longest = max(longest, len(document.ids))
                if len(document.ids) > part.max_length_tokens:
                    over_length += 1
                else:
                    named = problem_of(name, uuid)
                    (measured if named in part.held_out else learned).add(document)
            read += len(documents)
            if tell is not None:
                tell(len(documents))
    return RowCounts(
        read=read,
        kept=learned.written,
        held_out=measured.written,
        over_length=over_length,
        longest_tokens=longest,
    )


# ------------------------------------------------------------------------------ in other processes


def tokenise_part_there(renderer: bytes, part: TokenPart) -> RowCounts:
    """As `tokenise_part`, with a pickled renderer, in one of as many processes as there are cores.

    The tokenizer's own threads are switched off, as they would be as many again in each.
    """
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    return tokenise_part(_unpickled(renderer), part)


@lru_cache(maxsize=1)
def _unpickled(renderer: bytes) -> Renderer:
    return pickle.loads(renderer)
