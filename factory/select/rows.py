"""The parts of candidates and verdicts that select reads, checked value by value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from factory.errors import ManifestMismatch, SchemaMismatch
from factory.parts import parts_of, read_part
from schemas.arrow import CANDIDATE, VERDICT
from schemas.candidate import FinishReason
from schemas.manifest import PartFile
from schemas.verdict import Status


@dataclass(frozen=True)
class Pair:
    """A part of candidates and the part of their verdicts: same rows, same order."""

    candidates_dir: Path
    candidates: PartFile
    verdicts_dir: Path
    verdicts: PartFile

    @property
    def candidates_path(self) -> Path:
        return self.candidates_dir / self.candidates.path

    @property
    def verdicts_path(self) -> Path:
        return self.verdicts_dir / self.verdicts.path


def pairs_of(candidates_dir: Path, verdicts_dir: Path) -> list[Pair]:
    """Each part of candidates with the part of their verdicts, in order.

    Raises:
        ManifestMismatch: There are more of the one than of the other.
    """
    candidates = parts_of(candidates_dir, "candidates")
    verdicts = parts_of(verdicts_dir, "verdicts")
    if len(candidates) != len(verdicts):
        raise ManifestMismatch(
            f"{verdicts_dir}: expected {len(candidates)} parts of verdicts, one per part of "
            f"{candidates_dir}, found {len(verdicts)}; delete the folder and run again"
        )
    return [
        Pair(candidates_dir, one, verdicts_dir, other)
        for one, other in zip(candidates, verdicts, strict=True)
    ]


def read_pair(pair: Pair) -> tuple[pa.Table, pa.Table]:
    """Candidates and verdicts of a pair.

    Raises:
        ManifestMismatch: They do not hold the same candidates, a part is not whole, or a verdict
            is `infra`, which no finished artifact holds.
        SchemaMismatch: A part has other columns or types, or a value that there cannot be.
    """
    candidates = read_part(pair.candidates_dir, pair.candidates, CANDIDATE)
    verdicts = read_part(pair.verdicts_dir, pair.verdicts, VERDICT)
    check_texts(candidates, pair.candidates_path)
    check_texts(verdicts, pair.verdicts_path)
    _check_names(candidates, "finish_reason", FinishReason, pair.candidates_path)
    _check_names(verdicts, "status", Status, pair.verdicts_path)
    if not candidates["candidate_id"].equals(verdicts["candidate_id"]):
        raise ManifestMismatch(
            f"{pair.verdicts_path}: expected the candidates of {pair.candidates_path} in their "
            f"order, found others {_first_other(candidates, verdicts)}; delete the folder of the "
            f"verdicts and run again"
        )
    broken = verdicts["status"].index(Status.INFRA.value).as_py()
    if broken >= 0:
        raise ManifestMismatch(
            f"{pair.verdicts_path}: candidate {verdicts['candidate_id'][broken]} has the verdict "
            f"`infra`, expected a graded one; delete the folder of the verdicts and run again"
        )
    return candidates, verdicts


def _first_other(candidates: pa.Table, verdicts: pa.Table) -> str:
    ids = (table["candidate_id"].to_pylist() for table in (candidates, verdicts))
    for row, (one, other) in enumerate(zip_longest(*ids)):
        if one != other:
            return f"from row {row} on ({other or 'none'} for {one or 'none'})"
    raise AssertionError("they are equal")


def check_texts(table: pa.Table, path: Path) -> None:
    """Every text is UTF-8.

    Raises:
        SchemaMismatch: With the file, the column and the row, counted from 0.
    """
    for field in table.schema:
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            _check_text(table[field.name], field.name, path)


def _check_text(column: pa.ChunkedArray, name: str, path: Path) -> None:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid as error:
        raise SchemaMismatch(
            f"{path}: row {_first_bad(column)}, column {name}: expected UTF-8, found other bytes; "
            f"delete the file and the manifest beside it and run again, the other parts are kept"
        ) from error


def _first_bad(column: pa.ChunkedArray) -> int:
    for row, value in enumerate(column.cast(pa.large_binary())):
        try:
            (value.as_py() or b"").decode()
        except UnicodeDecodeError:
            return row
    return 0


def _check_names(table: pa.Table, column: str, names: type[StrEnum], path: Path) -> None:
    known = pa.array([one.value for one in names])
    found = pc.call_function("is_in", [table[column]], pc.SetLookupOptions(known))
    row = found.index(False).as_py()
    if row >= 0:
        raise SchemaMismatch(
            f"{path}: row {row}, column {column}: expected one of {', '.join(names)}, found "
            f"{table[column][row]}; delete the folder and run again"
        )
