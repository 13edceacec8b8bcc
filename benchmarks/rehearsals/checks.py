"""Whether the funnel is the planned one, to the row.

Exact, because nothing that is counted is left to chance: near duplicates of one problem are all
compared, and one across two problems (a similarity of 0.88 or more) is missed with a chance of at
most one in a million; at full size 2,900 of them are planted, most of them far nearer.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from factory.parts import iter_columns

from .place import STAGES, Place
from .plan import Plan
from .roles import CANDIDATES, PUBLISHED, ROLES, Role
from .run import printed


@dataclass(frozen=True)
class Check:
    """One count, as planned and as found."""

    name: str
    expected: Any
    found: Any

    @property
    def passed(self) -> bool:
        """Whether they are equal."""
        return self.expected == self.found


def checks(place: Place, plan: Plan) -> Iterator[Check]:
    """Every count of a finished rehearsal."""
    manifests = place.manifests()
    yield Check("finished stages", list(STAGES), list(manifests))
    for stage in STAGES:
        if stage not in manifests:
            continue
        ledger = manifests[stage].ledger
        yield Check(
            f"{stage}: rows in and out", plan.rows[stage], (ledger.rows_in, ledger.rows_out)
        )
        yield Check(f"{stage}: rows dropped by reason", plan.drops[stage], ledger.drops)
    folder = place.stage("grade")
    if folder is not None:
        statuses: Counter[str] = Counter()
        runs = 0
        for table in iter_columns(folder, "verdicts", ["status", "method"]):
            statuses.update(table["status"].to_pylist())
            runs += table["method"].to_pylist().count("sandbox")
        yield Check("grade: candidates by verdict", plan.verdicts, dict(sorted(statuses.items())))
        sent = CANDIDATES - ROLES.count(Role.UNPARSABLE) - ROLES.count(Role.CUT)
        yield Check("grade: programs run in sandboxes", sent * plan.sources["code"], runs)
    said = json.loads((place.dataset / "dataset.json").read_text(encoding="utf-8"))
    yield Check("published rows, as dataset.json says", plan.samples, said["rows"])
    found = pl.scan_parquet(place.dataset / "data" / "*.parquet").select("problem_id", "source")
    per_problem = found.group_by("problem_id", "source").len().collect()
    yield Check(
        "published rows of a problem: how often",
        {PUBLISHED: plan.problems},
        dict(per_problem.group_by("len").agg(pl.len().alias("many")).iter_rows()),
    )
    yield Check(
        "problems with published rows, by source",
        dict(sorted(plan.sources.items())),
        dict(per_problem.group_by("source").len().sort("source").iter_rows()),
    )
    loaded = [line.split() for line in printed(place, "load").splitlines()]
    yield Check(
        "rows that load_dataset counts, by config",
        {"default": plan.samples, "reasoning_content": plan.samples},
        {name: int(rows) for name, rows in loaded},
    )
