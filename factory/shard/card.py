"""The card of a dataset: `data_cards/template.md` filled in from its rows and manifests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from factory.grade.judge_agreement import share_text
from factory.recipe_file import ROOT
from factory.shard.description import Description
from schemas.manifest import LedgerEntry
from schemas.recipe import Generate, ImportTeacher, Shard

TEMPLATE: Final = ROOT / "data_cards" / "template.md"

_TAGS: Final = ["reasoning", "chain-of-thought", "distillation", "synthetic", "sft", "retort"]
_SIZES: Final = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
_BEYOND: Final = "10M<n<100M"
_LICENSES: Final = {
    "mit",
    "apache-2.0",
    "cc-by-4.0",
    "cc-by-sa-4.0",
    "cc-by-nc-4.0",
    "cc0-1.0",
    "bsd-3-clause",
    "odc-by",
}
"""Licences that hubs know by these names; any other is `other` in the card's head and has its
full name in the table of sources."""


@dataclass(frozen=True)
class Table:
    """A small table; numbers stand to the right."""

    head: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Facts:
    """What a card is made from."""

    shard: Shard
    description: Description
    rows: pl.DataFrame
    """The published rows as `factory.shard.rows.index_samples` gives them."""
    generate: Generate | None
    judge: Mapping[str, Any] | None = None
    """What `factory.grade.judge_labels.judge_figures` gave, where a judge graded rows."""


def render_card(facts: Facts) -> str:
    """The card: YAML head and Markdown; equal facts give equal text."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True, autoescape=False
    )  # Markdown, not HTML: the filters below escape what the template puts in
    environment.filters.update(
        yaml=_yaml, yaml_list=_yaml_list, cell=_cell, count=_count, table=_table
    )
    rows = facts.rows
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=facts.shard.title or facts.shard.name,
        about=facts.description,
        licenses=_hub_licenses(rows["license"].unique().sort()),
        tags=_TAGS,
        size=next((name for limit, name in _SIZES if rows.height < limit), _BEYOND),
        dedupe=facts.shard.dedupe != "none",
        sources=_counted(rows, "source", "domain", "license"),
        teachers=_counted(rows, "generation_model"),
        sampling=_sampling(facts.generate),
        funnel=_funnel(facts.description.ledger),
        methods=_counted(rows, "grader", "method"),
        unproven=set(rows["method"]),
        pass_rates=_pass_rates(rows),
        lengths=_lengths(rows),
        judge=_judge(facts.judge),
        agreement=_agreement(facts.judge),
    )


# ------------------------------------------------------------------------------------ its tables


def _counted(rows: pl.DataFrame, *columns: str) -> Table:
    grouped = rows.group_by(columns).len().sort(columns)
    return Table([*(name.replace("_", " ") for name in columns), "rows"], grouped.rows())


def _sampling(generate: Generate | None) -> Table | None:
    if generate is None or isinstance(generate.teacher, ImportTeacher):
        return None
    sizes = generate.round_sizes or [generate.candidates]
    settings: dict[str, Any] = {
        **generate.sampling.model_dump(),
        "candidates per problem, by round": ", ".join(map(str, sizes)),
        "rounds at most": generate.max_rounds,
        "system prompt": generate.prompt.system or "none",
        "forced start": generate.prompt.think_prefix or "none",
    }
    for domain, rule in sorted(generate.domains.items()):
        if own := rule.round_sizes or ([rule.candidates] if rule.candidates else None):
            settings[f"candidates per problem of {domain}, by round"] = ", ".join(map(str, own))
    if generate.rest is not None:
        _, sampling, prompt = generate.asking(reasoning=False)
        mine = {**sampling.model_dump(), "system prompt": prompt.system or "none"}
        mine["forced start"] = prompt.plain_prefix or "none"
        settings |= {f"{name}, without a chain of thought": mine[name] for name in mine}
    return Table(["setting", "value"], list(settings.items()))


def _funnel(ledger: Sequence[LedgerEntry]) -> Table:
    def reasons(one: LedgerEntry) -> str:
        return ", ".join(f"{reason} {count:,}" for reason, count in one.drops.items())

    rows = [(one.stage, one.rows_in, one.rows_out, reasons(one)) for one in ledger]
    return Table(["stage", "rows in", "rows out", "drops"], rows)


def _pass_rates(rows: pl.DataFrame) -> Table:
    """Rows by tenths of the pass rate; only tenths that have rows. 1 is of its own."""
    tenths = (pl.col("pass_rate") * 10).floor().cast(pl.Int64)
    grouped = rows.group_by(tenth=tenths).len().sort("tenth")
    names = {tenth: f"{tenth / 10:.1f} to below {(tenth + 1) / 10:.1f}" for tenth in range(10)}
    counts = [(names.get(tenth, "1.0"), count) for tenth, count in grouped.iter_rows()]
    return Table(["pass rate", "rows"], counts)


def _lengths(rows: pl.DataFrame) -> Table:
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


def _judge(judge: Mapping[str, Any] | None) -> Table | None:
    if judge is None:
        return None
    names = ("model", "revision", "prompt", "temperature", "max_tokens")
    return Table(["setting", "value"], [(name, f"{judge[name]}") for name in names])


def _agreement(judge: Mapping[str, Any] | None) -> Table | None:
    """The judge against labels; None where none were named."""
    if judge is None or "agreement" not in judge:
        return None
    found = judge["agreement"]
    kappa = found["kappa"]
    rows = [
        ("verdicts equal to the label", share_text(found["accuracy"])),
        ("false accepts, of answers labelled wrong", share_text(found["false_accepts"])),
        ("false rejects, of answers labelled right", share_text(found["false_rejects"])),
        ("no reply in form", f"{found['unreadable']:,} of {found['n']:,}"),
        ("Cohen's kappa", "–" if kappa is None else f"{kappa:.2f}"),
    ]
    return Table(["measure", "found (95% interval)"], rows)


def _hub_licenses(licenses: Iterable[str]) -> list[str]:
    names = {one.lower() if one.lower() in _LICENSES else "other" for one in licenses}
    return sorted(names) or ["other"]


# --------------------------------------------------------------------------- what a template says


def _yaml(value: str) -> str:
    """A YAML scalar: JSON text is one."""
    return json.dumps(value, ensure_ascii=False)


def _yaml_list(values: Iterable[str]) -> str:
    return "".join(f"\n- {_yaml(value)}" for value in values)


def _count(value: int) -> str:
    return f"{value:,}"


def _cell(value: object) -> str:
    """Text that stays in its cell and is shown as it is."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return _count(value)
    text = json.dumps(value, ensure_ascii=False)[1:-1] if isinstance(value, str) else str(value)
    return text.replace("|", "\\|").replace("<", "&lt;") or " "


def _table(table: Table) -> str:
    right = [bool(table.rows) and _is_number(cell) for cell in (table.rows or [table.head])[0]]
    lines = [table.head, ["--:" if one else "---" for one in right]]
    body = [[_cell(cell) for cell in row] for row in table.rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in [*lines, *body])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
