"""The card's tables that are counted from the published rows."""

from __future__ import annotations

from typing import Final

import polars as pl

from factory.licences import Family, teacher_license, without_revision
from factory.shard.card_facts import Facts
from factory.shard.card_markdown import Table
from factory.shard.configs import PROBLEMS
from schemas.licenses import find_license, forbidden, is_known, licenses_in

_NAMES: Final = {"generation_model": "teacher", "license": "licence"}


def counted(rows: pl.DataFrame, *columns: str) -> Table:
    """Rows by those columns."""
    grouped = rows.group_by(columns).len().sort(columns)
    names = [_NAMES.get(name, name).replace("_", " ") for name in columns]
    return Table([*names, "rows"], grouped.rows())


def families(facts: Facts) -> Table:
    """Rows by source, domain, licence and teacher, with the licence of what the teacher wrote."""
    columns = ["source", "domain", "license", "generation_model"]
    grouped = facts.rows.group_by(columns).len().sort(columns)
    body = [
        (source, domain, license, teacher, _of_teacher(source, license, teacher, facts), count)
        for source, domain, license, teacher, count in grouped.iter_rows()
    ]
    head = ["source", "domain", "licence of the problem", "teacher", "licence of its text", "rows"]
    return Table(head, body)


def _of_teacher(source: str, license: str, teacher: str, facts: Facts) -> str:
    family = Family(source, license, without_revision(teacher))
    return teacher_license(family, facts.shard) or "not stated"


def licences(facts: Facts) -> list[str]:
    """Licences of the problems that are published: that of the dataset where it has one, else
    those of its rows and, where they are published without an answer too, of all sources."""
    if facts.shard.license:
        return [facts.shard.license]
    found = set(facts.rows["license"])
    if PROBLEMS in facts.description.configs:
        found |= {source.license for source in facts.recipe.collect.sources}
    return sorted(found)


def licence_notes(facts: Facts) -> list[tuple[str, str]]:
    """(licence, what it asks or forbids) of all that the rows stand under, by name."""
    names = facts.rows.select("source", "license", "generation_model").unique()
    found = set(licences(facts))
    for source, license, teacher in names.iter_rows():
        family = Family(source, license, without_revision(teacher))
        found |= {license, teacher_license(family, facts.shard)}
    return [(name, _note(name)) for name in sorted(found) if name]


def _note(expression: str) -> str:
    if not is_known(expression):
        return "not known to Retort; read its terms before you use these rows"
    notes = [forbidden(expression, "commercial") or ""]
    for some in licenses_in(expression):
        notes += [one.asks for one in map(find_license, some) if one and one.asks not in notes]
    # a condition of the provider stands in both lists
    words = [
        note.partition(": ")[2] if note.startswith(f"{expression}: ") else note
        for note in notes
        if note
    ]
    return "; ".join(dict.fromkeys(words)) or "asks for nothing"


def pass_rates(rows: pl.DataFrame) -> Table:
    """Rows by tenths of the pass rate; only tenths that have rows. 1 is of its own."""
    counts = [(tenth_name(tenth), count) for tenth, count in by_tenth(rows).items()]
    return Table(["pass rate", "rows"], counts)


def by_tenth(rows: pl.DataFrame) -> dict[int, int]:
    """Tenth of the pass rate (10: all right) -> rows; only those that have some, in order."""
    tenths = (pl.col("pass_rate") * 10).floor().cast(pl.Int64)
    return dict(rows.group_by(tenth=tenths).len().sort("tenth").iter_rows())


def tenth_name(tenth: int) -> str:
    """`0.1 to below 0.2`; `1.0` of 10."""
    return "1.0" if tenth == 10 else f"{tenth / 10:.1f} to below {(tenth + 1) / 10:.1f}"


def lengths(rows: pl.DataFrame) -> Table:
    """Lengths per domain: median, 90th percentile and maximum; `–` where there are no counts."""

    def numbers(column: str, unit: str) -> list[pl.Expr]:
        length = pl.col(column)
        return [
            length.median().alias(f"{unit}, median"),
            length.quantile(0.9, "nearest").alias(f"{unit}, 90%"),
            length.max().alias(f"{unit}, most"),
        ]

    grouped = (
        rows.group_by("domain")
        .agg(pl.len().alias("rows"), *numbers("num_tokens", "tokens"), *numbers("chars", "chars"))
        .sort("domain")
    )
    counts = [
        [round(value) if isinstance(value, float) else value for value in row]
        for row in grouped.rows()
    ]
    return Table(grouped.columns, counts)
