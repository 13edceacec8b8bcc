"""factory.columns: what is said of a part with other columns."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from factory.columns import wrong_columns

ID = pa.field("id", pa.string(), nullable=False)
TEXT = pa.field("text", pa.large_string(), nullable=False)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ([ID], "expected column text: large_string not null, found none"),
        ([ID, TEXT.with_nullable(True)], "expected column text: large_string not null, found text"),
        ([ID, TEXT.with_type(pa.int32())], "found text: int32 not null"),
        ([ID, TEXT, ID], "expected column id once, found it 2 times"),
        ([ID, TEXT, pa.field("a", pa.int8()), pa.field("b", pa.int8())], "expected no column a, b"),
        ([TEXT, ID], "expected its columns in their order"),
    ],
)
def test_only_columns_that_differ_are_named_on_one_line(found: list[pa.Field], says: str) -> None:
    error = str(wrong_columns(Path("part.parquet"), pa.schema(found), pa.schema([ID, TEXT])))
    assert error.startswith("part.parquet: expected ")
    assert says in error
    assert "\n" not in error
