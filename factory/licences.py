"""Whether the licences of problems and teachers permit what `[shard] use` says.

A row belongs to a family: its source, the licence of its problem, the teacher that answered. What
forbids the use stops a run before any work, and stops shard again on the rows that came out. What
is decided here, beside `schemas.licenses`:

- A licence that is not known passes for `research`, and the card says that it is not known; for
  `commercial` it is refused.
- `[shard] license` may not give away what a row's licence keeps: a share-alike licence wants one
  of those that its own text allows, and one without commercial use wants the same of the whole.
  Left empty, each row keeps its own.
- A judge writes nothing that is published, so its licence is not asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import polars as pl

from factory.errors import RecipeError
from schemas.collect_settings import Source
from schemas.licenses import dropped_by, forbidden, is_known
from schemas.recipe import Recipe
from schemas.row_source_settings import SftSource
from schemas.shard_settings import Shard
from schemas.source_settings import ProceduralSource

_OWN: Final = "Apache-2.0"
"""Of the embedded teacher, which learned from programs of this project alone."""


class Family(NamedTuple):
    """Rows of one source, one licence and one teacher."""

    source: str
    license: str
    teacher: str
    """Without its revision."""


def check_licences(recipe: Recipe) -> None:
    """Raise for the first family of rows that a recipe would make and may not publish.

    Raises:
        RecipeError: Names the family, the licence and what it forbids.
    """
    _check(dict.fromkeys(_families(recipe)), recipe.shard)


def check_row_licences(rows: pl.DataFrame, shard: Shard) -> None:
    """Raise for the first family of rows, by name, that may not be published.

    Args:
        rows: `source: str`, `license: str`, `generation_model: str`, one row per sample.

    Raises:
        RecipeError: As `check_licences`.
    """
    columns = rows.select("source", "license", "generation_model").unique().sort(pl.all())
    _check((Family(a, b, without_revision(c)) for a, b, c in columns.iter_rows()), shard)


def teacher_license(family: Family, shard: Shard | None) -> str:
    """The licence that governs what the teacher wrote; empty where it is not stated, in `[shard]`
    or anywhere."""
    if stated := shard.model_licenses.get(family.teacher, "") if shard else "":
        return stated
    if family.teacher == family.source:  # answers that came with their prompts
        return family.license
    return _OWN if family.teacher.startswith("embedded:") else ""


def without_revision(teacher: str) -> str:
    """`name` of `name@revision`."""
    return teacher.rpartition("@")[0] or teacher


def _families(recipe: Recipe) -> Iterator[Family]:
    for source in recipe.collect.sources:
        for teacher in _teachers(source, recipe):
            yield Family(source.name, source.license, teacher)


def _teachers(source: Source, recipe: Recipe) -> Iterator[str]:
    if isinstance(source, SftSource):
        yield source.model or source.name
        return
    # a family of procedural problems decides for itself; other sources without the key reason
    default = "auto" if isinstance(source, ProceduralSource) else True
    reasoning = getattr(source, "reasoning", default)
    for kind in (True, False):
        if reasoning in (kind, "auto"):
            yield recipe.generate.asking(reasoning=kind)[0].model
    if recipe.rewrite:
        yield recipe.rewrite.teacher.model


def _check(families: Iterable[Family], shard: Shard) -> None:
    for family in families:
        for license, whose, remedy in _licenses_of(family, shard):
            name = f"rows of {family.source} ({family.license}) by {family.teacher}"
            if reason := forbidden(license, shard.use):
                raise RecipeError(
                    f"{name}: expected a licence of {whose} that permits the use {shard.use!r} of "
                    f"[shard], found {license!r}, which forbids it ({reason}); take another "
                    f"{whose.split()[-1]}, or publish for another use"
                )
            if shard.use == "commercial" and not is_known(license):
                raise RecipeError(
                    f"{name}: expected a known licence of {whose} for the use 'commercial' of "
                    f"[shard], found {repr(license) if license else 'none'}; {remedy}"
                )
            if shard.license and (reason := dropped_by(shard.license, license)):
                raise RecipeError(
                    f"{name}: expected a [shard] license that keeps what the licence of {whose} "
                    f"asks, found {shard.license!r} ({reason}); leave `license` empty, so that "
                    f"each row keeps its own, or name one that it allows"
                )


def _licenses_of(family: Family, shard: Shard) -> Iterator[tuple[str, str, str]]:
    spdx = "an SPDX identifier or a name of schemas/license_table.py"
    yield family.license, "the source", f"state the source's `license` as {spdx}"
    stated = f"state it in [shard.model_licenses] under {family.teacher!r}, as {spdx}"
    yield teacher_license(family, shard), "the teacher", stated
