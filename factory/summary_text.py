"""A run for people: the funnel, the scores, and where everything is."""

from __future__ import annotations

from collections.abc import Sequence

from factory.meter_text import each, money
from factory.status import clock
from schemas.manifest import LedgerEntry
from schemas.run import Run
from schemas.score import Score
from schemas.spent import Spent


def summary_text(run: Run) -> str:
    """Several lines, ready to print."""
    lines = [f"run {run.run} ({run.target})", "", *_funnel(run.ledger)]
    if run.spent is not None:
        lines += ["", *_spent(run.spent, run.ledger)]
    if run.scores:
        lines += ["", *_scores(run.scores)]
    lines += [
        "",
        f"dataset   {run.dataset.path}  (version {run.dataset.version}, {run.dataset.rows} rows)",
        f"card      {run.dataset.path}/README.md",
        *(f"student   {path}" for path in run.students),
        "more      retort summary --json",
    ]
    return "\n".join(lines)


def _funnel(ledger: Sequence[LedgerEntry]) -> list[str]:
    rows = [("stage", "rows in", "rows out", "drops")]
    for one in ledger:
        drops = ", ".join(f"{reason} {n:,}" for reason, n in sorted(one.drops.items()))
        rows.append((one.stage, f"{one.rows_in:,}", f"{one.rows_out:,}", drops or "-"))
    return _table(rows, right={1, 2})


def _spent(spent: Spent, ledger: Sequence[LedgerEntry]) -> list[str]:
    """What the data took, and what of it falls on one sample: where the store had candidates
    already, as if they had taken what the drawn ones took."""
    out = {one.stage: one.rows_out for one in ledger}
    took = f"{clock(spent.wall_s)} with servers"
    if spent.gpu_s is not None:
        took = f"{spent.gpu_s / 3600:,.2f} GPU-hours"
    cost = "" if spent.cost is None else f", cost {money(spent.cost)}"
    lines = [f"drawn     {spent.candidates:,} candidates, {spent.tokens:,} tokens, {took}{cost}"]
    used, samples = out.get("generate", 0), out.get("select", 0)
    if samples and spent.candidates:
        per = each(spent, used / samples)
        if spent.cost is not None:
            per.append(f"cost {money(spent.cost * used / samples / spent.candidates)}")
        lines.append(f"sample    {', '.join(per)} each")
    return lines


def _scores(scores: Sequence[Score]) -> list[str]:
    rows = [("model", "role", "arch", "suite", "metric", "value", "stderr", "problems")]
    for one in scores:
        rows.append(
            (
                one.model,
                one.role,
                one.arch,
                one.suite,
                one.metric,
                f"{100 * one.value:.1f}%",
                f"{100 * one.stderr:.1f}",
                str(one.n),
            )
        )
    return _table(rows, right={5, 6, 7})


def _table(rows: Sequence[Sequence[str]], right: set[int]) -> list[str]:
    """Columns aligned with two spaces between them; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
