"""What a run took: tokens, money, time, and how busy the machine was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from factory.artifact import USAGE
from factory.report.amounts import NONE, duration, moment, percent, share, size, whole
from factory.report.blocks import Block, Paragraph, Picture, Section, Table, without_empty
from factory.report.facts import Facts, Made
from factory.report.time_picture import Took, time_picture
from factory.shown.meter_text import money, short
from schemas.spent import Spent


def work_sections(facts: Facts) -> list[Section]:
    """Cost, and time."""
    return [*_cost(facts), *_time(facts)]


def _cost(facts: Facts) -> Iterator[Section]:
    spent = facts.run.spent
    selected = _of_stage(facts, "select")
    if spent is None and "tokens_per_accepted" not in selected:
        return
    blocks: list[Block] = []
    if spent is not None:
        blocks.append(
            Table("What asking models took.", ("", "whole run", "per sample", "per dataset row"),
                  _spent_rows(facts, spent))
        )  # fmt: skip
        blocks.append(
            Paragraph(
                "Per sample and per row: candidates that the store had already are counted as if "
                "they had taken what the drawn ones took. What has no price in the machine file "
                "has no cost here."
            )
        )
    by_domain = selected.get("by_domain", {})
    rows = [
        (
            domain,
            whole(one["tokens"]),
            NONE
            if one.get("tokens_per_accepted") is None
            else f"{one['tokens_per_accepted']:,.1f}",
            *(
                whole(one.get("states", {}).get(state, 0))
                for state in ("solved", "short", "given_up")
            ),
        )
        for domain, one in sorted(by_domain.items())
        if one.get("tokens") is not None
    ]
    if rows:
        blocks.append(
            Table(
                "Completion tokens by domain, and how problems ended.",
                ("domain", "tokens", "tokens per sample", "solved", "short", "given up"),
                rows,
            )
        )
    if blocks:
        yield Section("cost", "Cost of a sample", blocks)


def _spent_rows(facts: Facts, spent: Spent) -> list[tuple[str, ...]]:
    out = {one.stage: one.rows_out for one in facts.run.ledger}
    used = out.get("generate", 0)
    per = [out.get("select", 0), facts.run.dataset.rows]
    amounts = (
        ("candidates drawn", spent.candidates, whole),
        ("completion tokens", spent.tokens, whole),
        ("prompt tokens", spent.prompt_tokens, whole),
        ("seconds with servers", spent.wall_s, lambda value: f"{value:,.1f}"),
        ("GPU-seconds", spent.gpu_s, lambda value: f"{value:,.1f}"),
        ("cost", spent.cost, money),
    )
    rows: list[tuple[str, ...]] = []
    for name, amount, shown in amounts:
        if amount is None:
            continue
        each = [
            short(amount * used / of / spent.candidates) if of and spent.candidates else NONE
            for of in per
        ]
        rows.append((name, shown(amount), *each))
    return rows


def _of_stage(facts: Facts, stage: str) -> Mapping[str, Any]:
    found = [one.manifest.figures for one in facts.of_stage(stage) if one.manifest is not None]
    return found[0] if found else {}


# ----------------------------------------------------------------------------------------- time


def _time(facts: Facts) -> Iterator[Section]:
    if not facts.made:
        return
    took = [Took(one.name, one.ref.wall_s, _used(one)) for one in facts.made]
    rows = [
        (
            one.name,
            duration(one.ref.wall_s),
            *_usage_cells(one),
            NONE if one.manifest is None else moment(one.manifest.created_unix_s),
            "; ".join(_measured(one)) or NONE,
        )
        for one in facts.made
    ]
    measured = any(one.used_s is not None for one in took)
    said = "Time of each artifact, in the order of the run; artifacts may be older than the run."
    if measured:
        said += (
            " Full colour: the share of the machine's cores that the stage's processes kept busy."
        )
    blocks: list[Block] = [Picture(time_picture(took, "time"), said)]
    head = ("artifact", "time", "CPU time", "of cores", "made", "measured")
    note = (
        "CPU time is that of a stage's own processes, those of model servers included; programs "
        "in sandboxes are not in it. No GPU is measured but by training's MFU."
    )
    said = "Time and utilisation of each artifact."
    table = Table(said, head, rows, text_columns=frozenset({5}))
    blocks += [without_empty(table), Paragraph(note)]
    yield Section("time", "Time and utilisation", blocks)


def _used(one: Made) -> float | None:
    usage = None if one.manifest is None else one.manifest.figures.get(USAGE)
    return None if usage is None else usage["cpu_s"] / usage["cores"]


def _usage_cells(one: Made) -> tuple[str, str]:
    usage = None if one.manifest is None else one.manifest.figures.get(USAGE)
    if usage is None:
        return NONE, NONE
    busy = percent(usage["cpu_s"], usage["cores"] * one.ref.wall_s)
    return duration(usage["cpu_s"]), f"{busy} of {usage['cores']}"


def _measured(one: Made) -> Iterator[str]:
    """What the stage itself measured of its speed."""
    if one.manifest is None:
        return
    figures = one.manifest.figures
    drawing = figures.get("generate", figures)
    if drawing.get("tokens_per_s"):
        yield f"{drawing['tokens_per_s']:,.0f} tokens/s"
    if drawing.get("startup_s"):
        yield f"servers ready after {drawing['startup_s']:,.1f} s"
    if one.ref.stage == "grade" and one.ref.wall_s:
        yield f"{one.manifest.ledger.rows_out / one.ref.wall_s:,.0f} verdicts/s"
    if figures.get("mfu"):
        yield f"MFU {share(figures['mfu'])}"
    if figures.get("memory_bytes"):
        yield f"most memory of a rank {size(figures['memory_bytes'])}"
    if figures.get("data_wait_ratio") is not None:
        yield f"waited for rows {share(figures['data_wait_ratio'])}"
    if figures.get("ranks"):
        yield f"{figures['ranks']} ranks"
