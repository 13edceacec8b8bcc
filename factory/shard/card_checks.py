"""The card's tables of what was sifted out, by which rules, and how sure that is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from factory.grade.judge_agreement import share
from factory.recipe_file import ROOT
from factory.shard.card_facts import Facts
from factory.shard.card_markdown import Table
from schemas.manifest import LedgerEntry
from schemas.sample import Drop

VERIFIERS: Final = ROOT / "data_cards" / "verifiers.json"
"""Mistakes of our graders on labelled sets; `benchmarks/verifier_quality.py` writes it."""


def funnel(ledger: Sequence[LedgerEntry]) -> Table:
    """Rows in, rows out and drops of each stage."""

    def reasons(one: LedgerEntry) -> str:
        return ", ".join(f"{reason} {count:,}" for reason, count in one.drops.items())

    rows = [(one.stage, one.rows_in, one.rows_out, reasons(one)) for one in ledger]
    return Table(["stage", "rows in", "rows out", "drops"], rows)


def verifiers(rows: pl.DataFrame) -> Table | None:
    """Mistakes of the graders that accepted rows, on labelled sets; None where none were made."""
    graders = set(rows["grader"])
    entries: list[dict[str, Any]] = json.loads(VERIFIERS.read_text(encoding="utf-8"))["entries"]
    found = [
        (
            one["grader"],
            f"{one['set']}: {one['about']}",
            _mistakes(one["false_accepts"], one["wrong"]),
            _mistakes(one["false_rejects"], one["right"]),
            f"{one['version']}, {one['date']}",
        )
        for one in entries
        if one["grader"] in graders
    ]
    head = ["grader", "labelled set", "false accepts, of wrong answers"]
    return (
        Table([*head, "false rejects, of right answers", "version of the grader"], found)
        if found
        else None
    )


def _mistakes(count: int, of: int) -> str:
    """`3 of 4,000, 0.07% (0.03% to 0.22%)`: two digits, as good graders seldom err."""
    found = share(count, of)
    if not of:
        return "no such answers"
    return f"{count:,} of {of:,}, {count / of:.2%} ({found['low']:.2%} to {found['high']:.2%})"


def unmeasured(rows: pl.DataFrame) -> list[str]:
    """Graders of rows for which no labelled set is there, but for those of whose answers the card
    says otherwise how far they can be trusted."""
    entries = json.loads(VERIFIERS.read_text(encoding="utf-8"))["entries"]
    known = {one["grader"] for one in entries} | {"judge", "majority", "given"}
    return sorted(set(rows["grader"]) - known)


def duplicates(facts: Facts) -> Table | None:
    """What was taken for a duplicate, and how many were; None where none were looked for."""
    shard = facts.shard
    if shard.dedupe == "none":
        return None
    settings: list[tuple[str, Any]] = [
        ("looked for", "exact duplicates" + (" and near ones" if shard.dedupe == "near" else "")),
        ("row of a cluster that stays", f"the {shard.keep}"),
        ("left out as exact duplicates", _left_out(facts, Drop.EXACT_DUPLICATE)),
    ]
    if shard.dedupe == "near":
        from factory.overlap.minhash import bands_and_rows  # it loads numba

        threshold = shard.near.threshold
        bands, per_band = bands_and_rows(threshold)
        found = 1 - (1 - threshold**per_band) ** bands
        settings[1:1] = [
            ("Jaccard similarity, at least", threshold),
            ("words of an n-gram", shard.near.words),
            ("MinHash, across problems", f"{bands} bands of {per_band} rows"),
            ("chance that it finds a pair at the threshold", f"{found:.1%}"),
        ]
        settings.append(("left out as near duplicates", _left_out(facts, Drop.NEAR_DUPLICATE)))
    return Table(["setting", "value"], settings)


def _left_out(facts: Facts, reason: Drop) -> int:
    return facts.index.filter(pl.col("reason") == reason.value).height


def _compared_with(facts: Facts) -> list[str]:
    """Names of the benchmarks and suites that samples, or problems, were compared with."""
    recipe = facts.recipe
    if not (recipe.shard.decontaminate or recipe.collect.decontaminate):
        return []
    suites = recipe.validation.suites if recipe.validation else []
    names = [one.name for one in recipe.collect.benchmarks]
    return sorted({*names, *(source.name for suite in suites for source in suite.sources)})


def contamination(facts: Facts) -> Table | None:
    """Overlaps by benchmark: problems left out by collect, samples left out and marked by shard.

    Those that nothing overlaps with have a row too. None where nothing was compared.
    """
    names = _compared_with(facts)
    problems: dict[str, int] = facts.figure("contaminated_by_benchmark") or {}
    index = facts.index.filter(pl.col("benchmark").is_not_null())
    dropped = pl.col("reason") == Drop.CONTAMINATED_SAMPLE.value
    left_out = _by_benchmark(index.filter(dropped))
    marked = _by_benchmark(index.filter(pl.col("reason").is_null()))
    names = sorted({*names, *problems, *left_out, *marked})
    rows = [
        (name, problems.get(name, 0), left_out.get(name, 0), marked.get(name, 0)) for name in names
    ]
    head = ["benchmark", "problems left out", "samples left out", "samples marked"]
    return Table(head, rows) if rows else None


def _by_benchmark(index: pl.DataFrame) -> dict[str, int]:
    return dict(index.group_by("benchmark").len().sort("benchmark").iter_rows())
