"""A difference between two datasets, for people."""

from __future__ import annotations

from collections.abc import Mapping

from factory.dataset.difference import Difference, Group
from factory.shown.printable import printable_line


def difference_text(found: Difference) -> str:
    """Several lines: the counts, what was made otherwise, and each group of rows with its cause."""
    a, b = found.a, found.b
    lines = [
        f"{a.name} {a.version} ({a.rows:,} rows) -> {b.name} {b.version} ({b.rows:,} rows)",
        f"{found.same:,} the same, {found.changed:,} changed, {found.went:,} went, "
        f"{found.came:,} came",
    ]
    if found.recipe:
        lines += ["", "recipe", *(f"  {one.key}: {one.a} -> {one.b}" for one in found.recipe)]
    if found.code:
        lines += ["", "code", *(f"  {one.stage}: {one.a} -> {one.b}" for one in found.code)]
    if found.upstream:
        lines += ["", f"other artifacts: {', '.join(found.upstream)}"]
    for group in found.groups:
        there = b if group.change == "went" else a
        label = there.version if a.version != b.version else "the other"
        lines += ["", *_group(group, label)]
    return "\n".join(lines)


def _group(group: Group, there: str) -> list[str]:
    if group.change == "changed":
        where = f"columns {group.columns}"
    elif group.stage is None and group.examples[0].detail:
        where = f"{there} has their candidates in other rows"
    elif group.stage is None:
        where = f"{there} has no such candidate"
    else:
        where = f"{there} dropped them in {group.stage}: {group.reason}"
    lines = [
        f"{group.change} {group.rows:,}, because of {group.cause}: {group.because}",
        f"  {where}",
        f"  {_counted(group.domains)}; {_counted(group.sources)}",
    ]
    for one in group.examples:
        detail = f": {printable_line(one.detail)}" if one.detail else ""
        lines.append(f"  {one.uuid} of {one.problem_id}{detail:.160}")
    return lines


def _counted(counts: Mapping[str, int]) -> str:
    shown = [f"{name} {count:,}" for name, count in list(counts.items())[:6]]
    return ", ".join(shown) + (f" and {len(counts) - 6} more" if len(counts) > 6 else "")
