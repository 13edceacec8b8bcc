"""A run for people: the funnel, the scores, and where everything is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from factory.recipe_file import resolve_plain
from factory.run_record import REPORT_FILE
from factory.shown.meter_text import each, money
from factory.shown.score_text import score_lines
from factory.shown.status import clock
from factory.shown.text_table import text_table
from schemas.machine import Paths
from schemas.manifest import LedgerEntry
from schemas.run import Run
from schemas.spent import Spent


def summary_text(run: Run, folder: Path | None = None) -> str:
    """Several lines, ready to print.

    Args:
        folder: Of the run's record; where it holds a report, the last lines say how to look at it.
    """
    lines = [f"run {run.run} ({run.target})", "", *_funnel(run.ledger)]
    if run.spent is not None:
        lines += ["", *_spent(run.spent, run.ledger)]
    if run.scores:
        lines += ["", *score_lines(run)]
    lines += [
        "",
        f"dataset   {run.dataset.path}  (version {run.dataset.version}, {run.dataset.rows} rows)",
        f"card      {run.dataset.path}/README.md",
        *(f"student   {path}" for path in run.students),
        "more      retort summary --json",
        *_looks(run, folder),
    ]
    return "\n".join(lines)


def _looks(run: Run, folder: Path | None) -> list[str]:
    """The run's report, and the command that serves its rows."""
    if folder is None or not (folder / REPORT_FILE).is_file():
        return []
    folder = folder.resolve()
    by_name = folder.parent == resolve_plain(Paths().runs)
    return [
        f"report    {folder / REPORT_FILE}",
        f"explore   retort explore {run.run if by_name else folder}",
    ]


def _funnel(ledger: Sequence[LedgerEntry]) -> list[str]:
    rows = [("stage", "rows in", "rows out", "drops")]
    for one in ledger:
        drops = ", ".join(f"{reason} {n:,}" for reason, n in sorted(one.drops.items()))
        rows.append((one.stage, f"{one.rows_in:,}", f"{one.rows_out:,}", drops or "-"))
    return text_table(rows, right={1, 2})


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
