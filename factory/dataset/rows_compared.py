"""Which rows of two datasets are the same, which changed, came or went; by uuid.

Shards with equal SHA-256 hold equal rows and are not read. Of the others each column of each row is
hashed to 64 bits while it is read, so that no text is held; two different values with equal hashes
would be taken for equal, which one comparison in 10^19 meets by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from factory.shard.configs import DEFAULT, FOLDERS
from factory.shard.description import Description
from schemas.arrow import SAMPLE

COLUMNS: Final = [name for name in SAMPLE.names if name != "uuid"]
ABOUT: Final = ("uuid", "problem_id", "source", "domain", "generation_model", "form", "made_of")
"""Columns by which a change is explained."""
_DATA: Final = f"{FOLDERS[DEFAULT]}/"


@dataclass(frozen=True)
class Compared:
    """Rows that are not the same in both."""

    same: int
    went: pl.DataFrame
    """Rows of A alone: `ABOUT`, sorted by (problem_id, uuid)."""
    came: pl.DataFrame
    """Rows of B alone, as `went`."""
    changed: pl.DataFrame
    """Rows of both, as B has them, with `columns`: names of those that differ, with commas."""


def compare_rows(folders: tuple[Path, Path], said: tuple[Description, Description]) -> Compared:
    """What became of the rows of the first dataset in the second.

    Raises:
        OSError, polars.exceptions.PolarsError: A shard cannot be read.
    """
    shards = [
        {one.path: one.sha256 for one in each.files if one.path.startswith(_DATA)} for each in said
    ]
    shared = set(shards[0].values()) & set(shards[1].values())
    paths = [
        [folder / path for path, sha256 in each.items() if sha256 not in shared]
        for folder, each in zip(folders, shards, strict=True)
    ]
    first, second = _hashed(paths[0]), _hashed(paths[1])
    both = first.join(second, on="uuid", suffix="_b")
    differing = [
        pl.when(pl.col(name) != pl.col(f"{name}_b")).then(pl.lit(name)) for name in COLUMNS
    ]
    changed = both.select(
        "uuid", columns=pl.concat_str(differing, separator=", ", ignore_nulls=True)
    ).filter(pl.col("columns") != "")
    went = first.join(second, on="uuid", how="anti").select("uuid")
    came = second.join(first, on="uuid", how="anti").select("uuid")
    return Compared(
        same=said[0].rows - went.height - changed.height,
        went=_about(paths[0], went),
        came=_about(paths[1], came),
        changed=_about(paths[1], changed),
    )


def _hashed(paths: list[Path]) -> pl.DataFrame:
    """`uuid`, and the hash of every other column under its name."""
    if not paths:
        return pl.DataFrame(schema={"uuid": pl.String, **dict.fromkeys(COLUMNS, pl.UInt64)})
    turns = pl.element().struct.field("role") + "\x00" + pl.element().struct.field("content")
    values = {
        **{name: pl.col(name) for name in COLUMNS},
        "messages": pl.col("messages").list.eval(turns).list.join("\x01"),
        "made_of": pl.col("made_of").list.join(" "),
    }
    hashes = [value.hash().alias(name) for name, value in values.items()]
    return pl.scan_parquet(paths).select("uuid", *hashes).collect(engine="streaming")


def _about(paths: list[Path], uuids: pl.DataFrame) -> pl.DataFrame:
    """What the rows are, sorted; other columns of `uuids` stay."""
    if not uuids.height:
        columns = {**dict.fromkeys(ABOUT, pl.String), "made_of": pl.List(pl.String)}
        return pl.DataFrame(schema={**columns, **uuids.schema})
    rows = pl.scan_parquet(paths).select(ABOUT)
    joined = rows.join(uuids.lazy(), on="uuid")
    return joined.sort("problem_id", "uuid").collect(engine="streaming")
