"""How long candidates are: histograms and a table, by domain."""

from __future__ import annotations

import polars as pl

from factory.report.amounts import NONE, whole
from factory.report.blocks import Block, Paragraph, Picture, Section, Table
from factory.report.length_picture import Panel, length_picture
from factory.report.lengths import Lengths, mean, quantile, rows_in


def length_section(lengths: Lengths) -> Section:
    """The section about lengths."""
    domains = sorted({*lengths.rows["domain"]})
    blocks: list[Block] = []
    if lengths.without:
        blocks.append(
            Paragraph(f"{lengths.without:,} candidates have no count of tokens and are not shown.")
        )
    groups = (
        ("correct", ("correct", "not correct"), "Lengths of correct and other candidates"),
        ("kept", ("in the dataset", "dropped"), "Lengths of published and dropped candidates"),
    )
    for column, names, title in groups:
        panels = [
            Panel(
                domain or "(unknown)",
                lengths.where(pl.col("domain") == domain, pl.col(column)),
                lengths.where(pl.col("domain") == domain, ~pl.col(column)),
            )
            for domain in domains
        ]
        svg = length_picture(panels, names, lengths.unit, f"lengths-{column}", title)
        blocks.append(Picture(svg, f"{title}, by domain."))
    rows: list[tuple[str, ...]] = []
    for domain in domains:
        here = pl.col("domain") == domain
        name = domain or "(unknown)"
        rows += [
            _length_row(f"{name}: correct", lengths.where(here, pl.col("correct"))),
            _length_row(f"{name}: not correct", lengths.where(here, ~pl.col("correct"))),
            _length_row(f"{name}: in the dataset", lengths.where(here, pl.col("kept"))),
            _length_row(f"{name}: dropped", lengths.where(here, ~pl.col("kept"))),
        ]
    head = ("candidates", "rows", "mean", "10%", "median", "90%", "99%", "longest")
    blocks.append(Table(f"Lengths in {lengths.unit}.", head, rows))
    return Section("lengths", "Lengths", blocks)


def _length_row(name: str, lengths: pl.DataFrame) -> tuple[str, ...]:
    if lengths.is_empty():
        return (name, "0", *[NONE] * 6)
    shares = (0.1, 0.5, 0.9, 0.99, 1.0)
    return (
        name,
        whole(rows_in(lengths)),
        f"{mean(lengths):,.1f}",
        *(whole(quantile(lengths, one)) for one in shares),
    )
