"""Which artifacts a run's dataset stands on, as its manifests name them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from factory.errors import ManifestMismatch
from factory.parts import iter_columns, parts_of, read_manifest
from factory.shard.description import read_description
from factory.shard.layout import DATASET
from schemas.manifest import Manifest
from schemas.run import Run

_REMEDY: Final = "run the recipe again, or name another run"


@dataclass(frozen=True)
class RunArtifacts:
    """Folders of finished artifacts."""

    collect: Path
    rounds: tuple[tuple[Path, Path], ...]
    """(candidates, verdicts) of each round, in order, that of rewriting last."""
    select: Path
    shard: Path
    dataset: Path
    """The published folder."""


def artifacts_of(run: Run) -> RunArtifacts:
    """The artifacts of the dataset that a run published, rounds in order.

    A run may hold further artifacts of the same stages (suites, an earlier distillation): those
    count that the published dataset was made from.

    Raises:
        ManifestMismatch: An artifact or the dataset is not there, or not the one of this run.
    """
    folders = {(one.stage, one.key): Path(one.path) for one in run.stages}
    dataset = Path(run.dataset.path)
    published = read_description(dataset)
    if published.digest != run.dataset.digest:
        raise ManifestMismatch(
            f"{dataset}: expected the dataset of run {run.run} with digest {run.dataset.digest}, "
            f"found {published.digest}; {_REMEDY}"
        )

    def folder(stage: str, key: str, of: str) -> Path:
        found = folders.get((stage, key))
        if found is None:
            raise ManifestMismatch(
                f"run {run.run}: expected the artifact {stage}-{key}, which {of} was made from, "
                f"found none in its record; {_REMEDY}"
            )
        return found

    selected = published.upstream["select"]
    if ("select", selected) not in folders:
        selected = _built_again(run, published.digest) or selected
    select = folder("select", selected, str(dataset))
    shard = _shard(run, selected)
    inputs = read_manifest(select).inputs
    numbers = sorted(
        int(name.removeprefix("generate")) for name in inputs if name.startswith("generate")
    )
    return RunArtifacts(
        collect=folder("collect", inputs["collect"], str(select)),
        rounds=tuple(
            (
                folder("generate", inputs[f"generate{number}"], str(select)),
                folder("grade", inputs[f"grade{number}"], str(select)),
            )
            for number in numbers
        ),
        select=select,
        shard=shard,
        dataset=dataset,
    )


def _built_again(run: Run, digest: str) -> str | None:
    """The key of select where the run made the same rows again from other artifacts, as after a
    change of code: what was published first stays, and names those of then."""
    for one in run.stages:
        if one.stage == "shard" and (Path(one.path) / "dataset" / DATASET).is_file():
            built = read_description(Path(one.path) / "dataset")
            if built.digest == digest:
                return built.upstream["select"]
    return None


def _shard(run: Run, select_key: str) -> Path:
    for one in run.stages:
        if one.stage == "shard" and read_manifest(Path(one.path)).inputs["select"] == select_key:
            return Path(one.path)
    raise ManifestMismatch(
        f"run {run.run}: expected the artifact of shard that reads select-{select_key}, found none "
        f"in its record; {_REMEDY}"
    )


def manifests_of(found: RunArtifacts) -> list[tuple[Path, Manifest]]:
    """Every manifest with its folder, in the order of the path."""
    rounds = [folder for pair in found.rounds for folder in pair]
    folders = [found.collect, *rounds, found.select, found.shard]
    return [(folder, read_manifest(folder)) for folder in folders]


def frames(folder: Path, kind: str, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Some columns of the parts of one kind, a part at a time.

    Raises:
        ManifestMismatch: A part is not whole, has other rows than its manifest says, or was made
            by an earlier version without such a column.
    """
    _columns_are_there(folder, kind, columns)
    for table in iter_columns(folder, kind, columns):
        yield cast("pl.DataFrame", pl.from_arrow(table))


def _columns_are_there(folder: Path, kind: str, columns: Sequence[str]) -> None:
    """Of the first part: the parts of an artifact have one schema."""
    for path in (folder / part.path for part in parts_of(folder, kind)[:1]):
        try:
            names = pq.read_schema(path).names
        except (OSError, pa.ArrowInvalid):
            return  # who reads the part says what is wrong with it
        lacking = [name for name in columns if name not in names]
        if lacking:
            raise ManifestMismatch(
                f"{path}: expected the columns {list(columns)}, found no {lacking}: an earlier "
                f"version made it; {_REMEDY}"
            )


def dataset_frames(dataset: Path, begins: str, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Some columns of the dataset's files whose path begins so, a file at a time.

    Raises:
        ManifestMismatch: A file cannot be read, or has other rows than `dataset.json` says.
    """
    for file in read_description(dataset).files:
        if not file.path.startswith(begins):
            continue
        path = dataset / file.path
        try:
            found = pl.read_parquet(path, columns=list(columns))
        except (OSError, pl.exceptions.PolarsError) as error:
            raise ManifestMismatch(f"{path}: cannot be read ({error}); {_REMEDY}") from error
        if found.height != file.rows:
            raise ManifestMismatch(
                f"{path}: expected {file.rows} rows, found {found.height}; {_REMEDY}"
            )
        yield found
