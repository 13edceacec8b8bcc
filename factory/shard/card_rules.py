"""The card's table of what select left out, by reason and source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from factory.shard.card_facts import Facts
from factory.shard.card_markdown import Table


def rules(facts: Facts) -> Table | None:
    """What each reason of select dropped, of what came to it, by source; None where the figures
    do not say it.

    The figure `rules` is `{reason: {source: [dropped, seen]}}`, in the order in which reasons are
    looked at (`factory.select.report.rule_counts`). A reason that dropped nothing has one row.
    """
    found: Mapping[str, Mapping[str, Sequence[int]]] | None = facts.figure("rules")
    if not found:
        return None
    rows: list[tuple[str, str, int, int, str]] = []
    for reason, sources in found.items():
        some = {source: counts for source, counts in sources.items() if counts[0]}
        if not some:
            some = {"all": [0, sum(seen for _, seen in sources.values())]}
        for source, (dropped, seen) in some.items():
            rows.append((reason, source, dropped, seen, _rate(dropped, seen)))
    return Table(["reason", "source", "dropped", "of", "rate"], rows)


def _rate(dropped: int, seen: int) -> str:
    return f"{dropped / seen:.2%}" if seen else "–"
