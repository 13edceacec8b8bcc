"""Token files: documents as token ids in an Arrow file that every rank maps into memory.

A document is a prompt followed by what is to be learned. Its targets are the tokens from
`prompt_tokens` on, so a prompt can never be one; a document without a prompt says 1, because
nothing comes before its first token that could predict it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factory.errors import TrainError
from factory.parts import sync_folder

Ids = npt.NDArray[np.int32]

TOKENS: Final = pa.schema(
    [
        pa.field("ids", pa.large_list(pa.field("item", pa.int32(), nullable=False)), False),
        pa.field("prompt_tokens", pa.int32(), nullable=False),
    ]
)
_MADE_FROM: Final = b"retort_made_from"
_BATCH_TOKENS: Final = 1 << 20


@dataclass(frozen=True)
class Document:
    """Token ids, and how many of them at the start are only read."""

    ids: Ids
    prompt_tokens: int

    @property
    def targets(self) -> int:
        """Number of tokens to learn."""
        return len(self.ids) - self.prompt_tokens


class TokenWriter:
    """A token file that documents are added to: it is there, whole, once its block has ended.

    After an error, or `kill -9`, there is no file of that name, or the one that was there before.
    A few megabytes of documents are held at a time.

    Args:
        path: The file; its folder is made if it is not there.
        made_from: Digest of what decided the content; `tokens_made_from` gives it back.
    """

    def __init__(self, path: Path, *, made_from: str = "") -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._hidden = path.with_name(f".{path.name}.{os.getpid()}")
        self._schema = TOKENS.with_metadata({_MADE_FROM: made_from.encode()})
        self._waiting: list[Document] = []
        self._waiting_tokens = 0
        self.written = 0
        """Documents added."""

    def __enter__(self) -> Self:
        self._sink = pa.OSFile(str(self._hidden), "wb")
        self._file = pa.ipc.new_file(self._sink, self._schema)
        return self

    def add(self, document: Document) -> None:
        """Add one document after those before.

        Raises:
            TrainError: It has nothing to learn, or no prompt and no first token.
        """
        if not 1 <= document.prompt_tokens < len(document.ids):
            raise TrainError(
                f"document {self.written}: expected 1 <= prompt_tokens < tokens, found "
                f"{document.prompt_tokens} of {len(document.ids)}; leave it out"
            )
        self._waiting.append(document)
        self._waiting_tokens += len(document.ids)
        self.written += 1
        if self._waiting_tokens >= _BATCH_TOKENS:
            self._write()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._write()
            self._file.close()
            self._sink.close()
            if kind is None:
                with open(self._hidden, "rb+") as file:
                    os.fsync(file.fileno())
                self._hidden.replace(self._path)
                sync_folder(self._path.parent)
        finally:
            self._hidden.unlink(missing_ok=True)

    def _write(self) -> None:
        self._file.write_batch(_as_batch(self._waiting, self._schema))
        self._waiting, self._waiting_tokens = [], 0


def write_tokens(path: Path, documents: Iterable[Document], *, made_from: str = "") -> int:
    """Write documents into a token file, as `TokenWriter`; returns their number.

    Args:
        path: The file; its folder is made if it is not there.
        documents: In the order in which the plan will number them.
        made_from: Digest of what decided the content; `tokens_made_from` gives it back.

    Raises:
        TrainError: A document has nothing to learn, or no prompt and no first token.
    """
    with TokenWriter(path, made_from=made_from) as writer:
        for document in documents:
            writer.add(document)
    return writer.written


def _as_batch(batch: Sequence[Document], schema: pa.Schema) -> pa.RecordBatch:
    offsets = np.cumsum([0, *(len(one.ids) for one in batch)], dtype=np.int64)
    flat = np.concatenate([one.ids for one in batch]) if batch else np.zeros(0, np.int32)
    ids = pa.LargeListArray.from_arrays(
        pa.array(offsets), pa.array(flat.astype(np.int32)), type=schema.field("ids").type
    )
    prompts = pa.array([one.prompt_tokens for one in batch], pa.int32())
    return pa.RecordBatch.from_arrays([ids, prompts], schema=schema)


def tokens_made_from(path: Path) -> str | None:
    """What the file says it was made from; None where there is no whole file."""
    try:
        with pa.memory_map(str(path)) as source:
            metadata: dict[bytes, bytes] = pa.ipc.open_file(source).schema.metadata or {}
    except (OSError, pa.ArrowInvalid):
        return None
    return metadata.get(_MADE_FROM, b"").decode()


class TokenFiles:
    """Documents of several token files, numbered through, read without copying the files."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Map the files.

        Raises:
            TrainError: A file cannot be read, or there is no document in any.
        """
        self._chunks: list[Any] = []
        lengths: list[npt.NDArray[np.int64]] = []
        prompts: list[npt.NDArray[np.int64]] = []
        starts = [0]
        for path in paths:
            try:
                reader = pa.ipc.open_file(pa.memory_map(str(path)))
            except (OSError, pa.ArrowInvalid) as error:
                raise TrainError(f"token file {path}: cannot be read ({error})") from error
            if not reader.schema.equals(TOKENS, check_metadata=False):
                raise TrainError(f"token file {path}: expected {TOKENS}, found {reader.schema}")
            for number in range(reader.num_record_batches):
                batch = reader.get_batch(number)
                column = batch.column("ids")
                lengths.append(np.diff(column.offsets.to_numpy()))
                prompts.append(batch.column("prompt_tokens").to_numpy().astype(np.int64))
                self._chunks.append(column)
                starts.append(starts[-1] + len(batch))
        self._starts = np.asarray(starts)
        self.lengths = np.concatenate([np.zeros(0, np.int64), *lengths])
        """Tokens of each document."""
        self.prompt_tokens = np.concatenate([np.zeros(0, np.int64), *prompts])
        if not len(self.lengths):
            raise TrainError("training data: expected at least one document, found none")

    def __len__(self) -> int:
        return len(self.lengths)

    def document(self, number: int) -> Document:
        """One document."""
        chunk = int(np.searchsorted(self._starts, number, side="right")) - 1
        column = self._chunks[chunk]
        at = number - int(self._starts[chunk])
        offsets = column.offsets
        start, stop = offsets[at].as_py(), offsets[at + 1].as_py()
        ids = column.values.slice(start, stop - start).to_numpy(zero_copy_only=True)
        return Document(ids, int(self.prompt_tokens[number]))
