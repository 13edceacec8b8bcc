"""What a way is asked and what it says; imports nothing but the standard library, for peers.

`work.json`: `documents` (Parquet with `id` and `text`), `small` (a few of them, to warm up), `out`
(an empty folder), and the parameters. `found.json`: `cpu_s` of the process and its children,
`wall_s`, and what was found: `label` of each row (that of its cluster, -1 alone), or `rows` that
overlap with a benchmark.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def answer(way: Callable[[dict[str, Any], str, Path], dict[str, Any]]) -> None:
    """Read the work that the command line names, do it twice (the first time small, unmeasured),
    and say what was found and what it took."""
    file = Path(sys.argv[1])
    work: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    out = Path(work["out"])
    way(work, work["small"], out / "small")
    begun_s, cpu_s = time.perf_counter(), _cpu_s()
    found = way(work, work["documents"], out / "whole")
    took = {"cpu_s": _cpu_s() - cpu_s, "wall_s": time.perf_counter() - begun_s}
    (file.parent / "found.json").write_text(json.dumps(found | took), encoding="utf-8")


def _cpu_s() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class Union:
    """Connected components of rows, smallest row first: for peers that give pairs alone."""

    def __init__(self, rows: int) -> None:
        self._parent = list(range(rows))

    def _root(self, row: int) -> int:
        parent = self._parent
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    def join(self, one: int, other: int) -> None:
        """Put two rows into one component."""
        first, second = self._root(one), self._root(other)
        self._parent[max(first, second)] = min(first, second)

    def labels(self) -> list[int]:
        """The smallest row of each row's component, -1 of rows that are alone."""
        roots = [self._root(row) for row in range(len(self._parent))]
        joined = {root for row, root in enumerate(roots) if row != root}
        return [root if root in joined else -1 for root in roots]
