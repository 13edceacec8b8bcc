"""What is wrong with the columns of a part, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from factory.errors import SchemaMismatch


def wrong_columns(path: Path, found: pa.Schema, expected: pa.Schema) -> SchemaMismatch:
    """The error for a file whose schema is another: it names the columns that differ, not all."""
    differences = "; ".join(_differences(found, expected)) or "expected its columns in their order"
    return SchemaMismatch(
        f"{path}: {differences}; delete the file and the manifest beside it and run again, the "
        f"other parts are kept"
    )


def _differences(found: pa.Schema, expected: pa.Schema) -> Iterator[str]:
    for field in expected:
        places = found.get_all_field_indices(field.name)
        if not places:
            yield f"expected column {_said(field)}, found none"
        elif len(places) > 1:
            yield f"expected column {field.name} once, found it {len(places)} times"
        elif not found.field(places[0]).equals(field):
            yield f"expected column {_said(field)}, found {_said(found.field(places[0]))}"
    if more := [name for name in found.names if name not in expected.names]:
        yield f"expected no column {', '.join(more)}"


def _said(field: pa.Field) -> str:
    return f"{field.name}: {field.type}{'' if field.nullable else ' not null'}"
