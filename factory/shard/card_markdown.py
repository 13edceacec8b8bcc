"""What the card's template says things with: tables, cells, YAML scalars."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final


@dataclass(frozen=True)
class Table:
    """A small table; numbers stand to the right."""

    head: Sequence[str]
    rows: Sequence[Sequence[Any]]


def yaml_scalar(value: str) -> str:
    """A YAML scalar: JSON text is one."""
    return json.dumps(value, ensure_ascii=False)


def yaml_list(values: Iterable[str]) -> str:
    """A YAML list, from the next line on."""
    return "".join(f"\n- {yaml_scalar(value)}" for value in values)


def count_text(value: int) -> str:
    """`12,345`."""
    return f"{value:,}"


def cell(value: object) -> str:
    """Text that stays in its cell and is shown as it is; `–` of None."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return count_text(value)
    text = json.dumps(value, ensure_ascii=False)[1:-1] if isinstance(value, str) else str(value)
    return text.replace("|", "\\|").replace("<", "&lt;") or " "


def code(value: str) -> str:
    """The text in a code span, on one line, without what would end the span."""
    return f"`{' '.join(value.replace('`', chr(39)).split())}`"


def table_text(table: Table) -> str:
    """The table in Markdown."""
    rows = table.rows or [table.head]
    right = [
        any(_is_number(row[at]) for row in rows)
        and all(row[at] is None or _is_number(row[at]) for row in rows)
        for at in range(len(table.head))
    ]
    lines = [table.head, ["--:" if one else "---" for one in right]]
    body = [[cell(one) for one in row] for row in table.rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in [*lines, *body])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_FILTERS: Final[dict[str, Callable[[Any], str]]] = {
    "yaml": yaml_scalar,
    "yaml_list": yaml_list,
    "cell": cell,
    "code": code,
    "count": count_text,
    "table": table_text,
}
"""By their names in the template."""


def fill_in(template: Path, values: Mapping[str, Any]) -> str:
    """A card: its template (Jinja, Markdown) with these values; a name without one is an error."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True, autoescape=False
    )  # Markdown, not HTML: the filters escape what the template puts in
    environment.filters.update(_FILTERS)
    return environment.from_string(template.read_text(encoding="utf-8")).render(values)
